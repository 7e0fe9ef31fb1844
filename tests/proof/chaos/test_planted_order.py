"""The oracle finds planted bugs and names the broken guarantee: order, limits, counters, refusals, stalls, leaks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import request

from api.bookings import status_body
from api.web import hooks
from core.state import ShowState
from db.kv import admission, keys, statuses
from tests.proof.chaos.play import Play
from workers import batch as batches
from workers import expire, sweep, taken_seats
from workers import record as recording

# -- I6, I7 -------------------------------------------------------------------------------------------------


def test_an_operation_that_is_moved_to_the_end_of_its_lane(play: Play) -> None:
    show = play.stage.show()
    play.book(show, "A1")
    play.book(show, "A2", user=play.stage.bob)
    client, lane = play.stage.stores.client, keys.lane(show % 4)
    first, fields = client.xrange(lane, count=1)[0]
    client.xdel(lane, first)
    client.xadd(lane, fields)
    play.drain()

    assert play.judged().broken == {"I6"}


def test_a_lane_that_is_read_from_its_end(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    show = play.stage.show()
    for seat in ("A1", "A2", "A3"):
        play.book(show, seat)
    peek = batches.lanes.peek

    def backwards(*arguments: Any) -> Any:
        found = peek(*arguments)
        found.entries.reverse()
        return found

    with monkeypatch.context() as planted:
        planted.setattr(batches.lanes, "peek", backwards)
        play.stage.drain(show)
    play.stage.stores.client.xtrim(keys.lane(show % 4), maxlen=0)

    assert "I6" in play.judged().broken


def test_a_limit_that_is_ignored(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    show = play.stage.show(seats_per_user=2)
    with monkeypatch.context() as planted:
        planted.setattr(ShowState, "seats_of_user", lambda *_: 0)
        for seat in ("A1", "A2", "A3"):
            play.book(show, seat)
        play.drain()

    assert play.judged().broken == {"I6", "I7"}


# -- I8 -----------------------------------------------------------------------------------------------------


def test_a_counter_that_is_wrong(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    show = play.stage.show()
    row = recording._row

    def one_too_many(*arguments: Any) -> Any:
        counted = row(*arguments)
        return replace(counted, sold=counted.sold + 1)

    with monkeypatch.context() as planted:
        planted.setattr(recording, "_row", one_too_many)
        play.book(show, "A1")
        play.drain()

    assert play.judged().broken == {"I8"}


def test_a_free_seat_that_accept_lua_refuses(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    show = play.stage.show()
    with monkeypatch.context() as planted:
        planted.setattr(taken_seats, "packed", lambda capacity, _: b"\xff" * 4 * capacity)
        for seat in ("A1", "A1", "A2"):
            play.book(show, seat, user=play.stage.bob)
            play.drain()
    assert play.book(show, "A2").said == {"code": "seat_taken", "seats": ["A2"]}
    assert play.judged().broken == set()

    assert play.book(show, "B1").said == {"code": "seat_taken", "seats": ["B1"]}
    assert play.judged().broken == {"I8"}


def test_a_refusal_that_names_no_seat(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    show = play.stage.show()
    for seat in ("A1", "A1", "A2"):
        play.book(show, seat, user=play.stage.bob)
        play.drain()
    accepted = admission.parse
    monkeypatch.setattr(admission, "parse", lambda answer: replace(accepted(answer), status={}))

    assert play.book(show, "A1").said == {"code": "seat_taken", "seats": []}
    assert play.judged().broken == {"I8"}


# -- I9 -----------------------------------------------------------------------------------------------------


def test_a_sweeper_that_does_nothing(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    show = play.stage.show()
    play.book(show, "A1")
    monkeypatch.setattr(sweep, "run_once", lambda *_: 0)

    assert play.judged(bound_s=0.3).broken == {"I2", "I9"}


def test_holds_that_nobody_expires(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    show = play.stage.show(hold_ms=50)
    play.book(show, "A1", hold=True)
    play.drain()
    monkeypatch.setattr(expire, "run_once", lambda *_: 0)

    assert play.judged(bound_s=0.3).broken == {"I9"}


# -- I10 ----------------------------------------------------------------------------------------------------


def test_a_booking_that_a_stranger_sees(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    show = play.stage.show()
    booked = play.book(show, "A1")
    play.drain()
    parse = statuses.parse

    def as_the_strangers(replies: Any) -> Any:
        fields, meter = parse(replies)
        return {**fields, "u": str(play.stage.bob)}, meter

    with monkeypatch.context() as planted:
        planted.setattr(statuses, "parse", as_the_strangers)
        assert play.spy(booked, play.stage.bob).code == 200

    assert play.judged().broken == {"I10"}


def test_an_unexpected_error(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    show = play.stage.show()
    booked = play.book(show, "A1")
    play.drain()
    with monkeypatch.context() as planted:
        planted.setattr(status_body, "of_fields", lambda *_: {}["nothing"])
        play.look(booked)

    assert play.judged().broken == {"I10"}


def test_a_token_in_a_log(
    play: Play, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    show = play.stage.show()
    log = tmp_path / "system.log"
    with monkeypatch.context() as planted:
        planted.setattr(hooks, "quote", lambda _path: request.headers["Authorization"])
        play.cancel(play.book(show, "A1"))
        play.book(show, "A1", quantity=1)  # a refused request has its own log line
    play.drain()
    log.write_text("".join(capfd.readouterr()))

    assert play.judged(logs=[log]).broken == {"I10"}
