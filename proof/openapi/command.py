"""`python -m proof.openapi`: start a system, let schemathesis send cases to all operations, and judge the answers."""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

from ops.up.running import RunningSystem, find_running
from proof.fuzz.command import make_large_show, unharmed
from proof.kit.client import Client
from proof.kit.system import Up
from proof.kit.system import running as started
from proof.openapi.probe import Size, names_of, probe
from proof.openapi.watch import Watch

#: One client sends everything, so the limits of requests and log-ins would soon answer 429.
NO_LIMITS = {
    "RATE_LIMIT_PER_S": "0",
    "LOGINS_PER_ACCOUNT": "0",
    "LOGINS_PER_ADDRESS": "0",
    "BOOKINGS_PER_USER_HOUR": "0",
    "UNDECIDED_PER_USER": "0",
    # Nobody takes the workers away: what is accepted is to be decided.
    "SUPERVISOR_SOCKET": "",
}
#: Seconds after the last request within which every accepted booking must be decided.
DECIDED_S = 20.0
#: Seconds for one answer to the proof's own requests.
PATIENCE_S = 60.0


def look(up: Up, size: Size) -> list[str]:
    """Probe a started system; return what is wrong with it."""
    up.wait(up.complete)
    system, before = find_running(up.home), up.pids()
    wrong: list[str] = []
    with Client(system.base_url, timeout_s=PATIENCE_S) as client:
        wrong += _probe(client, system, size)
        wrong += unharmed(up, before, make_large_show(system))
        if client.call("GET", "/readyz")["status"] != "ready":
            wrong.append("not ready")
    if any(secret in up.output() for secret in (system.jwt_secret, "Bearer ey", "password_hash")):
        wrong.append("the log has a secret")
    return wrong


def _probe(client: Client, system: RunningSystem, size: Size) -> list[str]:
    """Send cases as each caller, print the counts, and return what is wrong."""
    wrong, seen = [], {}
    for who, watch in probe(client, system, size):
        undecided = follow(client, watch)
        print(f"seed {size.seed}, {who}: {watch.counts()}, {len(undecided)} of them undecided", flush=True)
        seen[who] = watch
        wrong += [f"as {who}, seed {size.seed}: {what}\n{how}" for what, how in watch.wrong.items()]
        wrong += [f"as {who}: still undecided: {booking}" for booking in undecided]
    document = client.call("GET", "/openapi.json")
    wrong += expected(seen, document)
    print(f"seed {size.seed}, all: {total(seen, document)}", flush=True)
    return wrong


def follow(client: Client, watch: Watch) -> list[dict[str, Any]]:
    """Poll every accepted booking as its owner; return those that are undecided, or have an undecided change."""
    deadline, undecided = time.monotonic() + DECIDED_S, []
    for booking, authorization in watch.promised.items():
        wait_s = max(0, int(deadline - time.monotonic()))
        token = authorization.removeprefix("Bearer ")
        found = client.call("GET", f"/api/bookings/{booking}?wait={wait_s}", token=token)
        if found["stage"] == "QUEUED" or found["pending_operation"]:
            undecided.append(found)
    return undecided


def expected(seen: dict[str, Watch], document: dict[str, Any]) -> list[str]:
    """Return operations that were never reached, callers for whom too little was tried, and open operations."""
    wrong = []
    if missing := names_of(document) - set().union(*(watch.operations for watch in seen.values())):
        wrong.append(f"never answered: {sorted(missing)}")
    if opened := seen["anonymous"].successful & names_of(document, secured=True):
        wrong.append(f"open to everybody: {sorted(opened)}")
    for who, watch in seen.items():
        if not watch.checks:
            wrong.append(f"{who}: nothing was checked")
        if not watch.without_token:
            wrong.append(f"{who}: nothing was sent without a token")
        if bool(watch.promised) == (who == "anonymous"):
            wrong.append(f"{who}: {len(watch.promised)} bookings were accepted")
    return wrong


def total(seen: dict[str, Watch], document: dict[str, Any]) -> str:
    """Return the counts of all callers together, compared with the document's."""
    names, answered = names_of(document), set().union(*(watch.successful for watch in seen.values()))
    links = {
        f"{method.upper()} {path} -> [{status}] {link} -> "
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        for status, response in (operation["responses"].items() if "responses" in operation else ())
        for link in response.get("links", {})
    }
    followed = set().union(*(watch.links for watch in seen.values()))
    chained = sum(any(each.startswith(link) for each in followed) for link in links)
    return (
        f"{sum(watch.statuses.total() for watch in seen.values())} requests, "
        f"{sum(watch.checks.total() for watch in seen.values())} checks, "
        f"{len(names & answered)} of {len(names)} operations answered 2xx, {chained} of {len(links)} links followed, "
        f"slowest {max(watch.slowest_s for watch in seen.values()):.2f} s"
    )


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code: 0 nothing is wrong, 1 something is."""
    parser = argparse.ArgumentParser(prog="python -m proof.openapi", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=5.0, help="of generated cases, for all callers")
    parser.add_argument("--examples", type=int, default=30, help="per operation in one round")
    options = parser.parse_args(arguments)
    size = Size(options.seed, seconds=int(options.minutes * 20), examples=options.examples)
    wrong: list[str] = []
    with tempfile.TemporaryDirectory(prefix="onsale-openapi-") as folder:
        for up in started(Path(folder), NO_LIMITS):
            up.start()
            wrong = look(up, size)
    print(*wrong, sep="\n", end="\n" if wrong else "")
    print(f"seed {options.seed}: {len(wrong)} wrong")
    return 1 if wrong else 0
