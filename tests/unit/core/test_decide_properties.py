"""decide on random operations: capacity, all or nothing, order, limits, determinism; a reference model agrees."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from hypothesis import given, settings

from core.bookings import Booking, Decision, Outcome, Status, Verdict
from core.journal import JournalRow, Replay
from core.operations import (
    Book,
    Cancel,
    ChangeShow,
    Confirm,
    Expire,
    Extend,
    Operation,
    Release,
    dump,
    kind_of,
    load,
)
from core.shows import Show
from core.waiting import offers_of
from tests.support.lane import EXTENSION, HOLD, SHOW, STARTS, Lane
from tests.support.reference import Reference
from tests.support.steps import STEPS, operations

#: The reference model's name for a booking's state and outcome.
NAMES = {Status.PENDING: "HELD"}
VERDICTS = {"withdrawn": Verdict.WITHDRAWN, "overdue": Verdict.OVERDUE}


class Played:
    """A lane that has decided some steps, and all its decisions."""

    def __init__(self, steps: list[Any], **hall: int) -> None:
        self.lane = Lane(**hall)
        self.decisions: list[Decision] = []
        self.priced: set[UUID] = set()
        self.reference = Reference(
            {label: seat.category for label, seat in self.lane.state.show.hall.seats.items()},
            limit=self.lane.state.show.settings.seats_per_user,
            hold_ms=HOLD,
            prices=dict(self.lane.state.show.settings.prices),
            extension_ms=EXTENSION,
            chosen=lambda id_: self.lane.state.bookings[id_].seats,
        )
        self._decided_ms = 0
        for (operation, after, verdict), (_, _, _, delay) in zip(operations(steps), steps, strict=False):
            self.lane.now = min(self.lane.now + after, STARTS - 1)
            self._decide(operation, delay, verdict)

    def _decide(self, operation: Operation, delay: int, verdict: Verdict | None) -> None:
        lane, before = self.lane, {id_: (b.status, b.version) for id_, b in self.lane.state.bookings.items()}
        self._decided_ms = max(self._decided_ms, lane.now + delay)
        made = lane.take(operation, self._decided_ms, verdict)
        self.decisions += made
        self._tell_reference(operation, verdict)
        check_state(lane)
        check_versions(lane, before, made)
        told = {id_: (kept.state, kept.reason) for id_, kept in self.reference.bookings.items()}
        assert told == {id_: said(booking) for id_, booking in lane.state.bookings.items()}
        for id_, kept in self.reference.bookings.items():
            booking = lane.state.bookings[id_]
            assert (booking.seats, booking.expires_ms or 0) == (
                kept.seats,
                kept.deadline_ms if booking.expires_ms else 0,
            )
            if booking.seat_prices_cents:
                assert booking.amount_cents == sum(booking.seat_prices_cents)
            if booking.id in self.priced:
                assert booking.amount_cents == kept.amount
                assert booking.wish_granted == kept.granted

    def _tell_reference(self, operation: Operation, verdict: Verdict | None) -> None:
        reference, now = self.reference, self.lane.now
        match operation:
            case Book():
                self.priced |= {operation.booking_id} if operation.rules else set()
                chosen = self.lane.state.bookings[operation.booking_id].seats
                given_up = {name: verdict is known for name, known in VERDICTS.items()}
                reference.book(operation, now, self._decided_ms, chosen, **given_up)
            case Confirm() | Cancel() | Extend() | Release():
                booking = self.lane.state.bookings.get(operation.booking_id)
                if booking is not None and booking.user_id == operation.user_id:
                    self._tell_change(operation, now)
            case Expire():
                reference.expire(now, operation.limit)
            case ChangeShow():
                changes = operation.changes
                reference.change(
                    limit=changes.get("seats_per_user"), state=changes.get("state"), prices=changes.get("prices")
                )
        if not isinstance(operation, Book):
            reference.offer(now, self._decided_ms, offers_of(operation))

    def _tell_change(self, operation: Confirm | Cancel | Extend | Release, now: int) -> None:
        reference, id_ = self.reference, operation.booking_id
        match operation:
            case Confirm():
                reference.confirm(id_, now)
            case Cancel():
                reference.cancel(id_, now)
            case Extend():
                reference.extend(id_, now)
            case Release():
                reference.release(id_, operation.seats, now)


def said(booking: Booking) -> tuple[str, str | None]:
    return NAMES.get(booking.status, booking.status.value), booking.reason.value if booking.reason else None


def check_state(lane: Lane) -> None:
    """Check capacity (one owner per seat, correct counters) and all-or-nothing (every requested seat, or none)."""
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
    assert 0 <= state.held + state.sold <= state.show.hall.capacity
    waiting = [b.waiting_number for b in state.bookings.values() if b.status is Status.WAITING]
    assert waiting == sorted(waiting) == [b.waiting_number for b in state.waiting]
    assert state.waiting.count == len(waiting)


def check_versions(lane: Lane, before: dict[UUID, tuple[Status, int]], made: list[Decision]) -> None:
    """Check that each decision about a booking increments its version, final states stay, and parts are counted."""
    for id_, (status, version) in before.items():
        booking = lane.state.bookings[id_]
        about = [decision for decision in made if decision.booking_id == id_ and decision.changes]
        assert booking.version == version + len(about)
        if status in (Status.FAILED, Status.CANCELLED):
            assert booking.status is status
        elif status is Status.CONFIRMED:
            assert booking.status in (Status.CONFIRMED, Status.CANCELLED)
    effects = [decision.part for decision in made if decision.part]
    assert effects == [*range(1, len(effects) + 1)]
    assert len(made) - len(effects) == bool(made)


@settings(max_examples=100, deadline=None)
@given(STEPS)
def test_whatever_happens_decide_and_the_reference_agree(steps: list[Any]) -> None:
    Played(steps)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_the_same_operations_give_the_same_decisions_and_the_journal_replays(steps: list[Any]) -> None:
    played, again = Played(steps), Played(steps)

    assert [(d.part, d.outcome, d.reason, d.changes) for d in played.decisions] == [
        (d.part, d.outcome, d.reason, d.changes) for d in again.decisions
    ]
    replay = replayed(played.decisions)
    assert replay.violations == []
    if played.decisions:
        assert replay.states[SHOW].bookings == played.lane.state.bookings
        assert replay.states[SHOW].show.settings == played.lane.state.show.settings


def replayed(decisions: list[Decision], **hall: int) -> Replay:
    """Replay these decisions as the journal would hold them."""
    fresh = Lane(**hall).state.show
    replay = Replay(0, lambda _: Show(SHOW, fresh.hall, fresh.settings))
    for seq, decision in enumerate(decisions, 1):
        replay.feed(
            JournalRow(
                lane=0,
                seq=seq,
                epoch="e",
                id=decision.entry.id,
                part=decision.part,
                kind=decision.kind.value,
                show_id=SHOW,
                booking_id=decision.booking_id,
                outcome=decision.outcome.value,
                reason=decision.reason.value if decision.reason else None,
                operation=json.loads(decision.entry.payload),
                decision=decision.changes,
                decided_ms=decision.decided_ms,
            )
        )
    replay.end()
    return replay


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_first_come_first_served(steps: list[Any]) -> None:
    """If a named seat is refused, a live booking owned one of the requested seats at that moment."""
    played = Played(steps)
    taken: dict[str, UUID] = {}
    for decision in played.decisions:
        operation = decision.entry.operation
        if decision.outcome in (Outcome.HELD, Outcome.OFFERED, Outcome.CONFIRMED) and decision.booking_id:
            taken.update(dict.fromkeys(decision.changes["seats"], decision.booking_id))
        elif decision.outcome in (Outcome.EXPIRED, Outcome.CANCELLED):
            taken = {seat: owner for seat, owner in taken.items() if owner != decision.booking_id}
        elif decision.outcome is Outcome.RELEASED:
            taken = {
                seat: owner
                for seat, owner in taken.items()
                if owner != decision.booking_id or seat in decision.changes["seats"]
            }
        elif decision.outcome is Outcome.FAILED and decision.reason == "SEAT_TAKEN":
            assert isinstance(operation, Book)
            assert set(operation.ranked[-1].seats) & taken.keys()


@given(STEPS)
@settings(max_examples=60, deadline=None)
def test_what_is_written_to_the_lane_is_read_again(steps: list[Any]) -> None:
    for operation, _, _ in operations(steps):
        again = load(dump(operation, request_id="r"))
        assert again == operation
        assert kind_of(again) is kind_of(operation)
