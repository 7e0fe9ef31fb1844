"""Bookings that wait too long: they fail after their own limit or the setting's, and long waits raise an alarm."""

from __future__ import annotations

import time
from typing import Any

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from core.bookings import Reason, Status
from db.kv import keys
from proof.kit.waiting import until
from tests.support.buyer import Buyer, answered, refused
from tests.support.stage import Stage
from workers import expire, late_bookings, sweep


def wait_ms(milliseconds: int) -> None:
    """Wait until this many milliseconds have passed on this machine's clock, which Redis uses too."""
    end = time.time() + milliseconds / 1000
    until(lambda: time.time() > end)


def test_a_booking_is_not_sold_after_its_give_up_time(stage: Stage, alice: Buyer) -> None:
    show = stage.show()
    impatient = answered(alice.book(show, "A1", key="k", give_up_after_ms=1), 202)["id"]
    patient = answered(alice.book(show, "A2", give_up_after_ms=3_600_000, hold=True), 202)["id"]
    after = stage.book(show, "A1", user=stage.bob)
    wait_ms(3)

    stage.drain(show)

    body = answered(alice.get(impatient), 200)
    assert (body["status"], body["reason"], body["seats"], body["amount_cents"]) == (
        "FAILED", "EXPIRED_IN_QUEUE", [], 0,
    )  # fmt: skip
    assert answered(alice.get(patient), 200)["stage"] == "HELD"
    assert stage.booking(after).status is Status.CONFIRMED
    assert answered(alice.book(show, "A1", key="k", give_up_after_ms=1), 200)["id"] == impatient
    stage.proven()


def test_a_repeated_key_with_another_give_up_time_is_refused(stage: Stage, alice: Buyer) -> None:
    show = stage.show()
    answered(alice.book(show, "A1", key="k", give_up_after_ms=5_000), 202)

    refused(alice.book(show, "A1", key="k"), 422, "idempotency_key_reused")
    refused(alice.book(show, "A1", key="k", give_up_after_ms=5_001), 422, "idempotency_key_reused")
    answered(alice.book(show, "A1", key="k", give_up_after_ms=5_000), 202)


def test_by_default_a_booking_is_sold_however_long_it_waited(stage: Stage) -> None:
    show = stage.show()
    booking = stage.book(show, "A1")
    wait_ms(30)

    stage.drain(show)

    assert stage.booking(booking).status is Status.CONFIRMED


def test_with_fail_pending_after_s_older_bookings_fail(stage: Stage) -> None:
    show = stage.show()
    held = stage.book(show, "B1", hold=True)
    stage.drain(show)
    stage.limit(fail_pending_after_s=1.0)
    old, withdrawn = stage.book(show, "A1"), stage.book(show, "A2")
    stage.cancel(withdrawn)
    stage.confirm(held)
    wait_ms(1_100)
    young = stage.book(show, "A3")

    stage.drain(show)

    assert stage.booking(old).reason is Reason.EXPIRED_IN_QUEUE
    assert stage.status(old)["reason"] == "EXPIRED_IN_QUEUE"
    assert stage.booking(withdrawn).status is Status.CANCELLED
    assert stage.booking(held).status is Status.CONFIRMED  # it was accepted in time, however long it queued
    assert stage.booking(young).status is Status.CONFIRMED
    assert stage.seats(show)["A1"] == ("AVAILABLE", None)
    stage.proven()


# -- the alarm ----------------------------------------------------------------------------------------------


def alarms(captured: list[Any]) -> list[Any]:
    return [line for line in captured if line["log_level"] == "error"]


def test_a_late_lane_is_logged_as_an_error_at_intervals(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.limit(pending_alarm_s=0.01)
    monkeypatch.setattr(late_bookings, "LOOK_S", 0.0)
    show = stage.show()
    stage.book(show, "A1")
    stage.book(show, "A2")
    with capture_logs() as captured:
        late_bookings.watch_lanes(stage.stores)  # most likely too young for an alarm
        wait_ms(20)
        for _ in range(3):
            late_bookings.watch_lanes(stage.stores)
        monkeypatch.setattr(late_bookings, "REPEAT_S", 0.0)
        late_bookings.watch_lanes(stage.stores)
        stage.drain(show)
        late_bookings.watch_lanes(stage.stores)

    logged = [(line["event"], line["lane"], line["depth"]) for line in alarms(captured)]
    assert logged[-2:] == [("lane_late", show % 4, 2)] * 2
    assert len(logged) in (2, 3)  # the first check may have found it late, too


def test_lanes_are_checked_at_intervals_not_on_each_call(stage: Stage) -> None:
    stage.limit(pending_alarm_s=0.001)
    stage.book(stage.show(), "A1")
    late_bookings.watch_lanes(stage.stores)
    stage.stores.watched.pop("lane 1", None)
    wait_ms(5)

    with capture_logs() as captured:
        late_bookings.watch_lanes(stage.stores)

    assert alarms(captured) == []


def test_the_sweeper_reports_a_lane_whose_drain_hangs(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The drain's lease is alive, so the sweeper cannot rescue the lane."""
    stage.limit(pending_alarm_s=0.01)
    monkeypatch.setattr(sweep, "TICK_S", 0.01)
    monkeypatch.setattr(late_bookings, "LOOK_S", 0.0)
    show = stage.show()
    stage.book(show, "A1")
    stage.stores.client.set(keys.lease(show % 4), "a drain that hangs")
    sweeper = sweep.Sweeper(stage.stores, stage.rung.append)
    with capture_logs() as captured:
        sweeper.start()
        try:
            until(lambda: any(line["event"] == "lane_late" for line in captured))
        finally:
            sweeper.stop()

    assert [line["drained_by"] for line in alarms(captured)] == ["a drain that hangs"]


def test_without_redis_the_check_of_lanes_raises_nothing(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.stores.rounds.close()
    monkeypatch.setattr(stage.stores, "rounds", type(stage.stores.rounds)("redis://127.0.0.1:1/0"))

    late_bookings.watch_lanes(stage.stores)


def test_holds_that_nobody_expires_are_counted(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.limit(pending_alarm_s=1.0)
    monkeypatch.setattr(late_bookings, "LOOK_S", 0.0)
    show = stage.show()
    for seat in ("A1", "A2"):
        stage.book(show, seat, hold=True)
    stage.drain(show)
    with capture_logs() as before:
        expire.run_once(stage.stores, stage.rung.append)
    assert (alarms(before), REGISTRY.get_sample_value("onsale_holds_late")) == ([], 0)

    stage.let_holds_lapse(show)
    wait_ms(1_100)
    with capture_logs() as captured:
        for _ in range(2):
            expire.run_once(stage.stores, stage.rung.append)

    assert [(line["event"], line["holds"]) for line in alarms(captured)] == [("holds_late", 2)]
    assert REGISTRY.get_sample_value("onsale_holds_late") == 2
    stage.drain(show)
    expire.run_once(stage.stores, stage.rung.append)
    assert REGISTRY.get_sample_value("onsale_holds_late") == 0
