"""Overload changes nothing for those already accepted: caps per lane, in total, and by Redis's memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from core.settings import Settings
from db import guard
from db.kv import keys, lanes
from tests.support.buyer import Buyer, answered, refused
from tests.support.factories import opened_app
from tests.support.stage import Stage
from workers import sweep

LANES = 4


@pytest.fixture
def small(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """An api where three operations may wait in each lane, twelve in all."""
    monkeypatch.setenv("TOTAL_CAP", str(3 * LANES))
    with opened_app(Settings.from_env()) as app:
        yield app


def everything(stage: Stage) -> dict[str, Any]:
    """Return everything in Redis except the leases, which lapse by themselves."""
    client = stage.stores.client
    return {key: client.dump(key) for key in client.keys("*") if not key.endswith(":marker")}


def test_all_lanes_together_hold_no_more_than_the_total(small: Flask, stage: Stage) -> None:
    shows = [stage.show() for _ in range(LANES)]
    assert {show % LANES for show in shows} == set(range(LANES))
    buyer = Buyer(small, small.test_client())

    codes = [buyer.book(show, "A1").status_code for _ in range(5) for show in shows]

    assert codes.count(202) == 3 * LANES
    assert codes.count(503) == 2 * LANES
    assert sum(stage.stores.client.xlen(keys.lane(lane)) for lane in range(LANES)) == 3 * LANES


def test_a_refusal_by_the_cap_writes_nothing_and_has_a_retry_after(small: Flask, stage: Stage) -> None:
    show = stage.show()
    buyer = Buyer(small, small.test_client())
    for _ in range(3):
        answered(buyer.book(show, "A1"), 202)
    before = everything(stage)

    response = buyer.book(show, "A2", key="again")

    refused(response, 503, "lane_full")
    assert int(response.headers["Retry-After"]) >= 1
    assert everything(stage) == before
    stage.drain(show)
    answered(buyer.book(show, "A2", key="again"), 202)


def test_a_redis_short_of_memory_takes_no_books_and_keeps_its_word(stage: Stage, alice: Buyer, bob: Buyer) -> None:
    show = stage.show()
    held = answered(alice.book(show, "A1", hold=True), 202)["id"]
    stage.drain(show)
    waiting = answered(bob.book(show, "A2", key="k"), 202)["id"]
    client = stage.stores.client
    client.config_set("maxmemory", str(int(client.info("memory")["used_memory"] * 1.15)))
    try:
        assert sweep.watch_memory(stage.stores) > sweep.FULL_SHARE
        before = everything(stage)
        refused(bob.book(show, "A3"), 503, "lane_full")
        assert everything(stage) == before
        # Accepted bookings continue: a repeated key, a confirm, a decision, a read.
        assert answered(bob.book(show, "A2", key="k"), 202)["id"] == waiting
        answered(alice.confirm(held), 202)
        stage.drain(show)
        assert answered(alice.get(held), 200)["status"] == "CONFIRMED"
        assert answered(bob.get(waiting), 200)["status"] == "CONFIRMED"
    finally:
        client.config_set("maxmemory", "0")


def test_the_refusal_expires(stage: Stage, alice: Buyer) -> None:
    show = stage.show()
    lanes.refuse_books(stage.stores.client, LANES, sweep.FULL_MS)
    refused(alice.book(show, "A1"), 503, "lane_full")

    lanes.refuse_books(stage.stores.client, LANES, 0)  # as when its time is over

    answered(alice.book(show, "A1"), 202)


def test_a_waiting_operation_takes_no_more_memory_than_the_guard_assumes(stage: Stage, alice: Buyer) -> None:
    """ENTRY_BYTES times the total cap is what full lanes may take of maxmemory."""
    show = stage.show(rows=20, seats=50)
    client = stage.stores.client
    labels = list(stage.seats(show))
    wanted = [tuple(labels[n : n + 10]) for n in range(0, 1_000, 10)]
    stage.book(show, *wanted[0])
    before = client.info("memory")["used_memory_dataset"]

    for _ in range(20):
        for seats in wanted:
            stage.book(show, *seats)

    grown = client.info("memory")["used_memory_dataset"] - before
    assert 200 < grown / 2_000 < guard.ENTRY_BYTES


def test_a_status_or_card_without_room_in_redis_is_503_and_not_404(stage: Stage, alice: Buyer, app: Flask) -> None:
    """A status or a card that has left Redis cannot be published again while Redis is full: 503, not 404."""
    show, other = stage.show(), stage.show()
    booking = answered(alice.book(show, "A1"), 202)["id"]
    stage.drain(show)
    client = stage.stores.client
    client.delete(keys.status(show % LANES, UUID(booking)), keys.card(other % LANES, other))
    client.config_set("maxmemory", "1")
    try:
        refused(alice.cancel(booking), 503, "lane_full")
        refused(alice.book(other, "A1"), 503, "lane_full")
        assert answered(alice.get(booking), 200)["status"] == "CONFIRMED"
    finally:
        client.config_set("maxmemory", "0")

    answered(alice.cancel(booking), 202)
    answered(alice.book(other, "A1"), 202)
