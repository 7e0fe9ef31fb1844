"""Limits per user at accept: those that the lane has reported, and the bookings of the last hour."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text

from core.bookings import Reason
from core.settings import Settings
from db.kv import keys
from db.postgres.engine import transaction
from tests.support.buyer import Buyer, answered, refused
from tests.support.caps import LANES, ask, counts
from tests.support.factories import opened_app
from tests.support.stage import Stage

HOURLY = 5


# -- limits that the lane has reported ------------------------------------------------------------------


def limited(stage: Stage, *, hold: bool = False, **settings: int) -> tuple[int, UUID]:
    """Make a show at which alice is at the limit, and the lane has reported it; return it and her booking."""
    show = stage.show(rows=4, seats_per_user=2, **settings)
    booking = stage.book(show, "A1", "A2", hold=hold)
    failed = stage.book(show, "B1")
    stage.drain(show)
    assert stage.booking(failed).reason is Reason.LIMIT_REACHED
    return show, booking


def test_accept_refuses_a_user_over_the_limit_that_the_lane_reported(stage: Stage) -> None:
    show, _ = limited(stage)
    before = stage.stores.client.xlen(keys.lane(show % LANES))

    assert ask(stage, show, "B2").code == "LIMIT_REACHED"
    assert ask(stage, show, quantity=1).code == "LIMIT_REACHED"
    assert stage.stores.client.xlen(keys.lane(show % LANES)) == before
    assert ask(stage, show, "B2", user=stage.bob).code == "ACCEPTED"


def test_a_user_one_seat_below_the_limit_may_request_one(stage: Stage) -> None:
    show = stage.show(seats_per_user=3)
    stage.book(show, "A1", "A2")
    stage.book(show, "B1", "B2")
    stage.drain(show)

    assert ask(stage, show, "B1", "B2").code == "LIMIT_REACHED"
    assert ask(stage, show, quantity=2).code == "LIMIT_REACHED"
    assert ask(stage, show, "B1").code == "ACCEPTED"


def test_a_cancel_lifts_the_refusal_at_once(stage: Stage) -> None:
    show, booking = limited(stage)
    stage.cancel(booking)

    again = ask(stage, show, "B2")

    assert again.code == "ACCEPTED", "it is queued behind the cancel"
    stage.drain(show)
    assert stage.seats(show)["B2"][0] == "SOLD"


def test_a_cancel_whose_batch_ends_later_lifts_the_refusal(stage: Stage) -> None:
    show, booking = limited(stage)
    client = stage.stores.client
    belief = client.hget(keys.undecided(show % LANES, show), f"!{stage.alice}")
    stage.cancel(booking)
    client.hset(keys.undecided(show % LANES, show), f"!{stage.alice}", belief or "")  # of a batch in between

    stage.drain(show)

    assert ask(stage, show, "B2").code == "ACCEPTED"


def test_a_hold_that_ends_lifts_the_refusal(stage: Stage) -> None:
    show, _ = limited(stage, hold=True, hold_ms=60_000)
    assert ask(stage, show, "B2").code == "LIMIT_REACHED"
    stage.let_holds_lapse(show)
    stage.expire(show)
    stage.drain(show)

    assert ask(stage, show, "B2").code == "ACCEPTED"


def test_a_limit_is_trusted_until_the_first_hold_ends_and_for_ten_seconds_at_most(stage: Stage) -> None:
    short, _ = limited(stage, hold=True, hold_ms=1)
    assert ask(stage, short, "B2").code == "ACCEPTED", "the hold has lapsed, though nothing was decided"

    show, _ = limited(stage)
    seconds, micros = stage.stores.client.time()
    until_ms = int(counts(stage, show)[f"!{stage.alice}"].split()[0])
    assert 0 < until_ms - (seconds * 1000 + micros // 1000) <= 10_000


def test_a_changed_limit_of_the_show_lifts_the_refusal(stage: Stage) -> None:
    show, _ = limited(stage)
    stage.change(show, seats_per_user=4)
    stage.drain(show)

    assert ask(stage, show, "B2").code == "ACCEPTED"


def test_a_refusal_for_the_limit_is_remembered_like_others(stage: Stage) -> None:
    """Final statuses of the show may have left Redis: this key's outcome may be in Postgres only."""
    show, _ = limited(stage)
    client = stage.stores.client
    assert not ask(stage, show, "B2").forgotten
    client.hset(keys.card(show % LANES, show), "forgets_at", 1)

    assert ask(stage, show, "B2").forgotten
    ask(stage, show, "B2", user=stage.bob)
    ask(stage, show, "B3", user=stage.bob)
    assert not ask(stage, show, "B4", user=stage.bob).forgotten, "too many: it comes again"


# -- rows -----------------------------------------------------------------------------------------------


@pytest.fixture
def stingy(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """An api with a small limit of bookings per user and hour."""
    monkeypatch.setenv("BOOKINGS_PER_USER_HOUR", str(HOURLY))
    with opened_app(Settings.from_env()) as app:
        yield app


def test_one_account_writes_so_many_rows_an_hour_whatever_it_asks_for(stingy: Flask, stage: Stage) -> None:
    """Each request is for a taken seat or beyond the limit, at two shows, and is decided at once."""
    shows = [stage.show(rows=1, seats=10, seats_per_user=2), stage.show(rows=1, seats=10, seats_per_user=2)]
    for show in shows:
        stage.book(show, "A1", user=stage.bob)
    stage.drain()
    greedy, other = Buyer(stingy, stingy.test_client()), Buyer(stingy, stingy.test_client())
    first = answered(greedy.book(shows[0], "A1", key="first"), 202)
    stage.drain()

    codes = []
    for show in 3 * shows:
        codes.append(greedy.book(show, "A1").status_code)
        codes.append(greedy.book(show, quantity=3).status_code)
        stage.drain()

    assert codes.count(202) <= HOURLY - 1
    assert 429 in codes
    with transaction(stage.stores.engine) as connection:
        count = text("SELECT count(*) FROM bookings WHERE user_id = :id")
        assert connection.execute(count, {"id": greedy.id}).scalar_one() <= HOURLY
    refused(greedy.book(shows[1], "A3"), 429, "too_many_bookings")
    assert answered(greedy.book(shows[0], "A1", key="first"), 200)["id"] == first["id"], "a repeated key is found"
    answered(other.book(shows[1], "A3"), 202)


def test_confirms_and_cancels_of_one_account_are_limited_per_hour(stingy: Flask, stage: Stage) -> None:
    """The lane refuses each cancel of a confirmed booking after the show's start again."""
    show = stage.show()
    buyer = Buyer(stingy, stingy.test_client())
    booking = answered(buyer.book(show, "A1"), 202)["id"]
    stage.drain()
    stage.change(show, starts_ms=1)
    stage.drain()

    for _ in range(2 * HOURLY):
        answered(buyer.cancel(booking), 202)
        stage.drain()

    refused(buyer.cancel(booking), 429, "too_many_requests")


# -- as a client sees them ------------------------------------------------------------------------------


def test_a_client_sees_the_reason_and_a_retry_after(stage: Stage, alice: Buyer, bob: Buyer) -> None:
    show = stage.show(rows=4, seats_per_user=1)
    for number in range(4):
        answered(alice.book(show, f"A{number + 1}"), 202)

    response = alice.book(show, "A5", key="later")

    refused(response, 429, "too_many_bookings")
    assert int(response.headers["Retry-After"]) >= 1
    answered(bob.book(show, "B1"), 202)
    stage.drain(show)
    response = alice.book(show, "A5", key="later")
    refused(response, 409, "limit_reached")
    assert "Retry-After" not in response.headers
