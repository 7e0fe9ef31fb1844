"""Redis's clock was ahead for a moment (an NTP step, a resumed machine), so the ids of its streams stay ahead."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from core.bookings import Reason, Status
from db import clocks as database_clocks
from db.kv import admission, keys, lanes
from ops import clock as command
from ops.up.running import RunningSystem
from proof.kit import clock
from proof.kit.shows import HOUR_MS
from tests.support.stage import Stage
from workers import clocks

HOLD_MS = 120_000


@pytest.fixture
def after_a_jump(stage: Stage) -> Iterator[int]:
    """A show whose lane was used while the clock was an hour ahead; the clock is right again."""
    with clock.settable():
        now_ms = int(time.time() * 1000)
        show = stage.show(hold_ms=HOLD_MS, starts_ms=now_ms + HOUR_MS // 2)
        later = {"starts_ms": now_ms + 5 * HOUR_MS, "sales_close_ms": now_ms + 5 * HOUR_MS}
        [*_, other] = [stage.show(**later) for _ in range(4)]  # of the same lane
        clock.set_ahead(stage.stores.client, HOUR_MS)
        stage.book(other, "A1")
        stage.stores.client.execute_command("XSETID", keys.lane(show % 4), f"{now_ms + HOUR_MS}-0")
        stage.book(other, "A2")
        stage.drain()
        clock.set_ahead(stage.stores.client, 0)
        yield show


def test_a_hold_lasts_as_long_as_it_should(stage: Stage, after_a_jump: int) -> None:
    booking = stage.book(after_a_jump, "A1", hold=True)
    stage.drain()

    held = stage.booking(booking)
    assert held.status is Status.PENDING
    assert held.expires_ms is not None
    assert abs(held.expires_ms - HOLD_MS - time.time() * 1000) < 60_000
    assert abs(held.accepted_ms - time.time() * 1000) < 60_000
    stage.proven()


def test_a_show_that_begins_within_the_jump_is_sold(stage: Stage, after_a_jump: int) -> None:
    booking = stage.book(after_a_jump, "A1")
    stage.drain()

    assert stage.booking(booking).status is Status.CONFIRMED


def test_a_hold_that_has_lapsed_is_not_confirmed_nor_kept(stage: Stage, after_a_jump: int) -> None:
    booking = stage.book(after_a_jump, "A1", hold=True)
    stage.drain()
    clock.set_ahead(stage.stores.client, HOLD_MS + 1_000)  # two minutes go by

    stage.confirm(booking)
    stage.drain()

    assert stage.booking(booking).reason is Reason.HOLD_EXPIRED
    stage.proven()


def test_the_age_of_waiting_entries_is_right(stage: Stage, after_a_jump: int) -> None:
    stage.book(after_a_jump, "A1")
    clock.set_ahead(stage.stores.client, 0)
    time_, *replies = stage.stores.rounds.call(lanes.overview_commands(4), writes=False)
    later = [str(int(time_[0]) + 10), time_[1]]

    [state] = [state for state in lanes.overview([later, *replies]) if state.depth]

    assert 10_000 <= state.oldest_age_ms < 60_000


def test_a_lane_that_is_ahead_is_reset_once_it_is_empty(
    stage: Stage, after_a_jump: int, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = stage.stores.settings
    where = RunningSystem(
        database_url=settings.database_url, redis_url=settings.redis_url, broker_url="", jwt_secret="", base_url=""
    )
    booking = stage.book(after_a_jump, "A1", key="k", body="b")

    assert command.clock(where, reset=True) == 1
    assert "it has entries" in capsys.readouterr().out
    stage.drain()
    assert command.clock(where, reset=False) == 1
    assert command.clock(where, reset=True) == 0
    assert command.clock(where, reset=False) == 0
    assert re.search(r"^Redis's clock is \d+\.\d{3} s (ahead of|behind) Postgres's$", capsys.readouterr().out, re.M)

    assert stage.book(after_a_jump, "A1", key="k", body="b") == booking
    later = stage.book(after_a_jump, "A2")
    stage.drain()
    assert stage.booking(later).status is Status.CONFIRMED
    newest = stage.stores.client.xinfo_stream(keys.lane(after_a_jump % 4))["last-generated-id"]
    assert abs(int(newest.partition("-")[0]) - time.time() * 1000) < 60_000
    stage.proven()


def test_a_wrong_clock_is_noticed(stage: Stage, after_a_jump: int, monkeypatch: pytest.MonkeyPatch) -> None:
    alarms: list[Any] = []
    stage.stores.watched.clear()
    monkeypatch.setattr(clocks.log, "error", lambda event, **values: alarms.append((event, values)))
    stage.book(after_a_jump, "A1")
    stage.drain()
    assert alarms == []

    clock.set_ahead(stage.stores.client, 30_000)
    stage.book(after_a_jump, "A2")
    stage.drain()

    [(event, values)] = alarms
    assert event == "clock_skew"
    assert 29 < values["redis_ahead_s"] < 60


def test_a_lease_that_ends_far_in_the_future_does_not_block_the_lane(stage: Stage) -> None:
    """The drain was killed, or the doorbell lost, and the clock set back: the lease ends by the wrong clock."""
    for lease in ("rung", "a killed drain"):
        show = stage.show()
        client, settings = stage.stores.client, stage.stores.settings
        booking = stage.book(show, "A1")
        client.set(keys.lease(show % 4), lease, px=HOUR_MS)

        assert lanes.stalled(client, settings.lanes, settings.lease_ms) == [show % 4]
        assert stage.rescue(show % 4) == 1
        assert stage.booking(booking).status is Status.CONFIRMED


def test_a_refusal_for_lack_of_memory_ends_although_the_clock_was_set_back(stage: Stage) -> None:
    show = stage.show()
    stage.stores.client.hset(keys.meter(show % 4), "full_until", int(time.time() * 1000) + HOUR_MS)

    assert stage.accept(stage.operation(show, "A1")).code == "ACCEPTED"


def test_a_limit_is_not_trusted_for_as_long_as_the_clock_was_ahead(stage: Stage) -> None:
    show = stage.show()
    until_ms = int(time.time() * 1000) + HOUR_MS
    stage.stores.client.hset(keys.undecided(show % 4, show), f"!{stage.alice}", f"{until_ms} 0")

    assert stage.accept(stage.operation(show, "A1")).code == "ACCEPTED"


def test_a_refusal_is_confirmed_although_its_card_was_confirmed_in_the_future(stage: Stage) -> None:
    show = stage.show()
    until_ms = int(time.time() * 1000) + HOUR_MS
    stage.stores.client.hset(keys.card(show % 4, show), mapping={"sold_out_until": until_ms, "checked": until_ms})

    first, second = (stage.accept(stage.operation(show, "A1")) for _ in range(2))

    assert (first.code, first.stale) == ("SOLD_OUT", True)
    assert (second.code, second.stale) == ("SOLD_OUT", False)


def test_a_user_whose_counts_were_left_by_lost_entries_is_not_locked_out_by_a_reset(stage: Stage) -> None:
    """Tickets continue, because counts and undecided operations are compared with them."""
    show, client, settings = stage.show(), stage.stores.client, stage.stores.settings
    how = {"lanes": settings.lanes, "cap": settings.lane_cap, "lease_ms": settings.lease_ms, "user_cap": 2}
    lost = [admission.accept(stage.stores.rounds, stage.operation(show), **how) for _ in range(2)]
    client.xdel(keys.lane(show % 4), *(each.entry_id for each in lost))
    stage.book(show, "A1", user=stage.bob)
    stage.drain()
    client.execute_command("XSETID", keys.lane(show % 4), f"{int(time.time() * 1000) + HOUR_MS}-0")
    [ahead] = database_clocks.lanes_ahead(client, settings.lanes, 5_000, reset=True)
    assert ahead.reset

    accepted = admission.accept(stage.stores.rounds, stage.operation(show, "A2"), **how)

    assert accepted.code == "ACCEPTED"
    assert accepted.meter.epoch != lost[0].meter.epoch
    stage.drain()
    assert stage.counters(show) == (0, 2)
    stage.proven()
