"""decide, whatever happens: one owner per seat, true counters, limits kept, the same every time."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from core.bookings import Status
from core.operations import Expire
from tests.lane import ALICE, BOB, HOLD, SHOW, Lane

SEATS = [f"{row}{number}" for row in "AB" for number in range(1, 6)]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["book", "hold", "best", "confirm", "cancel", "expire"]),
        st.lists(st.sampled_from(SEATS), min_size=1, max_size=3, unique=True),
        st.sampled_from([ALICE, BOB]),
        st.integers(0, HOLD),
        st.integers(0, 30),
    ),
    max_size=40,
)


def play(steps: list[tuple[str, list[str], UUID, int, int]]) -> Lane:
    """Run steps; after each, what must always be true is checked."""
    lane = Lane()
    booked: list[UUID] = []
    for what, seats, user, later, pick in steps:
        lane.now += later
        target = booked[pick % len(booked)] if booked else None
        if what in ("book", "hold"):
            booked.append(lane.book(*seats, user=user, hold=what == "hold"))
        elif what == "best":
            booked.append(lane.book(quantity=len(seats), user=user, hold=bool(pick % 2)))
        elif what == "expire":
            lane.take(Expire(show_id=SHOW, limit=2))
        elif target is not None:
            owner = lane.state.bookings[target].user_id
            (lane.confirm if what == "confirm" else lane.cancel)(target, owner)
        check(lane)
    return lane


def check(lane: Lane) -> None:
    state = lane.state
    owned: dict[str, UUID] = {}
    for booking in state.bookings.values():
        if booking.live:
            for seat in booking.seats:
                assert seat not in owned
                owned[seat] = booking.id
    assert owned == {seat: owner for seat, owner in state.owners.items() if owner is not None}
    assert state.held == sum(len(b.seats) for b in state.bookings.values() if b.status is Status.PENDING)
    assert state.sold == sum(len(b.seats) for b in state.bookings.values() if b.status is Status.CONFIRMED)
    for user in (ALICE, BOB):
        assert state.seats_of_user(user, lane.now) <= state.show.settings.seats_per_user


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_whatever_happens_seats_have_one_owner_and_counters_are_true(steps: list[Any]) -> None:
    lane = play(steps)
    again = play(steps)

    assert lane.state.bookings == again.state.bookings
