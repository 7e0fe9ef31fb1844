"""What was revoked: known to every process, also after Redis was wiped, and for no longer than it matters."""

from __future__ import annotations

import time
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from api.revocations import Revocations
from core.errors import RedisAway
from db import keys, revocations
from db.engine import transaction
from tests.buyer import refused
from tests.integration.test_sessions import bearer, log_in, other, pair, refresh, works
from tests.waiting import until
from workers.stores import Stores

__all__ = ["other", "pair"]


def test_a_wiped_redis_learns_again_what_was_revoked(
    client: FlaskClient, pair: dict[str, Any], other: Any, stores: Stores
) -> None:
    client.post("/api/auth/logout", headers=bearer(pair))
    stores.client.flushdb()

    other[1].refresh()

    assert not works(other[0], pair)
    assert stores.client.exists(keys.REVOKED) == 1


def test_an_empty_list_asks_postgres_once(app: Flask, stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    list_: Revocations = app.extensions["onsale-revocations"]
    list_.refresh()
    monkeypatch.setattr(list_, "_rebuild", lambda: pytest.fail("asked again"))

    list_.refresh()

    assert stores.client.xlen(keys.REVOKED) == 1


def test_nothing_is_revoked_where_nobody_could_be_told(
    app: Flask, client: FlaskClient, pair: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise RedisAway

    monkeypatch.setattr(revocations, "publish", away)
    refused(client.delete("/api/auth/sessions", headers=bearer(pair)), 503, "redis_away")
    monkeypatch.undo()

    assert works(client, pair)
    assert refresh(client, pair).status_code == 200


def test_what_has_ended_by_itself_is_forgotten_everywhere(
    app: Flask, client: FlaskClient, pair: dict[str, Any], engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.delete("/api/auth/sessions", headers=bearer(pair))
    again = log_in(client).get_json()
    client.post("/api/auth/logout", headers=bearer(again))
    list_: Revocations = app.extensions["onsale-revocations"]
    assert (len(list_._sessions), len(list_._users)) == (1, 1)
    with transaction(engine) as connection:
        connection.execute(text("UPDATE revocations SET expires_at = now() - interval '1 second'"))
        connection.execute(text("UPDATE sessions SET expires_at = now() - interval '1 second'"))
    later = time.time() + 90_000
    monkeypatch.setattr(time, "time", lambda: later)

    list_._forget(later)
    list_.prune()

    assert (len(list_._sessions), len(list_._users)) == (0, 0)
    with transaction(engine) as connection:
        assert (
            connection.execute(
                text("SELECT (SELECT count(*) FROM revocations) + (SELECT count(*) FROM sessions)")
            ).scalar()
            == 0
        )


def test_the_follower_learns_by_itself(client: FlaskClient, pair: dict[str, Any], other: Any) -> None:
    other[1].start()

    client.post("/api/auth/logout", headers=bearer(pair))

    until(lambda: not works(other[0], pair))
