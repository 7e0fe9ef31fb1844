"""A show that is closed with its bookings: they are cancelled a batch at a time."""

from __future__ import annotations

from core.bookings import Reason, Status
from core.operations import ChangeShow, Expire
from tests.support.lane import BOB, SHOW, Lane
from tests.support.steps import CAROL


def test_closing_a_show_with_its_bookings_cancels_them_a_batch_at_a_time() -> None:
    lane = Lane(rows=1, seats=3)
    ids = [lane.book("A1"), lane.book("A2", user=BOB, hold=True), lane.book("A3", user=CAROL)]
    lane.take(ChangeShow(show_id=SHOW, changes={"state": "CLOSED", "cancelled": True}))

    first = lane.take(Expire(show_id=SHOW, limit=2))
    lane.take(Expire(show_id=SHOW, limit=2))

    assert first[-1].changes == {"expired": 0, "cancelled": 2}
    assert [lane.status(id_) for id_ in ids] == [(Status.CANCELLED, Reason.SHOW_CANCELLED)] * 3
    assert lane.counted() == (0, 0)
    assert lane.confirm(ids[1], BOB).reason is Reason.SHOW_CANCELLED
    assert lane.cancel(ids[0]).outcome == "UNCHANGED"
    assert lane.status(lane.book("A1")) == (Status.FAILED, Reason.SHOW_CLOSED)


def test_a_closed_show_can_still_be_cancelled_once() -> None:
    lane = Lane(rows=1, seats=1)
    id_ = lane.book("A1")
    lane.take(ChangeShow(show_id=SHOW, changes={"state": "CLOSED"}))
    lane.take(Expire(show_id=SHOW, limit=5))
    assert lane.status(id_) == (Status.CONFIRMED, None)
    cancels = ChangeShow(show_id=SHOW, changes={"state": "CLOSED", "cancelled": True})

    assert [decision.outcome for decision in lane.take(cancels)] == ["DONE"]
    assert [decision.outcome for decision in lane.take(cancels)] == ["REFUSED"]
    lane.take(Expire(show_id=SHOW, limit=5))
    assert lane.status(id_) == (Status.CANCELLED, Reason.SHOW_CANCELLED)
