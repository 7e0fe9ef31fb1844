"""Seat maps: the same by the front and by Flask, and never older than an outcome that somebody has seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from api.app import in_front_of
from api.catalogue import seat_map_cache, seat_maps
from api.catalogue.seat_map_cache import SeatMap, SeatMaps
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
    """The shows that Postgres was asked for from here on."""
    asked: list[int] = []
    service = app.extensions["onsale"].seat_maps
    real = service._from_postgres

    def from_postgres(show_id: int, wanted: int | None) -> SeatMap:
        asked.append(show_id)
        return real(show_id, wanted)

    monkeypatch.setattr(service, "_from_postgres", from_postgres)
    return asked


def told(headers: Any) -> dict[str, str]:
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
def test_a_map_is_answered_as_by_flask(
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
        assert told(hot.headers) == told(flask.headers)


def test_a_kept_map_needs_no_postgres_and_is_new_as_soon_as_an_outcome_is(
    server: Server, stage: Stage, alice: Buyer, by_postgres: list[int]
) -> None:
    show = stage.show()
    path = f"/api/shows/{show}/seats"
    look(server, path)
    empty = look(server, path)
    assert by_postgres == [show]  # the first made the map

    alice.book(show, "A1")
    stage.drain(show)
    sold = look(server, path)
    same = look(server, path, sold.headers["etag"])
    old = look(server, path, empty.headers["etag"])

    assert by_postgres == [show, show]  # the new version was made once
    assert statuses(empty.json)["A1"] == "AVAILABLE"
    assert statuses(sold.json)["A1"] == statuses(old.json)["A1"] == "SOLD"
    assert (same.status, same.body) == (304, b"")


def test_a_card_is_not_believed_for_ever(
    server: Server, stage: Stage, alice: Buyer, by_postgres: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis comes back without its newest second, or empty: Postgres is asked when the time is over."""
    show = stage.show()
    path = f"/api/shows/{show}/seats"
    look(server, path)
    alice.book(show, "A1")
    stage.drain(show)
    stage.stores.client.delete(keys.card(lane_of(show, stage.stores.settings.lanes), show))

    believed = look(server, path)
    monkeypatch.setattr(seat_maps, "BELIEVED_S", -1.0)
    asked = look(server, path)
    monkeypatch.undo()
    again = look(server, path, asked.headers["etag"])

    assert statuses(believed.json)["A1"] == "AVAILABLE"
    assert statuses(asked.json)["A1"] == "SOLD"
    assert again.status == 304


def test_a_look_that_changed_nothing_is_enough_to_be_believed_again(
    server: Server, app: Flask, stage: Stage, by_postgres: list[int]
) -> None:
    path = f"/api/shows/{stage.show()}/seats"
    etag = look(server, path).headers["etag"]
    maps: SeatMaps = app.extensions["onsale"].seat_maps._maps
    [(show, (known, _))] = maps._maps._values.items()
    maps._maps.put(show, replace(known, checked_s=-1e9))

    for _ in range(3):
        assert look(server, path, etag).status == 304

    assert by_postgres == [show, show]  # made, looked at once; the rest by Redis


def test_without_redis_postgres_answers_and_redis_is_left_in_peace(
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


def test_a_process_that_has_not_met_redis_yet_learns_with_its_first_map(app: Flask, stage: Stage) -> None:
    server = Server(in_front_of(app))
    path = f"/api/shows/{stage.show()}/seats"

    assert look(server, path).status == 200
    assert app.extensions["onsale"].service.intake.ready
    assert look(server, path).status == 200
    server.stop()


@pytest.mark.parametrize("show", ["0", "007", "9999999999", "2147483647", "x", "1/"])
def test_what_is_no_map_is_flasks(server: Server, app: Flask, show: str) -> None:
    path = f"/api/shows/{show}/seats"
    assert look(server, path).status == app.test_client().get(path).status_code == 404


def test_of_many_who_ask_at_once_one_makes_the_map(app: Flask, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    show, made = stage.show(), []
    real = seat_map_cache.catalogue.get_taken_seats

    def counted(*arguments: Any) -> Any:
        made.append(arguments)
        return real(*arguments)

    monkeypatch.setattr(seat_map_cache.catalogue, "get_taken_seats", counted)
    maps: SeatMaps = app.extensions["onsale"].seat_maps._maps

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: maps.at_least(show, 0), range(8)))

    assert len(made) == 1
    assert len({map_.version for map_ in found}) == 1


def test_a_show_that_is_not_there_is_looked_for_once(server: Server, by_postgres: list[int]) -> None:
    answers = [look(server, "/api/shows/2147483000/seats") for _ in range(5)]

    assert [(answer.status, answer.json["code"]) for answer in answers] == [(404, "no_such_show")] * 5
    assert by_postgres == [2147483000]
