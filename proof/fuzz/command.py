"""`python -m proof.fuzz`: starts a system of its own, sends it what nobody should, and looks whether it minds."""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import urllib.request
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from ops.rush.tokens import mint
from ops.up.running import Running, running
from proof.fuzz.cases import Case, Cases
from proof.fuzz.wire import Answer, send
from proof.kit.system import Up
from proof.kit.system import running as started

#: What may never be seen in an answer.
LEAKS = (b"Traceback", b'File "', b"psycopg", b"sqlalchemy", b"redis.exceptions")


@dataclass
class Result:
    """How many answers there were of each status (0: closed without one), and what was wrong."""

    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def fuzz(system: Running, show_id: int, *, seed: int, requests: int, seconds: float) -> Result:
    """Send cases of a seed to a running system, so many or for so long."""
    where = urlsplit(system.base_url)
    tokens = [mint(system.jwt_secret, str(uuid4())) for _ in range(30)]
    bookings = [book(system, show_id, token) for token in tokens[:10]]
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
    """What is wrong about an answer; "" if nothing."""
    if answer.hung:
        return "the server hangs"
    if answer.status >= 500 and answer.status != 503:
        return f"{answer.status}: {answer.raw[-500:]!r}"
    if answer.status == 0 and case.whole:
        return "closed without an answer to a whole request"
    leaked = [word for word in (*LEAKS, secret) if word in answer.raw]
    return f"the answer says {leaked[0]!r}" if leaked else ""


def book(system: Running, show_id: int, token: str) -> str:
    """Ask for one seat as a good client does, and wait for the outcome: the id of a decided booking."""
    answer = _call(system, "POST", "/api/bookings", token, {"show_id": show_id, "quantity": 1})
    told = _call(system, "GET", f"/api/bookings/{answer['id']}?wait=20", token)
    assert told["status"] in ("CONFIRMED", "FAILED"), told
    return str(answer["id"])


def _call(system: Running, method: str, path: str, token: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(system.base_url + path, data, headers, method=method)
    with urllib.request.urlopen(request, timeout=30) as response:
        answer: dict[str, Any] = json.load(response)
    return answer


def show_of(system: Running) -> int:
    """A show with room, made for this."""
    from proof.bench.halls import make_shows

    return make_shows(system.database_url, [5_000])[0]


def unharmed(up: Up, before: dict[str, list[int]], show_id: int) -> list[str]:
    """What is wrong with the system after it: the same processes run, a booking is decided, the proof holds."""
    system, wrong = running(up.home), []
    if up.pids() != before:
        wrong.append(f"other processes run: {before}, now {up.pids()}")
    book(system, show_id, mint(system.jwt_secret, str(uuid4())))
    proof = up.run("verify")
    if proof.returncode:
        wrong.append(proof.stdout)
    if "Traceback" in up.output():
        wrong.append("the log has a traceback: " + up.output().partition("Traceback")[2][:3_000])
    return wrong


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: 0 nothing is wrong, 1 something is."""
    parser = argparse.ArgumentParser(prog="python -m proof.fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=3_600.0, help="at the most")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="onsale-fuzz-") as folder:
        for up in started(Path(folder)):
            up.start()
            up.wait(up.complete)
            system, before = running(up.home), up.pids()
            show_id = show_of(system)
            result = fuzz(system, show_id, seed=options.seed, requests=options.requests, seconds=options.seconds)
            wrong = [*result.wrong, *unharmed(up, before, show_id)]
    print(*wrong, sep="\n", end="\n" if wrong else "")
    told = ", ".join(f"{count} {status or 'closed'}" for status, count in sorted(result.statuses.items()))
    print(f"seed {options.seed}: {result.statuses.total()} requests ({told}), {len(wrong)} wrong")
    return 1 if wrong else 0
