"""Bookings over HTTP while Postgres or Redis is stopped: servers of the test's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from db import keys
from tests.buyer import Buyer, answered, refused
from tests.servers import Servers, start_servers
from tests.stage import Stage


@pytest.fixture
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Servers that the test may stop."""
    with start_servers(tmp_path_factory.mktemp("own"), fsync=False) as started:
        yield started


class TestWithAServerAway:
    """The same with servers of one's own, which are stopped in the middle."""

    @pytest.fixture
    def servers(self, own: Servers) -> Servers:
        return own

    @pytest.fixture
    def template(self, servers: Servers) -> str:
        from tests.conftest import make_template

        return make_template(servers)

    def test_with_postgres_stopped_a_warm_show_goes_on_accepting(
        self, stage: Stage, alice: Buyer, servers: Servers
    ) -> None:
        show = stage.show()
        answered(alice.book(show, "B1"), 202)
        cold = stage.show()
        stage.stores.client.delete(keys.card(cold % 4, cold))
        servers.postgres.stop()

        id_ = answered(alice.book(show, "A1"), 202)["id"]
        response = alice.book(cold, "A1")
        refused(response, 503, "postgres_away")
        assert response.headers["Retry-After"] == "1"
        assert stage.drain() == 0
        assert answered(alice.get(id_), 200)["position"] == 2

        servers.postgres.start()
        stage.stores.client.delete(keys.marker(show % 4))
        stage.drain(show)
        assert answered(alice.get(id_), 200)["status"] == "CONFIRMED"

    def test_with_redis_stopped_the_answer_is_503_and_comes_back_by_itself(
        self, stage: Stage, alice: Buyer, servers: Servers
    ) -> None:
        show = stage.show()
        id_ = answered(alice.book(show, "A1", key="k"), 202)["id"]
        servers.redis.stop()

        for response in (alice.book(show, "A2"), alice.get(id_), alice.confirm(id_)):
            refused(response, 503, "redis_away")
            assert response.headers["Retry-After"] == "1"

        servers.redis.start()
        answered(alice.book(show, "A2"), 202)
        assert answered(alice.book(show, "A1", key="k"), 202)["id"] == id_
