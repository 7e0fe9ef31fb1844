"""What judges schemathesis' calls (proof/openapi/) sees what is wrong."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from proof.openapi.accounts import Stage
from proof.openapi.command import expected
from proof.openapi.watch import Watch

BOOKING = {"operationId": "create", "security": [{"bearer": []}]}
SHOWS = {"operationId": "list_shows"}
DOCUMENT = {"paths": {"/api/bookings": {"post": BOOKING}, "/api/shows": {"get": SHOWS}}}


def told(
    operation: dict[str, Any], status: int, *, token: str = "", content: bytes = b"{}", elapsed: float = 0.1
) -> Watch:
    """What is noted of one answer."""
    method = "POST" if operation is BOOKING else "GET"
    watch = Watch(Stage(1, {}, {}))
    case = SimpleNamespace(operation=SimpleNamespace(method=method, definition=SimpleNamespace(raw=operation)))
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = SimpleNamespace(method=method, url="/", headers=headers)
    body = {"id": "b1"}
    answer = SimpleNamespace(status_code=status, request=request, elapsed=elapsed, content=content, json=lambda: body)
    watch.answered(case, answer)  # type: ignore[arg-type]
    return watch


@pytest.mark.parametrize("status", [200, 202, 304, 403, 409, 422, 500])
def test_whoever_gets_past_the_door_without_a_token_is_seen(status: int) -> None:
    assert list(told(BOOKING, status).wrong) == [f"no token: create {status}"]
    assert not told(BOOKING, status, token="good").wrong
    assert not told(SHOWS, status).wrong


def test_a_refusal_without_a_token_is_right() -> None:
    assert not told(BOOKING, 401).wrong
    assert told(BOOKING, 401).without_token == 1


def test_leaks_and_slow_answers_are_seen() -> None:
    assert list(told(SHOWS, 200, content=b"Traceback (most").wrong) == ["leak: list_shows"]
    assert list(told(SHOWS, 200, elapsed=10.5).wrong) == ["slow: list_shows"]


def test_a_promise_is_remembered_with_its_owner() -> None:
    assert told(BOOKING, 202, token="good").promised == {"b1": "Bearer good"}
    assert not told(BOOKING, 200, token="good").promised


def test_a_forged_token_that_opens_is_seen_and_so_is_what_was_never_asked() -> None:
    wrong = expected({"anonymous": told(BOOKING, 202, token="forged")}, DOCUMENT)

    assert any(each == "open to everybody: ['create']" for each in wrong)
    assert any(each == "never answered: ['list_shows']" for each in wrong)
    assert "anonymous: nothing was checked" in wrong
