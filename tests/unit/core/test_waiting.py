"""The waiting list: who joins it, to whom freed seats are offered, and in which order."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from core.bookings import Booking, Decision, Reason, Status
from core.operations import ChangeShow, Expire
from core.waiting import OFFERS_MAX, WINDOW, WaitingList, wish_of, wished
from tests.support.lane import ALICE, BOB, HOLD, SHOW, STARTS, Lane

CAROL, DAVE = UUID(int=3), UUID(int=4)


@pytest.fixture
def full() -> Lane:
    """A lane whose show is sold out: one row of three seats, all of them Alice's."""
    lane = Lane(rows=1, seats=3)
    for seat in ("A1", "A2", "A3"):
        lane.book(seat, key=f"sold {seat}")
    return lane


def wait(lane: Lane, *seats: str, user: UUID = BOB, quantity: int = 0, **more: Any) -> UUID:
    id_ = lane.book(*seats, user=user, quantity=0 if seats else quantity or 1, waiting=True, **more)
    assert lane.status(id_) == (Status.WAITING, None)
    return id_


def booking(lane: Lane, id_: UUID) -> Booking:
    return lane.state.bookings[id_]


def told(decisions: list[Decision]) -> list[tuple[int, str, str]]:
    return [(decision.part, decision.kind.value, decision.outcome.value) for decision in decisions]


def cancel(lane: Lane, seat: str) -> None:
    owner = lane.state.owners[seat]
    assert owner is not None
    lane.cancel(owner, lane.state.bookings[owner].user_id)


def test_a_request_that_cannot_have_its_seats_waits_without_any(full: Lane) -> None:
    named, any_two = wait(full, "A1"), wait(full, quantity=2)

    assert [booking(full, id_).waiting_number for id_ in (named, any_two)] == [1, 2]
    assert booking(full, named).seats == ()
    assert booking(full, named).expires_ms is None
    assert full.counted() == (0, 3)
    assert full.state.seats_of_user(BOB, full.now) == 0


def test_a_request_that_can_have_its_seats_does_not_wait(full: Lane) -> None:
    cancel(full, "A2")

    assert full.status(full.book("A2", user=BOB, waiting=True)) == (Status.CONFIRMED, None)


def test_without_the_wish_to_wait_it_fails_as_ever(full: Lane) -> None:
    assert full.status(full.book("A1", user=BOB)) == (Status.FAILED, Reason.SEAT_TAKEN)
    assert full.status(full.book(user=BOB, quantity=1)) == (Status.FAILED, Reason.SOLD_OUT)


def test_a_released_seat_goes_to_the_first_who_can_use_it_as_a_hold_of_its_own_time() -> None:
    lane = Lane(rows=1, seats=3, offer_ms=5_000)
    sold = [lane.book(seat) for seat in ("A1", "A2", "A3")]
    pair, single, later = wait(lane, quantity=2), wait(lane, "A2", user=CAROL), wait(lane, "A2", user=DAVE)
    lane.now += 10

    decision = lane.cancel(sold[1])

    assert (decision.part, decision.kind, decision.outcome) == (1, "OFFER", "OFFERED")
    assert lane.status(pair) == lane.status(later) == (Status.WAITING, None)
    assert (booking(lane, single).status, booking(lane, single).seats) == (Status.PENDING, ("A2",))
    assert booking(lane, single).expires_ms == lane.now + 5_000
    assert booking(lane, single).amount_cents == 1500
    assert lane.counted() == (1, 2)
    assert lane.confirm(single, CAROL).outcome == "CONFIRMED"


def test_an_offer_lasts_as_long_as_a_hold_if_the_show_says_nothing_else(full: Lane) -> None:
    waits = wait(full)
    cancel(full, "A1")

    assert booking(full, waits).expires_ms == full.now + HOLD


def test_those_who_wait_are_served_in_order(full: Lane) -> None:
    first, second, third = wait(full), wait(full, user=CAROL), wait(full, user=DAVE)

    cancel(full, "A3")
    cancel(full, "A1")

    assert booking(full, first).seats == ("A3",)
    assert booking(full, second).seats == ("A1",)
    assert full.status(third) == (Status.WAITING, None)


def test_a_lapsed_offer_goes_on_to_the_next(full: Lane) -> None:
    first, second = wait(full), wait(full, user=CAROL)
    cancel(full, "A1")
    full.now += HOLD

    decisions = full.take(Expire(show_id=SHOW, limit=5))

    assert told(decisions) == [(1, "EXPIRE", "EXPIRED"), (0, "EXPIRE", "DONE"), (2, "OFFER", "OFFERED")]
    assert full.status(first) == (Status.FAILED, Reason.HOLD_EXPIRED)
    assert booking(full, second).seats == ("A1",)


def test_a_late_confirm_of_an_offer_gives_it_to_the_next(full: Lane) -> None:
    first, second = wait(full), wait(full, user=CAROL)
    cancel(full, "A1")
    full.now += HOLD

    full.confirm(first, BOB)

    assert full.status(first) == (Status.FAILED, Reason.HOLD_EXPIRED)
    assert booking(full, second).seats == ("A1",)


def test_a_later_request_does_not_take_a_seat_that_became_free_by_time() -> None:
    """No Expire has come yet: the Book itself offers the seats of the lapsed hold, and finds them gone."""
    lane = Lane(rows=1, seats=2)
    held = lane.book("A1", "A2", user=ALICE, hold=True)
    waits = wait(lane, "A1")
    lane.now += HOLD

    late = lane.book("A1", user=CAROL)
    other = lane.book("A2", user=DAVE)

    assert lane.status(held) == (Status.FAILED, Reason.HOLD_EXPIRED)
    assert booking(lane, waits).seats == ("A1",)
    assert lane.status(late) == (Status.FAILED, Reason.SEAT_TAKEN)
    assert lane.status(other) == (Status.CONFIRMED, None)  # nobody waits for it


def test_who_leaves_the_list_gets_no_offer_and_others_move_up(full: Lane) -> None:
    first, second = wait(full), wait(full, user=CAROL)

    assert full.cancel(first, BOB).outcome == "CANCELLED"
    cancel(full, "A1")

    assert full.status(first) == (Status.CANCELLED, None)
    assert booking(full, second).seats == ("A1",)
    assert full.cancel(first, BOB).outcome == "UNCHANGED"


def test_a_confirm_before_the_offer_is_refused_and_changes_nothing(full: Lane) -> None:
    waits = wait(full)

    decision = full.confirm(waits, BOB)

    assert (decision.outcome, decision.reason) == ("REFUSED", "NOT_OFFERED")
    assert full.status(waits) == (Status.WAITING, None)


def test_the_limit_is_checked_when_seats_are_offered() -> None:
    lane = Lane(rows=1, seats=4, seats_per_user=2)
    sold = [lane.book(seat, user=user) for seat, user in (("A1", ALICE), ("A2", ALICE), ("A3", CAROL), ("A4", DAVE))]
    one, two, three = (wait(lane) for _ in range(3))
    other = wait(lane, user=UUID(int=9))

    for id_, user in ((sold[0], ALICE), (sold[1], ALICE), (sold[2], CAROL)):
        lane.cancel(id_, user)

    assert booking(lane, one).seats == ("A1",)
    assert booking(lane, two).seats == ("A2",)
    assert lane.status(three) == (Status.FAILED, Reason.LIMIT_REACHED)
    assert booking(lane, other).seats == ("A3",)


def test_the_list_has_a_longest_length() -> None:
    lane = Lane(rows=1, seats=1, waiting_list_max=2)
    lane.book("A1")
    wait(lane)
    leaves = wait(lane)

    assert lane.status(lane.book("A1", user=CAROL, waiting=True)) == (Status.FAILED, Reason.WAITING_LIST_FULL)
    lane.cancel(leaves, BOB)
    assert booking(lane, wait(lane, user=CAROL)).waiting_number == 3  # a number is given once


def test_what_no_seat_of_the_hall_could_satisfy_does_not_wait(full: Lane) -> None:
    id_ = full.book(user=BOB, quantity=4, waiting=True)

    assert full.status(id_) == (Status.FAILED, Reason.SOLD_OUT)


def test_a_paused_show_offers_nothing_until_it_is_resumed(full: Lane) -> None:
    waits = wait(full)
    full.take(ChangeShow(show_id=SHOW, changes={"state": "PAUSED"}))
    cancel(full, "A1")
    assert full.status(waits) == (Status.WAITING, None)
    assert full.state.waiting.unfinished

    decisions = full.take(ChangeShow(show_id=SHOW, changes={"state": "ON_SALE"}))

    assert told(decisions) == [(0, "CHANGE_SHOW", "DONE"), (1, "OFFER", "OFFERED")]
    assert not full.state.waiting.unfinished


@pytest.mark.parametrize("how", ["closed", "over"])
def test_when_the_sale_ends_those_who_wait_fail_a_batch_at_a_time(full: Lane, how: str) -> None:
    ids = [wait(full), wait(full), wait(full)]
    if how == "closed":
        full.take(ChangeShow(show_id=SHOW, changes={"state": "CLOSED"}))
    else:
        full.now = STARTS

    decisions = full.take(Expire(show_id=SHOW, limit=2))

    assert told(decisions) == [(1, "EXPIRE", "FAILED"), (2, "EXPIRE", "FAILED"), (0, "EXPIRE", "DONE")]
    assert decisions[-1].changes == {"expired": 0, "closed": 2}
    assert [full.status(id_) for id_ in ids[:2]] == [(Status.FAILED, Reason.SHOW_CLOSED)] * 2
    assert full.status(ids[2]) == (Status.WAITING, None)
    full.take(Expire(show_id=SHOW, limit=2))
    assert full.state.waiting.count == 0


def test_one_operation_offers_a_bounded_number_and_the_next_continues() -> None:
    seats = OFFERS_MAX + 5
    lane = Lane(rows=1, seats=seats, seats_per_user=50)
    sold = [lane.book(f"A{number}") for number in range(1, seats + 1)]
    ids = [wait(lane) for _ in sold]
    lane.take(ChangeShow(show_id=SHOW, changes={"state": "PAUSED"}))
    for id_ in sold:
        lane.cancel(id_)

    lane.take(ChangeShow(show_id=SHOW, changes={"state": "ON_SALE"}))

    assert [booking(lane, id_).status for id_ in ids].count(Status.PENDING) == OFFERS_MAX
    assert lane.state.waiting.unfinished
    # The free seats are due to those who wait.
    assert lane.status(lane.book(user=CAROL, quantity=1)) == (Status.FAILED, Reason.SOLD_OUT)
    assert [booking(lane, id_).status for id_ in ids].count(Status.PENDING) == seats
    assert not lane.state.waiting.unfinished


def test_an_offer_looks_past_a_bounded_number_of_those_who_cannot_be_served() -> None:
    lane = Lane(rows=2, seats=2, seats_per_user=300)
    sold = [lane.book(seat) for seat in ("A1", "A2", "B1", "B2")]
    pairs = [wait(lane, quantity=2) for _ in range(WINDOW)]
    behind = wait(lane)

    lane.cancel(sold[0])

    assert lane.status(behind) == (Status.WAITING, None)
    assert lane.status(lane.book("A1", user=CAROL)) == (Status.CONFIRMED, None)
    lane.cancel(pairs[0], BOB)  # one moves up
    lane.cancel(sold[3])
    assert booking(lane, behind).seats == ("B2",)


def test_a_wish_is_kept_as_it_was_requested(full: Lane) -> None:
    id_ = wait(full, quantity=2, category="premium", give_up_after_ms=500)
    kept = booking(full, id_)

    assert kept.wish == {"quantity": 2, "category": "premium"}
    assert wish_of(wished(kept)) == kept.wish
    assert wished(kept).hold


def test_a_list_of_which_too_little_was_loaded_is_a_bug_and_not_a_wrong_decision(full: Lane) -> None:
    wait(full)
    full.state.waiting = WaitingList(count=1, last=1)

    with pytest.raises(AssertionError):
        cancel(full, "A1")
