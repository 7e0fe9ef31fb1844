"""Bookings over HTTP while Postgres or Redis is stopped, with separate servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy import Engine

from core.settings import Settings
from db.kv import keys
from db.postgres import users
from db.postgres.engine import transaction
from proof.kit.servers import Servers
from tests.support.buyer import Buyer, answered, refused
from tests.support.factories import PRICES, headers_of, make_hall, make_movie
from tests.support.seeded import start_servers
from tests.support.stage import Stage
from workers import republish


@pytest.fixture
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Servers that the test may stop."""
    with start_servers(tmp_path_factory.mktemp("own"), fsync=False) as started:
        yield started


def create_show(app: Flask, engine: Engine) -> int:
    """Make a show over HTTP, as an administrator does."""
    with transaction(engine) as connection:
        admin = users.get_first_admin_id(connection) or users.insert_admin(connection, "carol@example.com", "none")
    wanted = {
        "movie_id": make_movie(engine),
        "hall_id": make_hall(engine),
        "starts_at": datetime.now(UTC).replace(year=2099).isoformat(),
        "prices": PRICES,
    }
    made = app.test_client().post("/api/shows", json=wanted, headers=headers_of(app, admin, "admin"))
    assert made.status_code == 201, made.get_data(as_text=True)
    return int(made.get_json()["id"])


@pytest.fixture
def newcomer(settings: Settings, make_app: Callable[[Settings], Flask]) -> Callable[[], Buyer]:
    """Makes buyers, each with an api process that has just started."""

    def make() -> Buyer:
        app = make_app(settings)
        return Buyer(app, app.test_client())

    return make


class TestWithAServerAway:
    """Tests with separate servers, which are stopped midway."""

    @pytest.fixture
    def servers(self, own: Servers) -> Servers:
        return own

    @pytest.fixture
    def template(self, servers: Servers) -> str:
        from tests.conftest import make_template

        return make_template(servers)

    def test_with_postgres_stopped_a_warm_show_still_accepts(
        self, stage: Stage, alice: Buyer, servers: Servers
    ) -> None:
        show = stage.show()
        answered(alice.book(show, "B1"), 202)
        cold = stage.show()
        stage.stores.client.delete(keys.card(cold % 4, cold))
        servers.postgres.stop()

        id_ = answered(alice.book(show, "A1"), 202)["id"]
        response = alice.book(cold, "A1")
        refused(response, 503, "postgres_unavailable")
        assert response.headers["Retry-After"] == "1"
        assert stage.drain() == 0
        assert answered(alice.get(id_), 200)["position"] == 2

        servers.postgres.start()
        stage.stores.client.delete(keys.lease(show % 4))
        stage.drain(show)
        assert answered(alice.get(id_), 200)["status"] == "CONFIRMED"

    def test_with_postgres_stopped_a_show_without_any_request_so_far_is_sold(
        self, stage: Stage, newcomer: Callable[[], Buyer], engine: Engine, app: Flask, servers: Servers
    ) -> None:
        """By an api process that does not know it; and again after Redis was wiped and the workers have noticed."""
        made, other = (create_show(app, engine) for _ in range(2))
        servers.postgres.stop()
        answered(newcomer().book(made, "A1"), 202)
        servers.postgres.start()

        stage.stores.client.flushdb()
        assert republish.run_once(stage.stores) == 2
        servers.postgres.stop()
        answered(newcomer().book(other, "C1", "C2"), 202)
        answered(newcomer().book(made, quantity=2, category="premium"), 202)
        refused(newcomer().book(made, "Z1"), 422, "invalid_request")
        servers.postgres.start()

    def test_a_show_made_while_redis_is_stopped_is_published_by_its_first_request(
        self, app: Flask, engine: Engine, alice: Buyer, servers: Servers
    ) -> None:
        servers.redis.stop()
        show = create_show(app, engine)
        refused(alice.book(show, "A1"), 503, "redis_unavailable")

        servers.redis.start()
        answered(alice.book(show, "A1"), 202)

    def test_with_redis_stopped_the_answer_is_503_until_it_is_back(
        self, stage: Stage, alice: Buyer, servers: Servers
    ) -> None:
        show = stage.show()
        id_ = answered(alice.book(show, "A1", key="k"), 202)["id"]
        servers.redis.stop()

        for response in (alice.book(show, "A2"), alice.get(id_), alice.confirm(id_)):
            refused(response, 503, "redis_unavailable")
            assert response.headers["Retry-After"] == "1"

        servers.redis.start()
        answered(alice.book(show, "A2"), 202)
        assert answered(alice.book(show, "A1", key="k"), 202)["id"] == id_
