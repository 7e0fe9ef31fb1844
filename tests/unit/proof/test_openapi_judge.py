"""The judge of schemathesis' calls (proof/openapi/watch.py) finds what is wrong."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from proof.openapi.accounts import Offer
from proof.openapi.command import expected
from proof.openapi.probe import Size
from proof.openapi.watch import Watch

BOOKING = {"operationId": "create", "security": [{"bearer": []}]}
SHOWS = {"operationId": "list_shows"}
DOCUMENT = {"paths": {"/api/bookings": {"post": BOOKING}, "/api/shows": {"get": SHOWS}}}


def judged(
    operation: dict[str, Any], status: int, *, token: str = "", content: bytes = b"{}", elapsed: float = 0.1
) -> Watch:
    """Return the record of one answer."""
    method = "POST" if operation is BOOKING else "GET"
    watch = Watch(Offer(1, {}, {}))
    case = SimpleNamespace(operation=SimpleNamespace(method=method, definition=SimpleNamespace(raw=operation)))
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = SimpleNamespace(method=method, url="/", headers=headers)
    body = {"id": "b1"}
    answer = SimpleNamespace(status_code=status, request=request, elapsed=elapsed, content=content, json=lambda: body)
    watch.answered(case, answer)  # type: ignore[arg-type]
    return watch


@pytest.mark.parametrize("status", [200, 202, 304, 403, 409, 422, 500])
def test_a_success_without_a_token_is_found(status: int) -> None:
    assert list(judged(BOOKING, status).wrong) == [f"no token: create {status}"]
    assert not judged(BOOKING, status, token="good").wrong
    assert not judged(SHOWS, status).wrong


def test_a_refusal_without_a_token_is_not_wrong() -> None:
    assert not judged(BOOKING, 401).wrong
    assert judged(BOOKING, 401).without_token == 1


def test_leaks_and_slow_answers_are_found() -> None:
    assert list(judged(SHOWS, 200, content=b"Traceback (most").wrong) == ["leak: list_shows"]
    assert list(judged(SHOWS, 200, elapsed=10.5).wrong) == ["slow: list_shows"]


def test_an_accepted_booking_is_recorded_with_its_owner() -> None:
    assert judged(BOOKING, 202, token="good").promised == {"b1": "Bearer good"}
    assert not judged(BOOKING, 200, token="good").promised


def test_an_operation_open_to_a_forged_token_is_found_and_so_is_one_never_reached() -> None:
    wrong = expected({"anonymous": judged(BOOKING, 202, token="forged")}, DOCUMENT)

    assert any(each == "open to everybody: ['create']" for each in wrong)
    assert any(each == "never answered: ['list_shows']" for each in wrong)
    assert "anonymous: nothing was checked" in wrong


def test_only_the_administrator_tries_everything_in_a_small_run() -> None:
    names, small = (
        {f"operation {number}" for number in range(30)},
        Size(seed=1, seconds=1, examples=1, coverage=1 / 3),
    )

    assert small.uncovered("administrator", names) == []
    assert len(set(small.uncovered("customer", names))) == 20
    assert small.uncovered("customer", names) == small.uncovered("customer", set(names))
    assert small.uncovered("customer", names) != small.uncovered("anonymous", names)
    assert Size(seed=1, seconds=1, examples=1).uncovered("anonymous", names) == []
