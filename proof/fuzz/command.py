"""`python -m proof.fuzz`: start a system, send it malformed requests, and check that they do no harm."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

from ops.rush.tokens import mint
from ops.up.running import RunningSystem, find_running
from proof.fuzz.cases import Case, Cases
from proof.fuzz.wire import Answer, send
from proof.kit.client import Client
from proof.kit.shows import make_show_in, plan
from proof.kit.system import Up
from proof.kit.system import running as started

#: Words that must never appear in an answer.
LEAKS = (b"Traceback", b'File "', b"psycopg", b"sqlalchemy", b"redis.exceptions")


@dataclass
class Result:
    """The number of answers of each status (0: closed without one), and what was wrong."""

    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def fuzz(system: RunningSystem, show_id: int, *, seed: int, requests: int, seconds: float) -> Result:
    """Send cases of a seed to a running system: `requests` of them, or as many as fit into `seconds`."""
    where = urlsplit(system.base_url)
    tokens = [mint(system.jwt_secret, str(uuid4())) for _ in range(30)]
    with Client(system.base_url) as client:
        bookings = [book(client, show_id, token) for token in tokens[:10]]
    cases, result = Cases(seed, show_id, tokens, bookings), Result()
    deadline = time.monotonic() + seconds
    for number in range(requests):
        if time.monotonic() > deadline:
            break
        case = cases.next()
        answer = send(where.hostname or "", where.port or 0, case.data(), whole=case.whole)
        result.statuses[answer.status] += 1
        if wrong := judge(case, answer, system.jwt_secret.encode()):
            result.wrong.append(f"case {number} of seed {seed} ({case.name}): {wrong}; sent {case.data()[:2_000]!r}")
    return result


def judge(case: Case, answer: Answer, secret: bytes) -> str:
    """Return what is wrong with an answer; "" if nothing is."""
    if answer.hung:
        return "the server hangs"
    if answer.status >= 500 and answer.status != 503:
        return f"{answer.status}: {answer.raw[-500:]!r}"
    if answer.status == 0 and case.whole:
        return "closed without an answer to a whole request"
    leaked = [word for word in (*LEAKS, secret) if word in answer.raw]
    return f"the answer says {leaked[0]!r}" if leaked else ""


def book(client: Client, show_id: int, token: str) -> str:
    """Book one seat with a well-formed request, and wait for the outcome; return the booking's id."""
    booking = client.call("POST", "/api/bookings", {"show_id": show_id, "quantity": 1}, token=token)
    decided = client.call("GET", f"/api/bookings/{booking['id']}?wait=20", token=token)
    assert decided["status"] in ("CONFIRMED", "FAILED"), decided
    return str(booking["id"])


def make_large_show(system: RunningSystem) -> int:
    """Create a show of 5,000 seats; return its id."""
    return make_show_in(system.database_url, plan(5, 1_000))


def unharmed(up: Up, before: dict[str, list[int]], show_id: int) -> list[str]:
    """Return what is wrong with the system: other processes, an undecided booking, violations, a traceback."""
    system, wrong = find_running(up.home), []
    if up.pids() != before:
        wrong.append(f"other processes run: {before}, now {up.pids()}")
    with Client(system.base_url) as client:
        book(client, show_id, mint(system.jwt_secret, str(uuid4())))
    verified = up.run("verify")
    if verified.returncode:
        wrong.append(verified.stdout)
    if "Traceback" in up.output():
        wrong.append("the log has a traceback: " + up.output().partition("Traceback")[2][:3_000])
    return wrong


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code: 0 nothing is wrong, 1 something is."""
    parser = argparse.ArgumentParser(prog="python -m proof.fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=3_600.0, help="stop after this time")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="onsale-fuzz-") as folder:
        for up in started(Path(folder)):
            up.start()
            up.wait(up.complete)
            system, before = find_running(up.home), up.pids()
            show_id = make_large_show(system)
            result = fuzz(system, show_id, seed=options.seed, requests=options.requests, seconds=options.seconds)
            wrong = [*result.wrong, *unharmed(up, before, show_id)]
    print(*wrong, sep="\n", end="\n" if wrong else "")
    counts = ", ".join(f"{count} {status or 'closed'}" for status, count in sorted(result.statuses.items()))
    print(f"seed {options.seed}: {result.statuses.total()} requests ({counts}), {len(wrong)} wrong")
    return 1 if wrong else 0
