"""Parked operations: inspected as received, retried as a new booking that replaces the failed one, or discarded."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from api.shapes import admin_answers
from core.bookings import Status
from db.kv import keys
from tests.integration.db.test_roles import app, engines, settings, urls, workers
from tests.integration.workers.test_poison import poisoned
from tests.support.buyer import Buyer, answered, refused
from tests.support.factories import headers_of, make_admin, make_show
from tests.support.stage import Stage

#: The api and the worker have their own roles in Postgres here.
__all__ = ["app", "engines", "settings", "urls", "workers"]


@pytest.fixture
def carol(app: Flask, engine: Engine) -> dict[str, str]:
    return headers_of(app, make_admin(engine), "admin")


def listed(client: FlaskClient, carol: dict[str, str], query: str = "") -> list[dict[str, Any]]:
    response = client.get(f"/api/admin/parked{query}", headers=carol)
    assert response.status_code == 200, response.get_json()
    assert admin_answers.PARKED_LIST.validate(response.get_json()) == {}
    found: list[dict[str, Any]] = response.get_json()["parked"]
    return found


def park(stage: Stage, alice: Buyer, monkeypatch: pytest.MonkeyPatch, show: int) -> str:
    """Have alice's booking of A1 fail with INTERNAL; return its id."""
    id_: str = answered(alice.book(show, "A1"), 202)["id"]
    with poisoned(monkeypatch, "A1"):
        while stage.stores.client.xlen(keys.lane(show % 4)):
            stage.drain(show)
    assert answered(alice.get(id_), 200)["reason"] == "INTERNAL"
    return id_


@pytest.mark.usefixtures("workers")
def test_a_retried_booking_is_a_new_one_that_replaces_the_failed_one(
    client: FlaskClient,
    carol: dict[str, str],
    stage: Stage,
    alice: Buyer,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    show = make_show(engine)
    failed = park(stage, alice, monkeypatch, show)
    [row] = listed(client, carol)
    assert (row["kind"], row["booking_id"], row["retriable"]) == ("BOOK", failed, True)
    assert ("boom" in row["error"], '"A1"' in row["payload"], row["resolution"]) == (True, True, None)

    retried = client.post(f"/api/admin/parked/{row['id']}/retry", headers=carol)

    assert retried.status_code == 202, retried.get_json()
    new = retried.get_json()["replaced_by"]
    assert (retried.get_json()["resolution"], new != failed) == ("RETRIED", True)
    again = client.post(f"/api/admin/parked/{row['id']}/retry", headers=carol)
    assert again.get_json()["replaced_by"] == new
    stage.drain(show)
    assert answered(alice.get(new), 200)["status"] == "CONFIRMED"
    old = answered(alice.get(failed), 200)
    assert (old["status"], old["reason"], old["replaced_by"]) == ("FAILED", "INTERNAL", new)
    assert old["last_operation"]["kind"] == "REPLACE"
    stage.stores.client.flushdb()
    assert answered(alice.get(failed), 200)["replaced_by"] == new  # from Postgres, too
    stage.proven()
    assert listed(client, carol) == []
    assert [each["resolution"] for each in listed(client, carol, "?resolved=any")] == ["RETRIED"]
    refused(client.post(f"/api/admin/parked/{row['id']}/discard", headers=carol), 409, "already_resolved")
    acts = client.get("/api/admin/audit?action=parked.retry", headers=carol).get_json()["acts"]
    assert [act["outcome"] for act in acts] == ["ACCEPTED", "INTENDED", "ACCEPTED", "INTENDED"]


@pytest.mark.usefixtures("workers")
def test_a_retry_whose_seat_is_gone_fails_and_is_linked_all_the_same(
    client: FlaskClient,
    carol: dict[str, str],
    stage: Stage,
    alice: Buyer,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    show = make_show(engine)
    failed = park(stage, alice, monkeypatch, show)
    [row] = listed(client, carol)
    rival = stage.book(show, "A1", user=stage.bob)
    new = client.post(f"/api/admin/parked/{row['id']}/retry", headers=carol).get_json()["replaced_by"]

    stage.drain(show)

    assert stage.booking(rival).status is Status.CONFIRMED
    assert answered(alice.get(new), 200)["reason"] == "SEAT_TAKEN"
    assert answered(alice.get(failed), 200)["replaced_by"] == new
    stage.proven()


@pytest.mark.usefixtures("workers")
def test_what_cannot_be_read_is_shown_as_received_and_only_discarded(
    client: FlaskClient, carol: dict[str, str], stage: Stage, engine: Engine
) -> None:
    show = make_show(engine)
    stage.stores.client.xadd(keys.lane(show % 4), {"o": "not readable", "t": 1})
    stage.drain(show)
    [row] = listed(client, carol)
    path = f"/api/admin/parked/{row['id']}"

    assert (row["payload"], row["payload_base64"], row["kind"]) == ("not readable", "bm90IHJlYWRhYmxl", None)
    refused(client.post(f"{path}/retry", headers=carol), 409, "not_retriable")
    assert client.post(f"{path}/discard", headers=carol).get_json()["resolution"] == "DISCARDED"
    assert client.post(f"{path}/discard", headers=carol).status_code == 200
    assert client.get(path, headers=carol).get_json()["payload"] == "not readable"  # it is kept
    assert listed(client, carol) == []
    [act] = client.get("/api/admin/audit", headers=carol).get_json()["acts"]
    assert (act["action"], act["subject"]) == ("parked.discard", f"parked {row['id']}")


def test_what_is_not_parked_is_not_found(client: FlaskClient, carol: dict[str, str]) -> None:
    for id_ in ("0-abc-1-1", "x", "0-abc-1"):
        refused(client.get(f"/api/admin/parked/{id_}", headers=carol), 404, "no_such_parked_operation")
        for act in ("retry", "discard"):
            response = client.post(f"/api/admin/parked/{id_}/{act}", headers=carol)
            refused(response, 404, "no_such_parked_operation")
