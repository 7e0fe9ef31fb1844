"""Every list of the API, page by page, on a real Postgres: nothing twice, nothing left out, and a last page.

Lists change while they are read: rows are added before the current page, and rows of earlier pages are removed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from api.shapes import answers
from core.bookings import Booking, Reason, Status
from core.ids import booking_id
from db.postgres import bookings
from db.postgres.engine import transaction
from proof.kit.shows import HOUR_MS
from proof.kit.waiting import PATIENCE_S
from tests.support.factories import PLAN, headers_of, make_hall, make_movie, make_show

USER = UUID(int=7)
IN_2099_MS = 4_073_000_000_000
LAST = {"kind": "BOOK", "accepted_ms": 0, "outcome": "FAILED", "reason": "SOLD_OUT"}
ROW = {"rows": PLAN["rows"][:1]}


def make_booking(engine: Engine, number: int) -> UUID:
    """Insert a failed booking; greater numbers come first in the list, two per millisecond."""
    booking = Booking(
        id=booking_id(b"s" * 32, 1, USER, str(number)), show_id=1, user_id=USER, status=Status.FAILED,
        reason=Reason.SOLD_OUT, fingerprint="f", seats=(), amount_cents=0, version=1, last_operation=LAST,
        accepted_ms=1_700_000_000_123 + number // 2, decided_ms=1_700_000_100_000,
    )  # fmt: skip
    with transaction(engine) as connection:
        bookings.record(connection, [booking], [])
    return booking.id


@dataclass(frozen=True)
class Case:
    """One list.

    `make`: insert a row and return its id; greater numbers come later, and neighbours may differ by their ids alone.
    `gone`: the statement that removes a row from the list.
    """

    path: str
    noun: str
    shape: Any
    make: Callable[[Engine, int], Any]
    gone: str


CASES = [
    Case("/api/movies", "movies", answers.MOVIES,
         lambda engine, number: make_movie(engine, f"{'sS'[number % 2]}hort {number // 2:03}"),
         "DELETE FROM movies WHERE id = :id"),
    Case("/api/halls", "halls", answers.HALLS,
         lambda engine, number: make_hall(engine, ROW, f"{'hH'[number % 2]}all {number // 2:03}"),
         "DELETE FROM halls WHERE id = :id"),
    Case("/api/shows", "shows", answers.SHOWS,
         lambda engine, number: make_show(engine, starts_ms=IN_2099_MS + number // 2 * HOUR_MS, plan=ROW),
         "UPDATE shows SET starts_at = now() - interval '1 minute' WHERE id = :id"),
    Case("/api/auth/bookings", "bookings", answers.OWN_BOOKINGS, lambda engine, number: make_booking(engine, -number),
         "DELETE FROM bookings WHERE id = :id"),
]  # fmt: skip


@pytest.fixture(params=CASES, ids=lambda case: case.noun)
def case(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Case:
    monkeypatch.setattr("api.catalogue.show_list.KEPT_S", 0.0)
    case: Case = request.param
    return case


@pytest.fixture
def read(app: Flask, client: FlaskClient, case: Case) -> Callable[..., dict[str, Any]]:
    """Read a page of the list."""
    headers = headers_of(app, USER)

    def page(limit: int, cursor: str | None = None) -> dict[str, Any]:
        query = f"?limit={limit}" + (f"&cursor={cursor}" if cursor else "")
        response = client.get(case.path + query, headers=headers)
        assert response.status_code == 200, response.text
        body: dict[str, Any] = response.get_json()
        case.shape.load(body)
        return {"ids": [row["id"] for row in body[case.noun]], "next": body["next_cursor"]}

    return page


def rest(read: Callable[..., dict[str, Any]], limit: int, page: dict[str, Any]) -> list[Any]:
    """Return the ids of all pages after this one."""
    found: list[Any] = []
    deadline = time.monotonic() + PATIENCE_S
    while page["next"]:
        assert time.monotonic() < deadline, "the list does not end"
        page = read(limit, page["next"])
        assert page["ids"], "a page was promised, and is empty"
        found += page["ids"]
    return found


@pytest.mark.parametrize("limit", [1, 2, 3, 6])
def test_a_list_is_complete_in_pages_and_ends_with_null(
    engine: Engine, case: Case, read: Callable[..., dict[str, Any]], limit: int
) -> None:
    for number in (3, 0, 5, 1, 4, 2):
        case.make(engine, number)
    whole = read(100)
    assert (len(whole["ids"]), whole["next"]) == (6, None)

    first = read(limit)

    assert first["ids"] + rest(read, limit, first) == whole["ids"]


def test_a_changing_list_is_read_completely_and_without_repetition(
    engine: Engine, case: Case, read: Callable[..., dict[str, Any]]
) -> None:
    for number in range(2, 8):
        case.make(engine, number)
    whole = read(100)["ids"]
    first = read(3)

    case.make(engine, 0)  # before it
    assert rest(read, 3, first) == whole[3:]
    with transaction(engine) as connection:
        for id_ in (whole[0], whole[2]):  # including the last row of the page
            connection.execute(text(case.gone), {"id": id_})
    assert rest(read, 3, first) == whole[3:]


def test_a_cursor_of_another_list_or_none_at_all_is_refused(app: Flask, client: FlaskClient, case: Case) -> None:
    for cursor in ("2", "", "W10", "A" * 5_000, "WyJvdGhlciIsMSwxXQ"):
        response = client.get(f"{case.path}?cursor={cursor}", headers=headers_of(app, USER))

        assert response.status_code == 400, cursor
        assert response.get_json(force=True)["code"] == "invalid_cursor"
