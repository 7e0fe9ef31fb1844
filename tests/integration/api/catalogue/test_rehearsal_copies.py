"""A show's copy for a rehearsal is in no list, says what it is, and takes no place in its hall."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text
from werkzeug.test import TestResponse

from db.postgres.engine import transaction
from tests.support.buyer import refused
from tests.support.factories import headers_of, make_admin, make_show


@pytest.fixture
def original(engine: Engine) -> int:
    return make_show(engine)


@pytest.fixture
def copy(engine: Engine, original: int) -> int:
    copy = make_show(engine)
    mark(engine, copy, original)
    return copy


def mark(engine: Engine, show_id: int, original: int | None) -> None:
    statement = text("UPDATE shows SET rehearsal_of = :original WHERE id = :id")
    with transaction(engine) as connection:
        connection.execute(statement, {"id": show_id, "original": original})


def body_of(response: TestResponse, status: int) -> dict[str, Any]:
    """Assert that an answer has this status; return its body."""
    assert response.status_code == status, response.get_data(as_text=True)
    body: dict[str, Any] = response.get_json(force=True)
    return body


def test_no_list_of_shows_has_it(client: FlaskClient, original: int, copy: int) -> None:
    listed = body_of(client.get("/api/shows"), 200)["shows"]

    assert [show["id"] for show in listed] == [original]


def test_its_title_says_what_it_is(client: FlaskClient, original: int, copy: int) -> None:
    assert body_of(client.get(f"/api/shows/{original}"), 200)["movie"]["title"] == "Row Lock"
    assert body_of(client.get(f"/api/shows/{copy}"), 200)["movie"]["title"] == "Rehearsal of Row Lock"


def test_its_hall_is_free_for_a_real_show(app: Flask, client: FlaskClient, engine: Engine, copy: int) -> None:
    shown = body_of(client.get(f"/api/shows/{copy}"), 200)
    admin = headers_of(app, make_admin(engine), "admin")
    starts_at = datetime.now(UTC) + timedelta(hours=1)
    body = {
        "movie_id": shown["movie"]["id"],
        "hall_id": shown["hall"]["id"],
        "starts_at": starts_at.isoformat(timespec="seconds"),
        "prices": shown["prices"],
    }

    mark(engine, copy, None)
    refused(client.post("/api/shows", json=body, headers=admin), 409, "hall_taken")
    mark(engine, copy, 1)
    body_of(client.post("/api/shows", json=body, headers=admin), 201)
