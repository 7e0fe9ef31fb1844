"""A booking that is cancelled while it is queued takes no seats from later requests."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from core import ids
from core.bookings import Reason, Status
from db.kv import keys
from db.postgres.engine import transaction
from tests.support.buyer import Buyer, answered
from tests.support.stage import Stage
from workers.batch import run_batch
from workers.publish import publish


def marks(stage: Stage, show: int) -> set[str]:
    """Return the bookings marked as withdrawn in the show's lane."""
    return set(stage.stores.client.hkeys(keys.withdrawn(show % 4)))


def fields(stage: Stage, booking: UUID) -> dict[str, str]:
    """Return a booking's status hash."""
    return dict(stage.stores.client.hgetall(keys.status(ids.show_of(booking) % 4, booking)))


def outcomes(stage: Stage, booking: UUID) -> list[tuple[str, str]]:
    """Return the decisions about a booking, oldest first."""
    with transaction(stage.stores.engine) as connection:
        rows = connection.execute(
            text("SELECT kind, outcome FROM journal WHERE booking_id = :id ORDER BY seq"), {"id": booking}
        )
        return [(row.kind, row.outcome) for row in rows]


def test_a_request_between_a_book_and_its_cancel_gets_the_seat(stage: Stage) -> None:
    show = stage.show()
    regretted = stage.book(show, "A1")
    between = stage.book(show, "A1", user=stage.bob)
    assert stage.cancel(regretted).code == "ACCEPTED"

    stage.drain(show)

    assert stage.booking(between).status is Status.CONFIRMED
    withdrawn = stage.booking(regretted)
    assert (withdrawn.status, withdrawn.reason, withdrawn.seats, withdrawn.amount_cents) == ("CANCELLED", None, (), 0)
    assert outcomes(stage, regretted) == [("BOOK", "CANCELLED"), ("CANCEL", "UNCHANGED")]
    assert stage.status(regretted)["status"] == "CANCELLED"
    assert marks(stage, show) == set()
    stage.proven()


@pytest.mark.rule(number=12)
def test_a_cancel_after_the_batch_is_seen_by_it(stage: Stage) -> None:
    show = stage.show()
    stage.limit(batch=2)
    regretted = stage.book(show, "A1")
    between = stage.book(show, "A1", user=stage.bob)
    stage.cancel(regretted)

    stage.drain(show)

    published = fields(stage, regretted)
    assert (published["s"], "CANCEL" in published) == ("CANCELLED", True)
    assert marks(stage, show) == set()
    assert stage.booking(between).status is Status.CONFIRMED
    stage.drain(show)
    assert "CANCEL" not in fields(stage, regretted)
    assert outcomes(stage, regretted) == [("BOOK", "CANCELLED"), ("CANCEL", "UNCHANGED")]
    stage.proven()


def test_a_withdrawn_book_does_not_use_up_its_users_limit(stage: Stage) -> None:
    show = stage.show(seats_per_user=1)
    regretted = stage.book(show, "A1")
    instead = stage.book(show, "A2")
    stage.cancel(regretted)

    stage.drain(show)

    assert stage.booking(instead).status is Status.CONFIRMED
    stage.proven()


def test_a_confirm_between_changes_nothing(stage: Stage) -> None:
    show = stage.show()
    booking = stage.book(show, "A1", hold=True)
    stage.confirm(booking)
    stage.cancel(booking)

    stage.drain(show)

    assert outcomes(stage, booking) == [("BOOK", "CANCELLED"), ("CONFIRM", "REFUSED"), ("CANCEL", "UNCHANGED")]
    assert not {"CONFIRM", "CANCEL"} & fields(stage, booking).keys()
    stage.proven()


def test_nobody_withdraws_anothers_booking(stage: Stage) -> None:
    show = stage.show()
    booking = stage.book(show, "A1")

    assert stage.cancel(booking, uuid4()).code == "NO_STATUS"
    assert marks(stage, show) == set()

    stage.drain(show)
    assert stage.booking(booking).status is Status.CONFIRMED


def test_a_decided_booking_is_cancelled_without_a_mark(stage: Stage) -> None:
    show = stage.show()
    booking = stage.book(show, "A1")
    stage.drain(show)

    stage.cancel(booking)

    assert marks(stage, show) == set()
    stage.drain(show)
    assert outcomes(stage, booking) == [("BOOK", "CONFIRMED"), ("CANCEL", "CANCELLED")]


def test_a_cancel_that_arrives_while_its_book_is_decided_is_decided_after_it(stage: Stage) -> None:
    """Committed but unpublished: the status still says QUEUED, so the Cancel leaves a mark, too late to matter."""
    show = stage.show()
    booking = stage.book(show, "A1")
    batch = run_batch(stage.stores, show % 4, 500)
    assert batch is not None
    stage.cancel(booking)
    assert marks(stage, show) == {booking.hex}
    publish(stage.stores, batch, "token", None)

    stage.drain(show)

    assert outcomes(stage, booking) == [("BOOK", "CONFIRMED"), ("CANCEL", "CANCELLED")]
    assert marks(stage, show) == set()
    stage.proven()


@pytest.mark.rule(number=12)
def test_a_batch_that_was_committed_and_never_published_is_published_as_it_was_decided(stage: Stage) -> None:
    show = stage.show()
    booking = stage.book(show, "A1")
    stage.cancel(booking)
    assert run_batch(stage.stores, show % 4, 500) is not None  # its worker was killed

    stage.drain(show)

    assert stage.status(booking)["status"] == "CANCELLED"
    assert marks(stage, show) == set()
    assert outcomes(stage, booking) == [("BOOK", "CANCELLED"), ("CANCEL", "UNCHANGED")]
    stage.proven()


def test_a_lost_mark_costs_only_the_early_release(stage: Stage) -> None:
    show = stage.show()
    regretted = stage.book(show, "A1")
    between = stage.book(show, "A1", user=stage.bob)
    stage.cancel(regretted)
    stage.stores.client.delete(keys.withdrawn(show % 4))

    stage.drain(show)

    assert outcomes(stage, regretted) == [("BOOK", "CONFIRMED"), ("CANCEL", "CANCELLED")]
    assert stage.booking(between).reason is Reason.SEAT_TAKEN
    stage.proven()


@pytest.mark.parametrize("between", [0, 3])
def test_a_queued_booking_is_cancelled_over_http(stage: Stage, alice: Buyer, between: int) -> None:
    show = stage.show()
    id_ = answered(alice.book(show, "A1", key="k"), 202)["id"]
    for number in range(between):
        stage.book(show, f"A{number + 2}")
    waiting = answered(alice.cancel(id_), 202)
    assert (waiting["stage"], waiting["pending_operation"]["kind"]) == ("QUEUED", "CANCEL")

    stage.drain(show)

    assert answered(alice.get(id_), 200)["status"] == "CANCELLED"
    assert answered(alice.cancel(id_), 200)["status"] == "CANCELLED"
    assert answered(alice.book(show, "A1", key="k"), 200)["status"] == "CANCELLED"
    assert stage.counters(show) == (0, between)


def test_a_mark_left_by_an_older_worker_is_removed_once_the_lane_is_empty(stage: Stage) -> None:
    """Its finish.lua knows no marks: after a rolling upgrade each batch would read them for ever."""
    show = stage.show()
    stage.stores.client.hset(keys.withdrawn(show % 4), uuid4().hex, "1-1")
    regretted = stage.book(show, "A1")
    stage.limit(batch=1)
    stage.cancel(regretted)

    stage.drain(show)
    assert len(marks(stage, show)) == 1, "the lane has entries: what is marked may be among them"
    stage.drain(show)

    assert marks(stage, show) == set()
