"""A booking: its states, the reasons of failures and refusals, and the outcome of one decision about it.

PENDING has three stages: QUEUED (accepted, waiting in its lane), WAITING (in its show's waiting list, without seats)
and HELD (seats kept until a deadline).
FAILED and CANCELLED are final; CONFIRMED can only become CANCELLED. docs/lifecycle.md draws the edges.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from core.operations import Entry, Kind


class Status(StrEnum):
    """The states. Clients see WAITING as the stage of a PENDING booking."""

    PENDING = "PENDING"
    WAITING = "WAITING"
    CONFIRMED = "CONFIRMED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class Stage(StrEnum):
    """The stages of a PENDING booking."""

    QUEUED = "QUEUED"
    HELD = "HELD"
    WAITING = "WAITING"


class Reason(StrEnum):
    """The reason why a booking FAILED or was CANCELLED with its show, or why an operation on it was refused."""

    SEAT_TAKEN = "SEAT_TAKEN"
    SOLD_OUT = "SOLD_OUT"
    NO_SUCH_SEAT = "NO_SUCH_SEAT"
    NO_SUCH_CATEGORY = "NO_SUCH_CATEGORY"
    NOT_TOGETHER = "NOT_TOGETHER"
    PRICE_CHANGED = "PRICE_CHANGED"
    LIMIT_REACHED = "LIMIT_REACHED"
    WAITING_LIST_FULL = "WAITING_LIST_FULL"
    NOT_OFFERED = "NOT_OFFERED"
    HOLD_EXPIRED = "HOLD_EXPIRED"
    EXPIRED_IN_QUEUE = "EXPIRED_IN_QUEUE"
    SHOW_CLOSED = "SHOW_CLOSED"
    SHOW_CANCELLED = "SHOW_CANCELLED"
    SHOW_STARTED = "SHOW_STARTED"
    ALREADY_FINAL = "ALREADY_FINAL"
    EXTENSION_NOT_ALLOWED = "EXTENSION_NOT_ALLOWED"
    NO_SUCH_BOOKING = "NO_SUCH_BOOKING"
    NO_SUCH_SHOW = "NO_SUCH_SHOW"
    SALES_WINDOW = "SALES_WINDOW"
    INTERNAL = "INTERNAL"


class Outcome(StrEnum):
    """The effect of one decision. The first seven name the booking's new state; the others leave it as it is.

    OFFERED: a booking of the waiting list has become a hold.   EXTENDED: a hold has a later deadline.
    RELEASED: some of the booking's seats are free again.
    """

    HELD = "HELD"
    WAITING = "WAITING"
    OFFERED = "OFFERED"
    CONFIRMED = "CONFIRMED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"
    EXTENDED = "EXTENDED"
    RELEASED = "RELEASED"
    UNCHANGED = "UNCHANGED"
    REFUSED = "REFUSED"
    DONE = "DONE"


class Verdict(StrEnum):
    """A worker's reason to give a queued Book no seats, apart from the Book itself and its show's state.

    The replay derives it from the recorded outcome (core/journal.py).
    """

    #: Its Cancel is in the lane too: the Book is CANCELLED.
    WITHDRAWN = "WITHDRAWN"
    #: It has waited for longer than FAIL_PENDING_AFTER_S: it is FAILED with EXPIRED_IN_QUEUE.
    OVERDUE = "OVERDUE"


#: The stage of a decided booking that clients see as PENDING.
STAGES = {Status.PENDING: Stage.HELD, Status.WAITING: Stage.WAITING}
LIVE = frozenset({Status.PENDING, Status.CONFIRMED})

#: By operation, the published statuses that already answer it: nothing is added to the lane.
SETTLED = {
    Kind.CONFIRM: frozenset({Status.CONFIRMED, Status.FAILED, Status.CANCELLED}),
    Kind.CANCEL: frozenset({Status.FAILED, Status.CANCELLED}),
    Kind.EXTEND: frozenset({Status.CONFIRMED, Status.FAILED, Status.CANCELLED}),
    Kind.RELEASE: frozenset({Status.FAILED, Status.CANCELLED}),
}


@dataclass(slots=True)
class Booking:
    """The current state of a decided booking: a row of `bookings`. Times are milliseconds, UTC."""

    id: UUID
    show_id: int
    user_id: UUID
    status: Status
    reason: Reason | None
    fingerprint: str
    seats: tuple[str, ...]
    amount_cents: int
    version: int
    last_operation: dict[str, Any]
    accepted_ms: int
    decided_ms: int
    expires_ms: int | None = None
    confirmed_ms: int | None = None
    #: The booking that has replaced this FAILED one (core/decide_book.py).
    replaced_by: UUID | None = None
    #: What each of its seats cost when it was granted, in their order; empty if an older edition of the rules granted
    #: it, and nothing has been released of it since.
    seat_prices_cents: tuple[int, ...] = ()
    #: The seats that it has given back by Releases, in that order.
    released: tuple[str, ...] = ()
    #: Whether its hold has been extended.
    extended: bool = False
    #: Its number in the show's waiting list, and what it waits for (core/waiting.py), also after it has left.
    waiting_number: int | None = None
    wish: dict[str, Any] | None = None
    #: Which of its Book's wishes was granted, and whether its seats are not all adjacent; None: it has got no seats,
    #: or got them by an older edition of the rules.
    wish_granted: int | None = None
    apart: bool | None = None

    @property
    def live(self) -> bool:
        """Return whether the booking owns seats."""
        return self.status in LIVE

    def lapsed(self, at_ms: int) -> bool:
        """Return whether it is a hold whose deadline has passed at `at_ms`: its seats are free for others then."""
        return self.status is Status.PENDING and self.expires_ms is not None and self.expires_ms <= at_ms


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome of one operation (part 0), or of an expiry that it caused (part 1, 2, ...).

    `changes` is stored in the journal: for a booking its version, seats, amount and deadline after the decision;
    for a show its settings.
    """

    entry: Entry
    part: int
    kind: Kind
    show_id: int
    booking_id: UUID | None
    outcome: Outcome
    reason: Reason | None
    decided_ms: int
    changes: dict[str, Any]
