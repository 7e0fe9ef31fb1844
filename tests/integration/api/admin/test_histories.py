"""A booking's way through its lane, and who had a seat when, as the journal says; found by an index."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from api.shapes import admin_answers
from core.ids import reference
from db.postgres import accounts, users
from db.postgres.engine import transaction
from tests.support.buyer import refused
from tests.support.factories import PLAN, headers_of, make_admin, make_movie
from tests.support.stage import Stage


@pytest.fixture
def carol(app: Flask, engine: Engine) -> dict[str, str]:
    return headers_of(app, make_admin(engine), "admin")


@pytest.fixture
def clerk(app: Flask, engine: Engine) -> dict[str, str]:
    """A member of the box office."""
    with transaction(engine) as connection:
        user = users.insert_user(connection, "clerk@example.com", "no hash", "")
        accounts.set_role(connection, user.id, "box_office")
    return headers_of(app, user.id, "box_office")


def read(client: FlaskClient, who: dict[str, str], what: str, shape: Any) -> dict[str, Any]:
    response = client.get(f"/api/admin/{what}", headers=who)
    assert response.status_code == 200, response.get_json()
    body: dict[str, Any] = response.get_json()
    assert shape.validate(body) == {}
    return body


def test_a_booking_is_followed_through_its_lane(client: FlaskClient, carol: dict[str, str], stage: Stage) -> None:
    show = stage.show()
    id_ = stage.book(show, "A1", hold=True)
    queued = read(client, carol, f"bookings/{id_}", admin_answers.BOOKING_HISTORY)
    assert (queued["booking"]["stage"], queued["decisions"]) == ("QUEUED", [])
    stage.drain(show)
    stage.confirm(id_)
    stage.drain(show)

    body = read(client, carol, f"bookings/{id_}", admin_answers.BOOKING_HISTORY)

    assert (body["booking"]["status"], body["user_id"]) == ("CONFIRMED", str(stage.alice))
    assert [(each["kind"], each["outcome"], each["version"]) for each in body["decisions"]] == [
        ("BOOK", "HELD", 1), ("CONFIRM", "CONFIRMED", 2),
    ]  # fmt: skip
    first, second = body["decisions"]
    assert first["accepted_at"] <= first["decided_at"] <= second["accepted_at"] <= second["decided_at"]
    assert body["published_version"] == 2
    by_reference = read(client, carol, f"bookings?reference={reference(id_).lower()}", admin_answers.BOOKING_HISTORY)
    assert by_reference == body
    stage.stores.client.flushdb()
    assert read(client, carol, f"bookings/{id_}", admin_answers.BOOKING_HISTORY)["decisions"] == body["decisions"]


def test_who_had_a_seat_and_when(client: FlaskClient, clerk: dict[str, str], stage: Stage) -> None:
    show = stage.show()
    first = stage.book(show, "A1", "A2", hold=True)
    stage.book(show, "A1", user=stage.bob)  # refused: it is held
    stage.drain(show)
    stage.cancel(first)
    stage.drain(show)
    second = stage.book(show, "A1", user=stage.bob)
    stage.drain(show)

    body = read(client, clerk, f"shows/{show}/seat-history?label=A1", admin_answers.SEAT_HISTORY)

    held, sold = body["history"]
    assert (held["booking_id"], held["user_id"], held["status"]) == (str(first), str(stage.alice), "HELD")
    assert held["ended_by"] == {"kind": "CANCEL", "outcome": "CANCELLED", "reason": None}
    assert held["since"] < held["until"] <= sold["since"]
    assert (sold["booking_id"], sold["status"], sold["until"]) == (str(second), "CONFIRMED", None)
    others = read(client, clerk, f"shows/{show}/seat-history?label=A3", admin_answers.SEAT_HISTORY)
    assert others["history"] == []


def test_other_shows_with_the_same_seat_are_another_matter(
    client: FlaskClient, carol: dict[str, str], stage: Stage
) -> None:
    show, other = stage.show(), stage.show()
    stage.book(other, "A1")
    stage.drain()

    assert read(client, carol, f"shows/{show}/seat-history?label=A1", admin_answers.SEAT_HISTORY)["history"] == []


@pytest.mark.parametrize("of", ["booking_id = gen_random_uuid()", "booking_id BETWEEN gen_random_uuid() AND"
                                " gen_random_uuid() AND outcome = ANY('{HELD,CONFIRMED}')"])  # fmt: skip
def test_the_journal_is_read_by_its_index(engine: Engine, of: str) -> None:
    with transaction(engine) as connection:
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        plan = connection.execute(text(f"EXPLAIN SELECT decision FROM journal WHERE {of}")).scalars().all()  # noqa: S608

    assert "journal_of_booking" in "\n".join(plan)


def test_the_box_office_reads_shows_and_bookings_and_changes_nothing(
    client: FlaskClient, clerk: dict[str, str], stage: Stage, engine: Engine
) -> None:
    show = stage.show()
    id_ = stage.book(show, "A1")
    read(client, clerk, f"shows/{show}", admin_answers.SHOW_FIGURES)
    read(client, clerk, f"bookings/{id_}", admin_answers.BOOKING_HISTORY)

    movie = make_movie(engine)
    for method, path, body in (
        ("GET", "/api/admin/audit", None),
        ("GET", "/api/admin/users", None),
        ("GET", "/api/admin/lanes", None),
        ("PATCH", f"/api/admin/users/{stage.alice}", {"role": "box_office"}),
        ("PATCH", f"/api/shows/{show}", {"state": "PAUSED"}),
        ("DELETE", f"/api/movies/{movie}", None),
        ("POST", "/api/halls", {"name": "Studio", "plan": PLAN}),
    ):
        refused(client.open(path, method=method, json=body, headers=clerk), 403, "not_allowed")


def test_what_is_not_there_is_not_found(client: FlaskClient, carol: dict[str, str], stage: Stage) -> None:
    show = stage.show()

    refused(client.get(f"/api/admin/shows/{show}/seat-history?label=Z9", headers=carol), 404, "no_such_seat")
    refused(client.get("/api/admin/shows/99/seat-history?label=A1", headers=carol), 404, "no_such_seat")
    for which in ("/ffffffff-ffff-8fff-bfff-ffffffffffff", "?reference=1-AAAAA-AAAAA", "?reference=x"):
        refused(client.get(f"/api/admin/bookings{which}", headers=carol), 404, "no_such_booking")


def test_a_users_bookings_are_listed_also_without_the_account(
    client: FlaskClient, carol: dict[str, str], stage: Stage
) -> None:
    show = stage.show()
    stage.book(show, "A1")
    stage.drain(show)

    found = client.get(f"/api/admin/users/{stage.alice}/bookings", headers=carol).get_json()["bookings"]

    assert [booking["seats"] for booking in found] == [["A1"]]
