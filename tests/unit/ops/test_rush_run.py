"""A whole rush against the fake api: every buyer is counted once, whatever fails."""

from __future__ import annotations

import asyncio
import uuid

import pytest

from ops.rush.plan import Mix
from ops.rush.shows import NoShow
from tests.unit.ops.test_rush_office import BoxOffice, rush


async def for_ever(seconds: float) -> None:
    """Sleep until cancelled."""
    await asyncio.Event().wait()


def test_every_buyer_sees_one_outcome() -> None:
    office = BoxOffice()

    figures = rush(office)

    assert figures.good, figures.found
    assert figures.accepted == 60 == figures.confirmed + figures.failed["SEAT_TAKEN"]
    assert figures.seats_sold == len(office.owners) > 20
    assert figures.polls_per_booking == 2
    assert (figures.refused, figures.retries, figures.show_id) == ({}, 0, 7)
    assert figures.outcome_ms.p50 is not None


def test_lost_answers_and_a_busy_server_change_no_outcome() -> None:
    figures = rush(BoxOffice(busy=1, resets=2), buyers=20)

    assert figures.good, figures.found
    assert figures.accepted == 20
    assert figures.retried == {"lane_full": 20, "network": 20}


def test_holds_are_confirmed() -> None:
    figures = rush(BoxOffice(), holds=1.0, mix=Mix(0, 1, 0), ramp_s=0.1)

    assert figures.good, figures.found
    assert figures.confirmed > 10


def test_a_confirm_that_comes_too_late_is_a_failed_booking() -> None:
    figures = rush(BoxOffice(late=True), holds=1.0)

    assert figures.good, figures.found
    assert figures.confirmed == 0
    assert figures.failed["HOLD_EXPIRED"] > 10


def test_a_sold_out_show_refuses() -> None:
    figures = rush(BoxOffice(closed_after=25))

    assert figures.good, figures.found
    assert (figures.accepted, figures.refused) == (25, {"sold_out": 35})


def test_outcomes_that_never_come_are_undecided_when_time_is_up() -> None:
    figures = rush(BoxOffice(slow=10**9), buyers=5, timeout_s=0.2)

    assert (figures.accepted, figures.undecided, figures.timed_out) == (5, 5, True)
    assert not figures.good


@pytest.mark.parametrize(("code", "refused"), [("lane_full", {"lane_full": 5}), ("accept_unknown", {})])
def test_buyers_of_a_server_that_stays_busy_are_refused_or_unanswered(code: str, refused: dict[str, int]) -> None:
    figures = rush(BoxOffice(busy=10**9, code=code), for_ever, buyers=5, timeout_s=0.2)

    assert (figures.accepted, figures.refused) == (0, refused)
    assert figures.unanswered == 5 - sum(refused.values())


def test_a_show_that_cannot_be_made_says_why() -> None:
    with pytest.raises(NoShow, match=r"POST /api/halls was answered 403 not_allowed\. No\."):
        rush(BoxOffice(), admin_id=str(uuid.uuid4()))
