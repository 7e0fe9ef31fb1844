"""`python -m proof.openapi`: schemathesis sends cases to every operation of a system of its own, and judges it."""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

from ops.up.running import running
from proof.fuzz.command import show_of, unharmed
from proof.kit.system import Up
from proof.kit.system import running as started
from proof.openapi.accounts import Client
from proof.openapi.probe import Size, names_of, probe
from proof.openapi.watch import Watch

#: One client sends everything: the limits of requests and log-ins would answer 429 for the rest.
NO_LIMITS = {
    "RATE_LIMIT_PER_S": "0",
    "LOGINS_PER_ACCOUNT": "0",
    "LOGINS_PER_ADDRESS": "0",
    "BOOKINGS_PER_USER_HOUR": "0",
}
#: How long all that was accepted may wait for its decision after the last request.
DECIDED_S = 20.0


def look(up: Up, size: Size) -> list[str]:
    """Probe a started system, print each caller's counts, and return what is wrong with it."""
    up.wait(up.complete)
    system, before = running(up.home), up.pids()
    client, wrong, seen = Client(system), [], {}
    for who, watch in probe(client, size):
        undecided = follow(client, watch)
        print(f"seed {size.seed}, {who}: {watch.told()}, {len(undecided)} of them undecided", flush=True)
        seen[who] = watch
        wrong += [f"as {who}, seed {size.seed}: {what}\n{how}" for what, how in watch.wrong.items()]
        wrong += [f"as {who}: still undecided: {told}" for told in undecided]
    document = client.ask("GET", "/openapi.json")
    wrong += expected(seen, document)
    print(f"seed {size.seed}, all: {total(seen, document)}", flush=True)
    wrong += unharmed(up, before, show_of(system))
    if client.ask("GET", "/readyz")["status"] != "ready":
        wrong.append("not ready")
    if any(secret in up.output() for secret in (system.jwt_secret, "Bearer ey", "password_hash")):
        wrong.append("the log has a secret")
    return wrong


def follow(client: Client, watch: Watch) -> list[dict[str, Any]]:
    """Ask for every booking that was accepted, as its owner; those that are not decided in time, or not for good."""
    deadline, undecided = time.monotonic() + DECIDED_S, []
    for booking, authorization in watch.promised.items():
        wait_s = max(0, int(deadline - time.monotonic()))
        token = authorization.removeprefix("Bearer ")
        told = client.ask("GET", f"/api/bookings/{booking}?wait={wait_s}", token=token)
        if told["stage"] == "QUEUED" or told["pending_operation"]:
            undecided.append(told)
    return undecided


def expected(seen: dict[str, Watch], document: dict[str, Any]) -> list[str]:
    """What must have happened for the rest to mean anything, and that nobody got what needs a token."""
    wrong = []
    if missing := names_of(document) - set().union(*(watch.operations for watch in seen.values())):
        wrong.append(f"never answered: {sorted(missing)}")
    if opened := seen["anonymous"].successful & names_of(document, secured=True):
        wrong.append(f"open to everybody: {sorted(opened)}")
    for who, watch in seen.items():
        if not watch.checks:
            wrong.append(f"{who}: nothing was checked")
        if not watch.without_token:
            wrong.append(f"{who}: nothing was asked without a token")
        if bool(watch.promised) == (who == "anonymous"):
            wrong.append(f"{who}: {len(watch.promised)} bookings were accepted")
    return wrong


def total(seen: dict[str, Watch], document: dict[str, Any]) -> str:
    """The counts of all callers together, against what the document has."""
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
    """Returns the exit code: 0 nothing is wrong, 1 something is."""
    parser = argparse.ArgumentParser(prog="python -m proof.openapi", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=5.0, help="of drawing, for all callers")
    parser.add_argument("--examples", type=int, default=30, help="of each operation in one round")
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
