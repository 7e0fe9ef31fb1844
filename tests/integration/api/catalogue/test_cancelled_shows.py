"""Closing a show with its bookings: they are cancelled in continued operations, and the change says how far it is."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from api.shapes import answers
from core.bookings import Reason, Status
from tests.support.buyer import Buyer, answered, refused
from tests.support.factories import headers_of, make_admin
from tests.support.stage import Stage
from workers import expire
from workers.batch import run_batch


@pytest.fixture
def carol(app: Flask, engine: Engine) -> dict[str, str]:
    return headers_of(app, make_admin(engine), "admin")


def progress(client: FlaskClient, carol: dict[str, str], location: str) -> tuple[str, int | None]:
    body: dict[str, Any] = client.get(location, headers=carol).get_json()
    assert answers.CHANGE.validate(body) == {}
    return body["status"], body["seats_left"]


def test_the_bookings_of_a_cancelled_show_are_cancelled_a_batch_at_a_time(
    stage: Stage, client: FlaskClient, carol: dict[str, str], alice: Buyer, bob: Buyer
) -> None:
    stage.limit(batch=3)
    show = stage.show(rows=1, seats=7)
    held = alice.book(show, "A7", hold=True).get_json()["id"]
    sold = [stage.book(show, f"A{number}", user=uuid4()) for number in range(1, 7)]
    waits = stage.book(show, quantity=1, user=bob.id, waiting=True)
    while stage.drain():
        pass

    closing = client.delete(f"/api/shows/{show}?cancel_bookings=true", headers=carol)
    queued = alice.book(show, "A1", waiting_list=True).get_json()
    location = closing.headers["Location"]
    assert progress(client, carol, location) == ("ACCEPTED", None)
    while stage.drain():
        pass
    assert progress(client, carol, location) == ("DONE", 7)
    assert answered(alice.get(queued["id"]), 200)["reason"] == "SHOW_CLOSED"

    left = []
    while expire.run_once(stage.stores, stage.rung.append):
        stage.drain()
        left.append(progress(client, carol, location)[1])

    assert left == [5, 2, 0]  # the first run also ends the waiting list
    assert {(stage.booking(id_).status, stage.booking(id_).reason) for id_ in sold} == {
        (Status.CANCELLED, Reason.SHOW_CANCELLED)
    }
    assert stage.booking(waits).reason is Reason.SHOW_CLOSED
    seen = answered(alice.get(held), 200)
    assert (seen["status"], seen["reason"], seen["last_operation"]["kind"]) == (
        "CANCELLED",
        "SHOW_CANCELLED",
        "EXPIRE",
    )
    assert refused(alice.confirm(held), 409, "booking_final")["reason"] == "SHOW_CANCELLED"
    assert stage.counters(show) == (0, 0)
    stage.proven()


def test_a_show_that_was_closed_before_can_still_be_cancelled_once(
    stage: Stage, client: FlaskClient, carol: dict[str, str]
) -> None:
    show = stage.show()
    id_ = stage.book(show, "A1")
    client.delete(f"/api/shows/{show}", headers=carol)
    stage.drain()
    assert expire.run_once(stage.stores, stage.rung.append) == 0

    closing = client.delete(f"/api/shows/{show}?cancel_bookings=true", headers=carol)
    stage.drain()
    expire.run_once(stage.stores, stage.rung.append)
    stage.drain()

    assert progress(client, carol, closing.headers["Location"]) == ("DONE", 0)
    assert stage.booking(id_).status is Status.CANCELLED
    refused(client.delete(f"/api/shows/{show}?cancel_bookings=true", headers=carol), 409, "show_closed")
    refused(client.delete(f"/api/shows/{show}", headers=carol), 409, "show_closed")
    stage.proven()


def test_a_cancellation_continues_after_its_worker_is_killed(
    stage: Stage, client: FlaskClient, carol: dict[str, str]
) -> None:
    """A batch is committed and its worker killed before it publishes; Redis then loses what it had."""
    stage.limit(batch=2)
    show = stage.show()
    ids = [stage.book(show, f"A{number}", user=uuid4()) for number in range(1, 6)]
    while stage.drain():
        pass
    client.delete(f"/api/shows/{show}?cancel_bookings=true", headers=carol)
    stage.drain()
    expire.run_once(stage.stores, stage.rung.append)

    assert run_batch(stage.stores, show % stage.stores.settings.lanes, 10) is not None  # and never published
    stage.stores.client.flushdb()
    while expire.run_once(stage.stores, stage.rung.append):
        stage.drain()

    assert {stage.booking(id_).status for id_ in ids} == {Status.CANCELLED}
    stage.proven()


def test_an_expire_in_the_same_batch_as_the_cancellation_cancels_too(
    stage: Stage, client: FlaskClient, carol: dict[str, str]
) -> None:
    show = stage.show()
    id_ = stage.book(show, "A1")
    stage.drain()
    client.delete(f"/api/shows/{show}?cancel_bookings=true", headers=carol)
    stage.expire(show)

    stage.drain()

    assert stage.booking(id_).status is Status.CANCELLED
    stage.proven()
