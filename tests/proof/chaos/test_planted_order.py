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
from tests.proof.chaos.recorded_run import RecordedRun
from workers import batch as batches
from workers import expire, sweep, taken_seats
from workers import record as recording

# -- I6, I7 -------------------------------------------------------------------------------------------------


def test_an_operation_that_is_moved_to_the_end_of_its_lane(run: RecordedRun) -> None:
    show = run.stage.show()
    run.book(show, "A1")
    run.book(show, "A2", user=run.stage.bob)
    client, lane = run.stage.stores.client, keys.lane(show % 4)
    first, fields = client.xrange(lane, count=1)[0]
    client.xdel(lane, first)
    client.xadd(lane, fields)
    run.drain()

    assert run.judged().broken == {"I6"}


def test_a_lane_that_is_read_from_its_end(run: RecordedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    show = run.stage.show()
    for seat in ("A1", "A2", "A3"):
        run.book(show, seat)
    peek = batches.lanes.peek

    def backwards(*arguments: Any) -> Any:
        found = peek(*arguments)
        found.entries.reverse()
        return found

    with monkeypatch.context() as planted:
        planted.setattr(batches.lanes, "peek", backwards)
        run.stage.drain(show)
    run.stage.stores.client.xtrim(keys.lane(show % 4), maxlen=0)

    assert "I6" in run.judged().broken


def test_a_limit_that_is_ignored(run: RecordedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    show = run.stage.show(seats_per_user=2)
    with monkeypatch.context() as planted:
        planted.setattr(ShowState, "seats_of_user", lambda *_: 0)
        for seat in ("A1", "A2", "A3"):
            run.book(show, seat)
        run.drain()

    assert run.judged().broken == {"I6", "I7"}


# -- I8 -----------------------------------------------------------------------------------------------------


def test_a_counter_that_is_wrong(run: RecordedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    show = run.stage.show()
    row = recording._row

    def one_too_many(*arguments: Any) -> Any:
        counted = row(*arguments)
        return replace(counted, sold=counted.sold + 1)

    with monkeypatch.context() as planted:
        planted.setattr(recording, "_row", one_too_many)
        run.book(show, "A1")
        run.drain()

    assert run.judged().broken == {"I8"}


def test_a_free_seat_that_accept_lua_refuses(run: RecordedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    show = run.stage.show()
    with monkeypatch.context() as planted:
        planted.setattr(taken_seats, "packed", lambda capacity, _: b"\xff" * 4 * capacity)
        for seat in ("A1", "A1", "A2"):
            run.book(show, seat, user=run.stage.bob)
            run.drain()
    assert run.book(show, "A2").said == {"code": "seat_taken", "seats": ["A2"]}
    assert run.judged().broken == set()

    assert run.book(show, "B1").said == {"code": "seat_taken", "seats": ["B1"]}
    assert run.judged().broken == {"I8"}


def test_a_refusal_that_names_no_seat(run: RecordedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    show = run.stage.show()
    for seat in ("A1", "A1", "A2"):
        run.book(show, seat, user=run.stage.bob)
        run.drain()
    accepted = admission.parse
    monkeypatch.setattr(admission, "parse", lambda answer: replace(accepted(answer), status={}))

    assert run.book(show, "A1").said == {"code": "seat_taken", "seats": []}
    assert run.judged().broken == {"I8"}


# -- I9 -----------------------------------------------------------------------------------------------------


def test_a_sweeper_that_does_nothing(run: RecordedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    show = run.stage.show()
    run.book(show, "A1")
    monkeypatch.setattr(sweep, "run_once", lambda *_: 0)

    assert run.judged(bound_s=0.3).broken == {"I2", "I9"}


def test_holds_that_nobody_expires(run: RecordedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    show = run.stage.show(hold_ms=50)
    run.book(show, "A1", hold=True)
    run.drain()
    monkeypatch.setattr(expire, "run_once", lambda *_: 0)

    assert run.judged(bound_s=0.3).broken == {"I9"}


# -- I10 ----------------------------------------------------------------------------------------------------


def test_a_booking_that_a_stranger_sees(run: RecordedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    show = run.stage.show()
    booked = run.book(show, "A1")
    run.drain()
    parse = statuses.parse

    def as_the_strangers(replies: Any) -> Any:
        fields, meter = parse(replies)
        return {**fields, "u": str(run.stage.bob)}, meter

    with monkeypatch.context() as planted:
        planted.setattr(statuses, "parse", as_the_strangers)
        assert run.spy(booked, run.stage.bob).code == 200

    assert run.judged().broken == {"I10"}


def test_an_unexpected_error(run: RecordedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    show = run.stage.show()
    booked = run.book(show, "A1")
    run.drain()
    with monkeypatch.context() as planted:
        planted.setattr(status_body, "of_fields", lambda *_: {}["nothing"])
        run.look(booked)

    assert run.judged().broken == {"I10"}


def test_a_token_in_a_log(
    run: RecordedRun, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    show = run.stage.show()
    log = tmp_path / "system.log"
    with monkeypatch.context() as planted:
        planted.setattr(hooks, "quote", lambda _path: request.headers["Authorization"])
        run.cancel(run.book(show, "A1"))
        run.book(show, "A1", quantity=1)  # a refused request has its own log line
    run.drain()
    log.write_text("".join(capfd.readouterr()))

    assert run.judged(logs=[log]).broken == {"I10"}
