"""A Book that replaces a FAILED booking links that one to itself, whatever becomes of the Book."""

from __future__ import annotations

from uuid import UUID

from core import ids
from core.bookings import Outcome, Reason, Status
from core.operations import Book, Kind, dump, load
from tests.support.lane import ALICE, BOB, SHOW, Lane


def replacement(former: UUID, *seats: str, user: UUID = ALICE, key: str = "new") -> Book:
    id_ = ids.booking_id(b"k" * 32, SHOW, user, key)
    return Book(booking_id=id_, show_id=SHOW, user_id=user, fingerprint="f", seats=seats, replaces=former)


def test_a_failed_booking_is_linked_to_the_one_that_replaces_it_once() -> None:
    lane = Lane()
    lane.book("A1", user=BOB)
    failed = lane.book("A1")
    operation = replacement(failed, "A2")

    decisions = lane.take(operation)

    assert [(d.part, d.kind, d.outcome) for d in decisions] == [
        (1, Kind.REPLACE, Outcome.UNCHANGED), (0, Kind.BOOK, Outcome.CONFIRMED),
    ]  # fmt: skip
    assert lane.status(failed) == (Status.FAILED, Reason.SEAT_TAKEN)
    assert lane.state.bookings[failed].replaced_by == operation.booking_id
    assert decisions[0].changes["replaced_by"] == str(operation.booking_id)
    lane.take(replacement(failed, "A3", key="third"))
    assert lane.state.bookings[failed].replaced_by == operation.booking_id
    assert load(dump(operation)) == operation


def test_only_ones_own_failed_booking_is_replaced() -> None:
    lane = Lane()
    confirmed = lane.book("A1", user=BOB)
    failed = lane.book("A1", user=BOB)

    for former, user in ((failed, ALICE), (confirmed, BOB)):
        decisions = lane.take(replacement(former, "A2" if user == ALICE else "A3", user=user, key=str(former)))
        assert [d.part for d in decisions] == [0]
        assert lane.state.bookings[former].replaced_by is None
