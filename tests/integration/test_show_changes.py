"""A show's settings change in its lane: pause, close, limit, prices - over HTTP, by an administrator."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from tests.buyer import Buyer, answered, refused
from tests.factories import headers_of, make_admin
from tests.stage import Stage


@pytest.fixture
def carol(app: Flask, engine: Engine) -> dict[str, str]:
    return headers_of(app, make_admin(engine), "admin")


def test_what_was_accepted_before_a_change_is_decided_by_the_old_settings(
    stage: Stage, client: FlaskClient, carol: dict[str, str], alice: Buyer
) -> None:
    show = stage.show()
    before = alice.book(show, "A1").get_json()["id"]

    changes = {"prices": {"standard": 5000}, "seats_per_user": 2, "hold_s": 7}
    response = client.patch(f"/api/shows/{show}", json=changes, headers=carol)
    after = alice.book(show, "A2", hold=True).get_json()["id"]
    stage.drain()

    assert (response.status_code, response.headers["Location"]) == (202, f"/api/shows/{show}")
    assert answered(alice.get(before), 200)["amount_cents"] == 1000
    held = stage.booking(UUID(after))
    assert (held.amount_cents, (held.expires_ms or 0) - held.decided_ms) == (5000, 7000)
    listed = client.get(f"/api/shows/{show}").get_json()
    assert (listed["prices"], listed["seats_per_user"], listed["hold_s"]) == ({"standard": 5000}, 2, 7)
    stage.proven()


def test_a_show_is_paused_resumed_and_closed(
    stage: Stage, client: FlaskClient, carol: dict[str, str], alice: Buyer
) -> None:
    show = stage.show()
    path = f"/api/shows/{show}"

    client.patch(path, json={"state": "PAUSED"}, headers=carol)
    stage.drain()
    refused(alice.book(show, "A1"), 409, "show_paused")
    client.patch(path, json={"state": "ON_SALE"}, headers=carol)
    stage.drain()
    answered(alice.book(show, "A1"), 202)
    assert client.delete(path, headers=carol).status_code == 202
    stage.drain()

    refused(alice.book(show, "A1"), 409, "show_closed")
    assert client.get(path).get_json()["state"] == "CLOSED"
    stage.proven()


@pytest.mark.parametrize(
    "changes", [{}, {"state": "OPEN"}, {"starts_at": "2030-01-01T00:00:00Z"}, {"seats_per_user": 0}, {"prices": {}},
                {"prices": {"royal": 1}}, {"hold_s": "7"}, {"sales_open_at": "soon"}],
)  # fmt: skip
def test_a_bad_change_is_refused(
    stage: Stage, client: FlaskClient, carol: dict[str, str], changes: dict[str, Any]
) -> None:
    refused(client.patch(f"/api/shows/{stage.show()}", json=changes, headers=carol), 422, "invalid_request")


def test_only_an_administrator_changes_shows_that_exist(
    stage: Stage, client: FlaskClient, carol: dict[str, str], alice: Buyer
) -> None:
    path = f"/api/shows/{stage.show()}"

    refused(client.patch(path, json={"state": "PAUSED"}, headers=alice.headers), 403, "not_allowed")
    refused(client.delete(path), 401, "token_missing")
    refused(client.patch("/api/shows/999", json={"state": "PAUSED"}, headers=carol), 404, "no_such_show")
    refused(client.delete("/api/shows/999", headers=carol), 404, "no_such_show")
