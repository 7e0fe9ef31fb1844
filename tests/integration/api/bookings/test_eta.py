"""The estimated wait, compared with the real one: in a moving lane, in a stalled one, and in one that was idle."""

from __future__ import annotations

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any
from uuid import UUID, uuid4

import pytest

from core.ids import show_of
from core.queue_position import DELAYED_MS, QueuePosition, locate
from db.kv import keys, statuses
from db.kv.lanes import refuse_books
from tests.support.buyer import Buyer, answered, refused
from tests.support.stage import Stage
from workers import drain as draining
from workers.batch import Batch
from workers.sweep import FULL_MS

LANES = 4
#: How long each batch is made to last, and how many it takes: some 500 decided per second.
BATCH_S, BATCH = 0.12, 60
#: An estimate holds if the real wait is between half and twice of it.
FACTOR = 2.0


def promised(stage: Stage, booking: UUID) -> QueuePosition | None:
    """Return a queued booking's position and estimate, as a poll would; None: it is decided."""
    fields, meter = statuses.read(stage.stores.rounds, booking, show_of(booking), LANES)
    return locate(int(fields["t"]), meter) if fields["v"] == "0" else None


def fill(stage: Stage, show: int, many: int) -> list[UUID]:
    return [stage.book(show, user=uuid4(), quantity=1) for _ in range(many)]


def age(stage: Stage, show: int, ms: int) -> None:
    """Shift all times in the lane's meter back by `ms`."""
    for name in ("served_at", "waits_since"):
        if stage.stores.client.hexists(keys.meter(show % LANES), name):
            stage.stores.client.hincrby(keys.meter(show % LANES), name, -ms)


def test_the_estimate_holds_in_a_moving_lane(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    run_batch = draining.run_batch

    def slow(*arguments: Any, **more: Any) -> Batch | None:
        Event().wait(BATCH_S)
        return run_batch(*arguments, **more)

    monkeypatch.setattr(draining, "run_batch", slow)
    stage.limit(batch=BATCH)
    show = stage.show(rows=20, seats=50)
    last = fill(stage, show, 15 * BATCH)[-1]
    told: list[tuple[float, float]] = []

    def drain() -> None:
        while stage.drain(show):
            """Run one batch after the other."""

    with ThreadPoolExecutor(1) as pool:
        drained = pool.submit(drain)
        while (here := promised(stage, last)) is not None:
            assert not here.delayed
            if here.eta_ms is not None:
                told.append((time.monotonic(), here.eta_ms / 1000))
            Event().wait(0.02)
        decided_at = time.monotonic()
        drained.result()

    ratios = [eta_s / (decided_at - at) for at, eta_s in told if decided_at - at > 2 * BATCH_S]
    assert len(ratios) > 20
    assert 1 / FACTOR < statistics.median(ratios) < FACTOR
    tenths = statistics.quantiles(ratios, n=10)
    assert 1 / FACTOR < tenths[0] < tenths[-1] < FACTOR


def test_the_estimate_grows_in_a_stalled_lane_and_then_ends(stage: Stage) -> None:
    stage.limit(batch=5)
    show = stage.show(rows=4, seats=50)
    bookings = fill(stage, show, 30)
    stage.drain(show)
    moving = promised(stage, bookings[5])
    assert moving is not None
    assert moving.eta_ms is not None
    assert moving.eta_ms < 1_000

    age(stage, show, 3_000)
    slow = promised(stage, bookings[5])
    age(stage, show, DELAYED_MS)
    still = promised(stage, bookings[5])
    stage.drain(show)
    again = promised(stage, bookings[10])

    assert slow is not None
    assert slow.eta_ms is not None
    assert 3_000 <= slow.eta_ms <= slow.poll_after_ms
    assert not slow.delayed
    assert still is not None
    assert (still.eta_ms, still.delayed) == (None, True)
    assert still.poll_after_ms >= DELAYED_MS
    assert again is not None
    assert not again.delayed
    assert again.eta_ms is not None


def test_a_stall_does_not_lower_the_rate_of_the_lane(stage: Stage) -> None:
    stage.limit(batch=BATCH)
    show = stage.show(rows=20, seats=50)
    fill(stage, show, 3 * BATCH)
    stage.drain(show)
    before = float(stage.stores.client.hget(keys.meter(show % LANES), "rate") or 0)
    age(stage, show, 3_600_000)

    stage.drain(show)

    assert float(stage.stores.client.hget(keys.meter(show % LANES), "rate") or 0) > 0.7 * before > 0


def test_a_lane_that_was_idle_is_not_delayed(stage: Stage) -> None:
    show = stage.show()
    fill(stage, show, 1)
    stage.drain(show)
    age(stage, show, 3_600_000)

    here = promised(stage, fill(stage, show, 1)[0])

    assert here is not None
    assert not here.delayed
    assert here.eta_ms is not None
    assert here.eta_ms < 1_000


def test_a_client_sees_that_its_lane_is_delayed(stage: Stage, alice: Buyer, bob: Buyer) -> None:
    show = stage.show()
    booking = answered(alice.book(show, "A1"), 202)
    assert booking["delayed"] is False
    etag = alice.get(booking["id"]).headers["ETag"]
    age(stage, show, DELAYED_MS)

    response = alice.get(booking["id"], **{"If-None-Match": etag})

    late = answered(response, 200)
    assert (late["eta_ms"], late["delayed"]) == (None, True)
    assert int(response.headers["Retry-After"]) >= DELAYED_MS // 1000
    assert answered(bob.book(show, "A2"), 202)["delayed"] is True, "who comes now waits as well"
    stage.drain(show)
    decided = answered(alice.get(booking["id"]), 200)
    assert (decided["status"], decided["delayed"]) == ("CONFIRMED", False)


def test_a_confirm_in_a_delayed_lane_shows_the_delay(stage: Stage, alice: Buyer) -> None:
    show = stage.show()
    booking = answered(alice.book(show, "A1", hold=True), 202)["id"]
    stage.drain(show)
    assert answered(alice.get(booking), 200)["delayed"] is False
    assert answered(alice.confirm(booking), 202)["delayed"] is False
    age(stage, show, DELAYED_MS)

    late = answered(alice.get(booking), 200)

    assert (late["stage"], late["eta_ms"], late["delayed"]) == ("HELD", None, True)


def test_a_refusal_by_a_full_lane_has_a_retry_after_from_its_depth(stage: Stage, alice: Buyer) -> None:
    show = stage.show()
    client, lane = stage.stores.client, show % LANES
    answered(alice.book(show, "A1"), 202)
    client.hset(keys.meter(lane), mapping={"ticket": 4_001, "rate": 100})
    refuse_books(client, LANES, FULL_MS)

    response = alice.book(show, "A2")

    refused(response, 503, "lane_full")
    assert response.headers["Retry-After"] == "11", "a quarter of 4,001 at 100 a second"


def test_a_lapsed_hold_is_polled_ever_more_seldom(stage: Stage, alice: Buyer) -> None:
    show = stage.show(hold_ms=1)
    booking = answered(alice.book(show, "A1", hold=True), 202)["id"]
    stage.drain(show)

    lapsed = answered(alice.get(booking), 200)

    assert lapsed["stage"] == "HELD"
    assert lapsed["poll_after_ms"] >= 1_000
