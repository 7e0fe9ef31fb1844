"""All of Flask's threads are busy because Postgres hangs: the queue is limited, and the front keeps serving."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from sqlalchemy import text

from db.postgres.engine import transaction
from proof.kit.servers import Servers
from proof.kit.waiting import until
from tests.conftest import make_template
from tests.contract import wire
from tests.contract.wire import Connection
from tests.e2e.front import Desk, serving, system
from tests.support.seeded import start_servers

REQUESTS = 300
#: Max seconds for answers that need no thread, meanwhile.
WITHIN_S = 1.0


@pytest.fixture
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Servers, str]]:
    """Separate servers, which the test may freeze, and the name of their template database."""
    with start_servers(tmp_path_factory.mktemp("own"), fsync=False) as started:
        yield started, make_template(started)


def test_requests_that_find_no_thread_are_refused_and_bookings_go_on(
    own: tuple[Servers, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    servers, template = own
    catalogue = wire.head("GET", "/api/movies?limit=5")
    with (
        system(servers, template) as (env, stage),
        serving({**env, "TRUSTED_PROXIES": "0"}, tmp_path_factory.mktemp("api")) as api,
        ExitStack() as stack,
    ):
        desk = Desk.open(api.address, stage)
        desk.prompt(confirm=False)  # now the server knows all that a booking needs
        crowd = [stack.enter_context(Connection(api.address)) for _ in range(REQUESTS)]
        with servers.postgres.frozen():
            for connection in crowd:
                connection.send(catalogue)
            until(lambda: any(not connection.silent(0) for connection in crowd))  # the queue is full
            arrived_ms = _redis_ms(desk)
            desk.prompt(catalogue=False, limit_s=WITHIN_S)
            answered_ms = _redis_ms(desk)
            answers = [connection.read() for connection in crowd]
        until(lambda: desk.world.ask("GET", "/api/movies").status == 200)
        until(lambda: stage.drain(desk.show))
        confirmed = desk.world.ask("GET", f"/api/bookings/{desk.hold}", desk.token).json

        busy = [answer for answer in answers if answer.status == 503 and answer.json["code"] == "busy"]
        assert len(busy) >= REQUESTS // 4
        assert all(answer.one("retry-after") for answer in busy)
        assert {answer.json["code"] for answer in answers if answer.status == 503} <= {"busy", "postgres_unavailable"}
        assert confirmed["status"] == "CONFIRMED"
        assert arrived_ms <= _accepted_ms(desk) <= answered_ms


def _redis_ms(desk: Desk) -> int:
    """Return Redis's time, which is the clock of accepted times."""
    seconds, micros = desk.world.stage.stores.client.time()
    return int(seconds) * 1000 + int(micros) // 1000


def _accepted_ms(desk: Desk) -> int:
    """Return when the confirm was accepted, as recorded in Postgres."""
    with transaction(desk.world.stage.stores.engine) as connection:
        found = connection.execute(
            text("SELECT last_operation ->> 'accepted_ms' FROM bookings WHERE id = :id"), {"id": desk.hold}
        )
        return int(found.scalar_one())
