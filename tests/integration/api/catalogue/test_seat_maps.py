"""Seat maps: the same from the front and from Flask, and never older than a published outcome."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from api.app import in_front_of
from api.catalogue import seat_map_cache, seat_maps
from api.catalogue.seat_map_cache import SeatMap, SeatMapCache
from core.errors import RedisUnavailable
from core.ids import lane_of
from core.settings import Settings
from db.kv import keys
from tests.support.buyer import Buyer
from tests.support.rsgi import Answer, Server
from tests.support.stage import Stage


@pytest.fixture
def server(app: Flask) -> Iterator[Server]:
    running = Server(in_front_of(app))
    app.extensions["onsale"].service.intake.learn()
    yield running
    running.stop()


@pytest.fixture
def by_postgres(app: Flask, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The shows whose map or version is read from Postgres from here on."""
    asked: list[int] = []
    service = app.extensions["onsale"].seat_maps
    real = service._from_postgres

    def from_postgres(show_id: int, wanted: int | None) -> SeatMap:
        asked.append(show_id)
        return real(show_id, wanted)

    monkeypatch.setattr(service, "_from_postgres", from_postgres)
    return asked


def stable(headers: Any) -> dict[str, str]:
    skipped = ("x-request-id", "content-length")
    return {name.lower(): value for name, value in headers.items() if name.lower() not in skipped}


def look(server: Server, path: str, has: str = "") -> Answer:
    return server.ask("GET", path, {"Host": "onsale.example", **({"If-None-Match": has} if has else {})})


def statuses(map_: Any) -> dict[str, str]:
    return {seat["label"]: seat["status"] for row in map_["rows"] for seat in row["seats"]}


@pytest.mark.parametrize("origins", ["", "https://shop.example", "*"])
@pytest.mark.parametrize(
    "headers",
    [{}, {"Origin": "https://shop.example"}, {"Origin": "https://evil.example"}, {"If-None-Match": "*"},
     {"If-None-Match": '"0"'}, {"If-None-Match": 'W/"0", "9"'}, {"If-None-Match": '"9"'}, {"X-Request-Id": "mine"},
     {"Authorization": "Bearer x"}],
)  # fmt: skip
def test_the_front_answers_a_map_as_flask_does(
    make_app: Callable[[Settings], Flask], settings: Settings, stage: Stage, origins: str, headers: dict[str, str]
) -> None:
    app = make_app(replace(settings, cors_origins=tuple(filter(None, origins.split(",")))))
    server = Server(in_front_of(app))
    path = f"/api/shows/{stage.show()}/seats"

    flask = app.test_client().get(path, headers=headers)
    given = {"Host": "onsale.example", **headers}
    first, second = server.ask("GET", path, given), server.ask("GET", path, given)

    server.stop()
    for hot in (first, second):
        assert (hot.status, hot.body) == (flask.status_code, flask.data)
        assert stable(hot.headers) == stable(flask.headers)


def test_a_cached_map_needs_no_postgres_and_is_renewed_with_each_outcome(
    server: Server, stage: Stage, alice: Buyer, by_postgres: list[int]
) -> None:
    show = stage.show()
    path = f"/api/shows/{show}/seats"
    look(server, path)
    empty = look(server, path)
    assert by_postgres == [show]  # the first request built the map

    alice.book(show, "A1")
    stage.drain(show)
    sold = look(server, path)
    same = look(server, path, sold.headers["etag"])
    old = look(server, path, empty.headers["etag"])

    assert by_postgres == [show, show]  # the new version was built once
    assert statuses(empty.json)["A1"] == "AVAILABLE"
    assert statuses(sold.json)["A1"] == statuses(old.json)["A1"] == "SOLD"
    assert (same.status, same.body) == (304, b"")


def test_a_card_is_trusted_for_a_limited_time(
    server: Server, stage: Stage, alice: Buyer, by_postgres: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis returns without its newest second, or empty: Postgres is read when BELIEVED_S is over."""
    show = stage.show()
    path = f"/api/shows/{show}/seats"
    look(server, path)
    alice.book(show, "A1")
    stage.drain(show)
    stage.stores.client.delete(keys.card(lane_of(show, stage.stores.settings.lanes), show))

    trusted = look(server, path)
    monkeypatch.setattr(seat_maps, "BELIEVED_S", -1.0)
    asked = look(server, path)
    monkeypatch.undo()
    again = look(server, path, asked.headers["etag"])

    assert statuses(trusted.json)["A1"] == "AVAILABLE"
    assert statuses(asked.json)["A1"] == "SOLD"
    assert again.status == 304


def test_a_check_without_a_change_renews_the_trust(
    server: Server, app: Flask, stage: Stage, by_postgres: list[int]
) -> None:
    path = f"/api/shows/{stage.show()}/seats"
    etag = look(server, path).headers["etag"]
    maps: SeatMapCache = app.extensions["onsale"].seat_maps._cache
    [(show, (known, _))] = maps._maps._values.items()
    maps._maps.put(show, replace(known, checked_s=-1e9))

    for _ in range(3):
        assert look(server, path, etag).status == 304

    assert by_postgres == [show, show]  # built, and checked once; the others by Redis


def test_without_redis_postgres_answers_and_redis_is_not_retried(
    server: Server, app: Flask, stage: Stage, by_postgres: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    show = stage.show()
    path = f"/api/shows/{show}/seats"
    look(server, path)
    tried = []

    async def away(*arguments: Any, **_: Any) -> None:
        tried.append(arguments)
        raise RedisUnavailable

    monkeypatch.setattr(app.extensions["onsale"].redis, "call", away)
    monkeypatch.setattr(seat_maps, "REST_S", 1e9)

    assert [look(server, path).status for _ in range(3)] == [200] * 3
    assert by_postgres == [show] * 4
    assert len(tried) == 1


def test_a_process_that_has_not_reached_redis_yet_becomes_ready_with_its_first_map(app: Flask, stage: Stage) -> None:
    server = Server(in_front_of(app))
    path = f"/api/shows/{stage.show()}/seats"

    assert look(server, path).status == 200
    assert app.extensions["onsale"].service.intake.ready
    assert look(server, path).status == 200
    server.stop()


@pytest.mark.parametrize("show", ["0", "007", "9999999999", "2147483647", "x", "1/"])
def test_an_invalid_path_of_a_map_goes_to_flask(server: Server, app: Flask, show: str) -> None:
    path = f"/api/shows/{show}/seats"
    assert look(server, path).status == app.test_client().get(path).status_code == 404


def test_one_of_many_concurrent_requests_builds_the_map(
    app: Flask, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    show, made = stage.show(), []
    real = seat_map_cache.catalogue.get_taken_seats

    def counted(*arguments: Any) -> Any:
        made.append(arguments)
        return real(*arguments)

    monkeypatch.setattr(seat_map_cache.catalogue, "get_taken_seats", counted)
    maps: SeatMapCache = app.extensions["onsale"].seat_maps._cache

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: maps.at_least(show, 0), range(8)))

    assert len(made) == 1
    assert len({map_.version for map_ in found}) == 1


def test_a_missing_show_is_looked_up_once(server: Server, by_postgres: list[int]) -> None:
    answers = [look(server, "/api/shows/2147483000/seats") for _ in range(5)]

    assert [(answer.status, answer.json["code"]) for answer in answers] == [(404, "no_such_show")] * 5
    assert by_postgres == [2147483000]
