"""Revocations: known to every process, also after Redis was wiped, and for no longer than necessary."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from api.access import revocations as module
from api.access import tokens
from api.access.revocations import Revocations
from api.web.errors import TokenRevoked
from core.errors import RedisUnavailable
from core.settings import Settings
from db import revocations
from db.kv import keys
from db.postgres.engine import transaction
from db.revocations import Revocation
from proof.kit.waiting import until
from tests.integration.api.accounts.test_sessions import bearer, log_in, other, pair, refresh, works
from tests.support.buyer import refused
from tests.support.factories import opened_app
from workers.stores import Stores

__all__ = ["other", "pair"]


def of(app: Flask) -> Revocations:
    list_: Revocations = app.extensions["onsale-revocations"]
    return list_


def log_out(client: FlaskClient, one: dict[str, Any]) -> None:
    assert client.post("/api/auth/logout", headers=bearer(one)).status_code == 204


def lose(stores: Stores, *numbers: int) -> None:
    """Remove entries from the stream, as a failover to a replica that lacks them does; -1: the newest."""
    ids = [id_ for id_, _ in cast(list[tuple[str, Any]], stores.client.xrange(keys.REVOKED))]
    stores.client.xdel(keys.REVOKED, *(ids[number] for number in numbers))


def look(list_: Revocations) -> None:
    """Make Postgres due, and refresh."""
    list_._reload_at = 0.0
    list_.refresh()


def test_revocations_lost_in_a_wiped_redis_are_read_from_postgres(
    client: FlaskClient, pair: dict[str, Any], other: Any, stores: Stores
) -> None:
    elsewhere = log_in(client).get_json()
    log_out(client, elsewhere)
    other[1].refresh()
    log_out(client, pair)
    stores.client.flushdb()

    other[1].refresh()

    assert not works(other[0], pair)


def test_a_tail_that_redis_lost_is_read_from_postgres(
    client: FlaskClient, pair: dict[str, Any], other: Any, stores: Stores
) -> None:
    """A process has read the second of three; the newest two are lost, and a newer one follows."""
    first, second, fourth = (log_in(client).get_json() for _ in range(3))
    log_out(client, first)
    log_out(client, second)
    other[1].refresh()
    log_out(client, pair)
    lose(stores, -1, -2)
    log_out(client, fourth)

    other[1].refresh()

    assert not works(other[0], pair)
    assert not works(other[0], fourth)


def test_a_process_that_starts_after_redis_lost_the_tail_knows_it_from_postgres(
    client: FlaskClient, pair: dict[str, Any], settings: Settings, stores: Stores
) -> None:
    elsewhere = log_in(client).get_json()
    log_out(client, elsewhere)
    log_out(client, pair)
    lose(stores, -1)
    with opened_app(settings) as app:
        of(app).start()  # before it answers anything

        assert not works(app.test_client(), pair)
        of(app).stop()


def test_an_unnoticed_loss_is_read_from_postgres_periodically(
    client: FlaskClient, pair: dict[str, Any], other: Any, stores: Stores
) -> None:
    log_out(client, pair)
    lose(stores, -1)  # before the other process has read it
    other[1].refresh()
    assert works(other[0], pair)

    look(other[1])

    assert not works(other[0], pair)


def test_processes_do_not_query_postgres_together(app: Flask) -> None:
    waits = []
    for _ in range(8):
        look(of(app))
        waits.append(of(app)._reload_at - time.monotonic())

    assert all(0.79 * module.LOOK_S < seconds < 1.21 * module.LOOK_S for seconds in waits)
    assert max(waits) - min(waits) > 0.02 * module.LOOK_S


def test_after_an_outage_of_redis_postgres_is_read(
    client: FlaskClient, pair: dict[str, Any], other: Any, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_out(client, pair)
    lose(stores, -1)

    def away(*_: Any) -> None:
        raise RedisUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(revocations, "read", away)
        with pytest.raises(RedisUnavailable):
            other[1].refresh()
    assert works(other[0], pair)

    other[1].refresh()

    assert not works(other[0], pair)


def test_postgres_is_not_read_while_redis_answers(
    client: FlaskClient, pair: dict[str, Any], other: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    other[1].refresh()
    monkeypatch.setattr(revocations, "list_live", lambda _: pytest.fail("asked"))

    other[1].refresh()
    log_out(client, pair)
    other[1].refresh()
    other[1].refresh()

    assert not works(other[0], pair)


def test_an_api_starts_without_postgres_and_reads_it_later(
    client: FlaskClient,
    pair: dict[str, Any],
    settings: Settings,
    stores: Stores,
    make_app: Callable[[Settings], Flask],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    elsewhere = log_in(client).get_json()
    log_out(client, elsewhere)
    log_out(client, pair)
    lose(stores, 0)
    monkeypatch.setattr(module, "AGAIN_S", 0.01)
    monkeypatch.setattr(module, "TICK_S", 0.01)
    nowhere = replace(settings, database_url="postgresql+psycopg://nobody@127.0.0.1:1/nowhere")
    app = make_app(nowhere)

    of(app).start()

    assert app.test_client().get("/healthz").status_code == 200
    with app.app_context():
        with pytest.raises(TokenRevoked):  # Redis has this one
            tokens.identity(bearer(pair)["Authorization"])
        assert tokens.identity(bearer(elsewhere)["Authorization"])
    of(app)._engine = client.application.extensions["onsale"].engine
    until(lambda: app.test_client().get("/api/auth/bookings", headers=bearer(elsewhere)).status_code == 401)
    of(app).stop()


def test_a_shorter_revocation_does_not_shorten_a_longer_one(app: Flask) -> None:
    list_, user = of(app), uuid4()
    list_._remember([Revocation("s", expires_s=200), Revocation("s", expires_s=100)])
    list_._remember([Revocation("", str(user), 5, 200), Revocation("", str(user), 3, 100)])

    list_._forget(150)

    assert (list_._sessions, list_._users) == ({"s": 200}, {user: (5, 200)})


def test_many_revocations_are_read_page_by_page(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revocations, "PAGE", 7)
    with transaction(engine) as connection:
        for number in range(21):
            revocations.insert_of_session(connection, str(number), 60 if number % 5 else -60)

        found = [one.session for one in revocations.list_live(connection)]

    assert found == [str(number) for number in range(21) if number % 5]


def test_nothing_is_revoked_if_it_cannot_be_announced(
    app: Flask, client: FlaskClient, pair: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise RedisUnavailable

    monkeypatch.setattr(revocations, "publish", away)
    refused(client.delete("/api/auth/sessions", headers=bearer(pair)), 503, "redis_unavailable")
    monkeypatch.undo()

    assert works(client, pair)
    assert refresh(client, pair).status_code == 200


def test_expired_revocations_are_forgotten_everywhere(
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
    later = time.time() + 8 * 86_400
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


def test_the_follower_refreshes_by_itself(client: FlaskClient, pair: dict[str, Any], other: Any) -> None:
    other[1].start()

    client.post("/api/auth/logout", headers=bearer(pair))

    until(lambda: not works(other[0], pair))
    other[1].stop()
