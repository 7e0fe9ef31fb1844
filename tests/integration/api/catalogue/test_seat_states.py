"""States of seats: compact, those of the seat map, kept current by messages, and never wrong if some are lost."""

from __future__ import annotations

import base64
import random
import struct
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from api.app import in_front_of
from api.catalogue import followed_shows
from api.catalogue.followed_shows import FollowedShows
from api.catalogue.seat_map_cache import ShowSeats
from core.seat_states import NAMES
from core.shows import SaleState
from proof.kit.waiting import until
from tests.support.rsgi import Server
from tests.support.stage import Stage


@pytest.fixture
def server(app: Flask) -> Iterator[Server]:
    running = Server(in_front_of(app))
    app.extensions["onsale"].service.intake.learn()
    yield running
    running.stop()


@pytest.fixture
def followed(app: Flask) -> FollowedShows:
    found: FollowedShows = app.extensions["onsale"].followed
    return found


@pytest.fixture
def by_postgres(followed: FollowedShows, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The shows whose states are read from Postgres from here on."""
    asked: list[int] = []
    real = followed._cache.states

    def states(show_id: int) -> ShowSeats | None:
        asked.append(show_id)
        return real(show_id)

    monkeypatch.setattr(followed._cache, "states", states)
    return asked


def look(server: Server, show: int, query: str = "", **headers: str) -> Any:
    answer = server.ask("GET", f"/api/shows/{show}/seats/state{query}", {"Host": "onsale.example", **headers})
    assert answer.status == 200, answer
    return answer.json if "Accept" not in headers else answer


def named(packed: bytes, seats: int) -> list[str]:
    return [NAMES[packed[index >> 2] >> 2 * (index & 3) & 3] for index in range(seats)]


def test_a_version_that_was_heard_needs_no_postgres(server: Server, stage: Stage, by_postgres: list[int]) -> None:
    show = stage.show()
    first = look(server, show)
    seen = [first["version"]]
    for seat in ("A1", "A2", "A3"):
        stage.book(show, seat)
        stage.drain(show)
        seen.append(look(server, show)["version"])

    since = [look(server, show, f"?since={version}") for version in seen]

    assert by_postgres == [show]
    assert [one["changes"] for one in since] == [[[0, 2], [1, 2], [2, 2]], [[1, 2], [2, 2]], [[2, 2]], []]
    assert {(one["version"], one["free"], one["sold"], one["states"]) for one in since} == {(4, 7, 3, None)}


def test_the_states_are_those_of_the_seat_map_whatever_happens(
    server: Server, stage: Stage, followed: FollowedShows, monkeypatch: pytest.MonkeyPatch
) -> None:
    show, chance = stage.show(rows=3, seats=7, seats_per_user=30), random.Random(5)
    known, real = look(server, show), followed.heard
    states = bytearray(base64.b64decode(known["states"]))
    seats, bookings = list(named(bytes(states), 21)), []
    # Some messages are lost, as if the connection had been replaced.
    monkeypatch.setattr(followed._channels, "_heard", lambda *said: None if chance.random() < 0.3 else real(*said))
    for _ in range(40):
        row, number = chance.choice("ABC"), chance.randint(1, 7)
        if bookings and chance.random() < 0.4:
            {0: stage.confirm, 1: stage.cancel}[chance.randint(0, 1)](chance.choice(bookings))
        else:
            operation = stage.operation(show, f"{row}{number}", hold=chance.random() < 0.6)
            if stage.accept(operation).found:  # else the seat is known to be taken
                bookings.append(operation.booking_id)
        stage.drain(show)
        answer = look(server, show, f"?since={known['version']}")
        for index, state in answer["changes"]:
            seats[index] = NAMES[state]
        known = answer

        map_ = server.ask("GET", f"/api/shows/{show}/seats", {}).json
        assert seats == [seat["status"] for row_ in map_["rows"] for seat in row_["seats"]]
        assert known["version"] == map_["version"]
    assert seats == named(base64.b64decode(look(server, show)["states"]), 21)
    assert (known["free"], known["held"], known["sold"]) == tuple(seats.count(name) for name in NAMES)


def test_bytes_have_the_counts_before_the_bits(server: Server, stage: Stage) -> None:
    show = stage.show()
    stage.book(show, "A2", hold=True)
    stage.book(show, "B5")
    stage.drain(show)

    answer = look(server, show, Accept="application/octet-stream")

    assert struct.unpack(">4I", answer.body[:16]) == (2, 10, 1, 1)
    assert named(answer.body[16:], 10) == [NAMES[state] for state in (0, 1, 0, 0, 0, 0, 0, 0, 0, 2)]
    assert answer.headers["etag"] == '"2-bits"'


def test_after_the_connection_was_cut_the_states_are_read_again(
    server: Server, stage: Stage, followed: FollowedShows, by_postgres: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    show = stage.show()
    look(server, show)
    stage.stores.client.client_kill_filter(_type="pubsub")
    until(lambda: followed._channels._connection is None)
    stage.book(show, "A1")
    stage.drain(show)  # nobody hears it

    until(lambda: by_postgres == [show, show])
    until(lambda: followed._channels._connection is not None)
    stage.book(show, "A2")
    stage.drain(show)

    assert look(server, show, "?since=1")["changes"] == [[0, 2], [1, 2]]
    assert by_postgres == [show, show]


def test_a_message_lost_without_a_trace_is_noticed_by_the_comparison_with_postgres(
    server: Server, stage: Stage, followed: FollowedShows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(followed_shows, "CHECK_S", 0.05)
    show = stage.show()
    look(server, show)
    monkeypatch.setattr(followed._channels, "_heard", lambda *_: None)

    stage.book(show, "A1")
    stage.drain(show)

    until(lambda: followed._shows[show].version == 2)


def test_a_show_that_nobody_reads_is_followed_no_longer(
    server: Server, stage: Stage, followed: FollowedShows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(followed_shows, "CHECK_S", 0.05)
    monkeypatch.setattr(followed_shows, "KEPT_S", 0.0)
    show = stage.show()
    look(server, show)

    until(lambda: followed._shows == {})
    until(lambda: stage.stores.client.pubsub_numsub(f"onsale:seats:{show}")[0][1] == 0)


def test_a_missing_show_is_not_followed(server: Server, followed: FollowedShows, by_postgres: list[int]) -> None:
    answers = [server.ask("GET", "/api/shows/2147483000/seats/state", {}) for _ in range(3)]

    assert [(answer.status, answer.json["code"]) for answer in answers] == [(404, "no_such_show")] * 3
    assert by_postgres == [2147483000]
    assert followed._shows == {}


def test_a_change_of_settings_is_a_new_version_without_changed_seats(server: Server, stage: Stage) -> None:
    show = stage.show()
    look(server, show)
    stage.change(show, state=SaleState.PAUSED.value)
    stage.drain(show)

    assert look(server, show, "?since=1")["changes"] == []
    assert look(server, show)["version"] == 2


def test_flask_alone_answers_the_same(app: Flask, client: FlaskClient, stage: Stage) -> None:
    show = stage.show()
    before = client.get(f"/api/shows/{show}/seats/state").json
    stage.book(show, "A1")
    stage.drain(show)

    after = client.get(f"/api/shows/{show}/seats/state?since=1").json

    assert (before["version"], before["states"]) == (1, "AAAA")
    assert (after["version"], after["changes"]) == (2, [[0, 2]])
