"""Runs schemathesis against a running system, as each kind of caller."""

from __future__ import annotations

import random
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import schemathesis
from schemathesis.auths import AuthProvider
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import from_schema
from schemathesis.wfc.escalation import EscalatingAuthProvider

from ops.up.running import RunningSystem
from proof.kit.client import Client
from proof.openapi.accounts import Tokens, make_offer, sign_up, sign_up_administrator
from proof.openapi.watch import Watch

EXPECTED = Path(__file__).with_name("schemathesis.toml")
PHASES = ("examples", "coverage", "fuzzing", "stateful")
BOOKINGS = ["list_shows", "create", "status", "by_reference", "confirm", "cancel", "own_bookings"]
CATALOGUE = [
    *("create_hall", "list_halls", "get_hall", "create_show", "get_show", "get_seats", "change_show", "close_show"),
    *("create_movie", "get_movie", "replace_movie", "delete_movie"),
]
#: Phases, operations (empty: all), and the share of a caller's time at which they end.
#: First the cases that follow from the document, without a limit; then generated cases; then chains of requests about
#: bookings or the catalogue alone: with all operations, chains are rarely long.
RUNS: tuple[tuple[tuple[str, ...], list[str], float], ...] = (
    (("examples", "coverage"), [], 0.0),
    (("fuzzing", "stateful"), [], 0.35),
    (("stateful",), BOOKINGS, 0.7),
    (("stateful",), CATALOGUE, 1.0),
)
#: Links by which a chain of requests can begin to book, or to create shows. Schemathesis begins with neither, as
#: their bodies name what must exist. The document cannot have them, as a link there gives a whole body.
EXTRA_LINKS = {
    ("/api/shows", "get", "200"): {
        "create": {"operationId": "create", "requestBody": {"show_id": "$response.body#/shows/0/id"}}
    },
    ("/api/halls", "get", "200"): {
        "create_show": {"operationId": "create_show", "requestBody": {"hall_id": "$response.body#/halls/0/id"}}
    },
}
#: Operations whose answers do not end: schemathesis takes them for hung. tests/contract/test_events.py tries them.
STREAMS = ("get_show_events", "get_booking_events")
#: The operation that no draw leaves out: a run in which nobody books shows little.
COVERED = "create"
#: Seconds after which a request counts as hung.
HANGS_S = 30


@dataclass(frozen=True)
class Size:
    """How much is generated for each caller: for `seconds`, and `examples` cases per operation in one round.

    coverage: the share of the operations, drawn by the seed for each caller, to which all cases are sent that follow
    from the document. The administrator, to whom every operation is open, sends them to all.
    """

    seed: int
    seconds: int
    examples: int
    coverage: float = 1.0

    def uncovered(self, who: str, names: set[str]) -> list[str]:
        """Return the operations to which a caller does not send all cases that follow from the document."""
        count = 0 if who == "administrator" else round(len(names) * (1 - self.coverage))
        return random.Random(f"{self.seed} {who}").sample(sorted(names - {COVERED}), min(count, len(names) - 1))


def names_of(document: dict[str, Any], *, secured: bool = False) -> set[str]:
    """Return the names of all operations but STREAMS, or of those that need a token."""
    found = (each for methods in document["paths"].values() for each in methods.values())
    names = {each["operationId"] for each in found if "operationId" in each and (each.get("security") or not secured)}
    return names.difference(STREAMS)


def probe(client: Client, system: RunningSystem, size: Size) -> Iterator[tuple[str, Watch]]:
    """Send cases anonymously, as a customer and as an administrator. Yields each caller's name and its record.

    The anonymous caller never gets a token: schemathesis would sign up by itself if it were allowed to.
    """
    document = client.call("GET", "/openapi.json")
    for (path, method, status), links in EXTRA_LINKS.items():
        document["paths"][path][method]["responses"][status]["links"] = links
    names = names_of(document)
    administrator = sign_up_administrator(client, system)
    customers: list[AuthProvider[Any]] = [Tokens(client, sign_up(client)) for _ in range(2)]
    callers: dict[str, list[Any]] = {
        "anonymous": [],
        # What one customer created is requested as another, too (the check object_level_authorization).
        "customer": [EscalatingAuthProvider(customers, ["one", "other"], peers=("one", "other"), pinned="one")],
        "administrator": [Tokens(client, administrator)],
    }
    for name, providers in callers.items():
        watch, begun = Watch(make_offer(client, administrator)), 0.0
        for phases, operations, part in RUNS:
            seconds = max(1, round(begun + part * size.seconds - time.monotonic())) if part else None
            left_out = sorted(names - set(operations)) if operations else []
            config = _config(size, phases, {"stateful": left_out, "coverage": size.uncovered(name, names)}, seconds)
            config.projects.default.update(base_url=system.base_url)
            schema = schemathesis.openapi.from_dict(document, config=config)
            schema.auth.providers.extend(providers)
            with watch.over(schema):
                for event in from_schema(schema).execute():
                    watch.event(event)
            begun = begun or time.monotonic()
        yield name, watch


def _config(
    size: Size, phases: tuple[str, ...], left_out: dict[str, list[str]], seconds: int | None
) -> SchemathesisConfig:
    """Args: left_out: the operations that a phase leaves out."""
    expected = tomllib.loads(EXPECTED.read_text())
    expected["operations"] += [{"include-operation-id": list(STREAMS), "enabled": False}]
    expected["operations"] += [
        {"include-operation-id": name, "phases": {phase: {"enabled": False}}}
        for phase, omitted in left_out.items()
        for name in omitted
    ]
    # Requests without a valid token would end a chain at its first link; the other phases send them.
    chains = {"max-examples": 3 * size.examples, "with-security-parameters": False}
    stateful = {"enabled": "stateful" in phases, "generation": chains}
    return SchemathesisConfig.from_dict(
        expected
        | ({"max-time": seconds} if seconds else {})
        | {
            "generation": expected["generation"] | {"max-examples": size.examples, "database": "none"},
            "phases": {phase: {"enabled": phase in phases} for phase in PHASES} | {"stateful": stateful},
            "seed": size.seed,
            "continue-on-failure": True,
            "request-timeout": HANGS_S,
        }
    )
