"""Malformed requests to real processes over real sockets: clean refusals, no 5xx but 503, no hang, no harm."""

from __future__ import annotations

from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from ops.rush.tokens import mint
from ops.up.running import RunningSystem, find_running
from proof.fuzz.cases import Case
from proof.fuzz.command import fuzz, judge, make_large_show, unharmed
from proof.fuzz.wire import Answer, send
from proof.kit.system import Up
from tests.unit.api.test_jwt_attacks import ATTACKS, Token

#: Max requests and seconds in CI; `make fuzz` takes any number.
REQUESTS, SECONDS = 600, 25.0
#: Statuses for a token that is longer than headers may be: refused before it is read.
TOO_LONG = {400, 413, 431, 0}


def answer(system: RunningSystem, case: Case) -> Answer:
    where = urlsplit(system.base_url)
    return send(where.hostname or "", where.port or 0, case.data(), whole=case.whole)


def test_spoilt_requests_do_no_harm(running_up: Up) -> None:
    system, before = find_running(running_up.home), running_up.pids()
    show_id = make_large_show(system)

    result = fuzz(system, show_id, seed=2026, requests=REQUESTS, seconds=SECONDS)

    assert result.wrong == []
    assert len(result.statuses.keys() & {200, 202, 400, 401, 404, 422}) == 6, result.statuses
    assert unharmed(running_up, before, show_id) == []


def test_forged_tokens_are_refused_by_the_server_too(running_up: Up) -> None:
    """The front (api/front.py) reads tokens before Flask does, so run the whole list of attacks against it."""
    system = find_running(running_up.home)
    body = b'{"show_id":1,"seats":["A1"]}'
    for name, attack in ATTACKS.items():
        forged = attack(Token(mint(system.jwt_secret, str(uuid4())), system.jwt_secret)).encode("latin-1")
        headers = [(b"Authorization", b"Bearer " + forged), (b"Content-Type", b"application/json")]
        for case in (
            Case(name, b"POST", b"/api/bookings", headers=headers, body=body),
            Case(name, b"GET", b"/api/bookings/%s" % str(uuid4()).encode(), headers=headers),
        ):
            reply = answer(system, case)
            assert reply.status == 401 or (len(forged) > 8_000 and reply.status in TOO_LONG), (name, reply)


@pytest.mark.parametrize(
    ("reply", "wrong"),
    [
        (Answer(500, b"HTTP/1.1 500 ..."), "500"),
        (Answer(502, b"HTTP/1.1 502 ..."), "502"),
        (Answer(0, b"", hung=True), "hangs"),
        (Answer(0), "closed"),
        (Answer(400, b"HTTP/1.1 400 Bad\r\n\r\nTraceback (most"), "Traceback"),
        (Answer(422, b"HTTP/1.1 422 Bad\r\n\r\nsecret!"), "says"),
        (Answer(503, b"HTTP/1.1 503 Away\r\n\r\n"), ""),
        (Answer(401, b"HTTP/1.1 401 Who\r\n\r\n"), ""),
    ],
)
def test_the_judge_finds_what_is_wrong(reply: Answer, wrong: str) -> None:
    verdict = judge(Case("a good one"), reply, b"secret!")

    assert wrong in verdict if wrong else verdict == ""
