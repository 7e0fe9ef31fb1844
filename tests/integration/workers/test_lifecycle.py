"""Random sequences of operations on bookings, on real Redis and Postgres, compared with a reference.

Hypothesis generates the steps. Operations queue in the lane until it chooses a drain, so most are decided several
steps after they were accepted, and several in one batch. To let time pass, the clock that Redis's scripts read is
set ahead.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from core import ids
from core.bookings import Booking, Status
from core.operations import RULES, Book, Cancel, ChangeShow, Confirm, Expire, Extend, Operation, Release, StreamId
from core.waiting import offers_of
from core.wishes import Wish
from db.kv import keys
from db.kv.admission import AcceptReply
from db.postgres import bookings
from db.postgres.engine import transaction
from proof.kit import clock
from proof.kit.shows import HOUR_MS
from tests.support.reference import Reference
from tests.support.stage import Stage

LIMIT, HOLD_MS = 4, 2 * HOUR_MS
SEATS = ["A1", "A2", "A3", "B1", "B2", "B3"]
REFUSALS = {"PAUSED", "CLOSED", "SOLD_OUT", "LIMIT_REACHED"}
#: Replies of accept.lua to a Confirm or Cancel of a known booking.
KNOWN = {"ACCEPTED", "SAME"}
#: The public status, where it has another name.
PUBLISHED = {Status.WAITING: "PENDING"}

#: Seats by name; or adjacent, in a range of prices.
WISHES = st.one_of(
    st.lists(st.sampled_from(SEATS), min_size=1, max_size=3, unique=True).map(lambda seats: Wish(seats=tuple(seats))),
    st.builds(
        Wish,
        quantity=st.integers(1, 3),
        together=st.booleans(),
        min_price_cents=st.sampled_from([0, 1001]),
        max_price_cents=st.sampled_from([None, 1000]),
    ),
)

_keys = itertools.count(1)


class Lifecycle(RuleBasedStateMachine):
    """One show of six seats, three users, and one lane that only the step `drain` drains."""

    def __init__(self, stage: Stage, seen: set[str]) -> None:
        super().__init__()
        self.stage, self.seen = stage, seen
        self.users = [UUID(int=number) for number in (1, 2, 3)]
        self.books: list[Book] = []
        self.waiting: list[tuple[Operation, StreamId, int]] = []
        self.recorded: dict[UUID, Booking] = {}

    @initialize()
    def open_show(self) -> None:
        later = int(time.time() * 1000) + 10_000 * HOUR_MS
        self.show = self.stage.show(
            rows=2, seats=3, premium=1, seats_per_user=LIMIT, hold_ms=HOLD_MS, sales_close_ms=later, starts_ms=later,
            hold_extension_ms=HOUR_MS,
        )  # fmt: skip
        categories = {seat: "premium" if seat.startswith("A") else "standard" for seat in SEATS}
        prices = {"standard": 1000, "premium": 1500}
        self.reference = Reference(
            categories, limit=LIMIT, hold_ms=HOLD_MS, prices=prices, extension_ms=HOUR_MS, chosen=self._granted
        )
        self.lane = self.show % self.stage.stores.settings.lanes

    # -- what users do ----------------------------------------------------------------------------------

    @rule(
        user=st.integers(0, 2),
        seats=st.lists(st.sampled_from(SEATS), min_size=1, max_size=3, unique=True),
        hold=st.booleans(),
        waiting=st.booleans(),
    )
    def book(self, user: int, seats: list[str], hold: bool, waiting: bool) -> None:
        self._book(user, seats=tuple(sorted(seats)), hold=hold, waiting=waiting)

    @rule(
        user=st.integers(0, 2),
        quantity=st.integers(1, 4),
        category=st.sampled_from([None, "premium", "standard"]),
        hold=st.booleans(),
        waiting=st.booleans(),
    )
    def book_the_best(self, user: int, quantity: int, category: str | None, hold: bool, waiting: bool) -> None:
        self._book(user, quantity=quantity, category=category, hold=hold, waiting=waiting)

    @rule(user=st.integers(0, 2), wishes=st.lists(WISHES, min_size=1, max_size=3), waiting=st.booleans())
    def wish(self, user: int, wishes: list[Wish], waiting: bool) -> None:
        self._book(user, wishes=tuple(wishes), waiting=waiting)

    @precondition(lambda self: self.books)
    @rule(pick=st.integers(0, 50))
    def repeat(self, pick: int) -> None:
        """Repeat a key: it names the same booking, and nothing is added to the lane."""
        before = self.stage.stores.client.xlen(keys.lane(self.lane))
        answer = self.stage.accept(self.books[pick % len(self.books)])

        assert answer.code == "SAME"
        assert self.stage.stores.client.xlen(keys.lane(self.lane)) == before

    @precondition(lambda self: self.books)
    @rule(pick=st.integers(0, 50), kind=st.sampled_from([Confirm, Cancel, Extend]))
    def change_mind(self, pick: int, kind: Callable[..., Confirm | Cancel | Extend]) -> None:
        book = self.books[pick % len(self.books)]
        operation = kind(booking_id=book.booking_id, show_id=self.show, user_id=book.user_id)
        answer = self._accept(operation)
        assert answer.code in KNOWN
        if answer.code == "SAME" and not self._undecided(type(operation), book.booking_id):
            assert self.reference.bookings[book.booking_id].state in ("CONFIRMED", "FAILED", "CANCELLED")

    @precondition(lambda self: self.books)
    @rule(pick=st.integers(0, 50), seats=st.sampled_from([SEATS[:1], SEATS[1:3], SEATS[2:], SEATS]))
    def release(self, pick: int, seats: list[str]) -> None:
        """Give some seats back, often ones that the booking has; a queued booking has none."""
        several = [book for book in self.books if self._several(book.booking_id)] or self.books
        book = several[pick % len(several)]
        known = self.recorded.get(book.booking_id)
        own = known.seats[:1] if known and known.live else tuple(seat for seat in book.named if seat in seats)
        named = {"user_id": book.user_id, "seats": own or tuple(seats)}
        answer = self._accept(Release(booking_id=book.booking_id, show_id=self.show, **named))
        queued = any(operation is book for operation, *_ in self.waiting)
        assert answer.code == "QUEUED" if queued else answer.code in KNOWN

    @precondition(lambda self: self.books)
    @rule(pick=st.integers(0, 50), kind=st.sampled_from([Confirm, Cancel]))
    def meddle(self, pick: int, kind: Callable[..., Confirm | Cancel]) -> None:
        """Try to change another user's booking: it is not found."""
        book = self.books[pick % len(self.books)]
        answer = self.stage.accept(kind(booking_id=book.booking_id, show_id=self.show, user_id=UUID(int=9)))
        assert answer.code == "NO_STATUS"

    # -- what workers and administrators do -------------------------------------------------------------

    @rule()
    def expire(self) -> None:
        self._accept(Expire(show_id=self.show, limit=2))

    @rule(limit=st.integers(1, 6))
    def change_limit(self, limit: int) -> None:
        self._accept(ChangeShow(show_id=self.show, changes={"seats_per_user": limit}))

    @rule(state=st.sampled_from(["PAUSED", "ON_SALE", "ON_SALE"]))
    def pause_or_resume(self, state: str) -> None:
        self._accept(ChangeShow(show_id=self.show, changes={"state": state}))

    @precondition(lambda self: len(self.books) > 8)
    @rule()
    def close(self) -> None:
        self._accept(ChangeShow(show_id=self.show, changes={"state": "CLOSED"}))

    @precondition(lambda self: self.books)
    @rule(hours=st.sampled_from([1, 2, 3]))
    def let_time_pass(self, hours: int) -> None:
        # Never set back, not even between examples: they use the same lanes, whose time only increases.
        clock.set_ahead(self.stage.stores.client, self._ahead_ms() + hours * HOUR_MS)

    @rule()
    def drain(self) -> None:
        """Decide everything that waits, here and in the reference, and compare the results."""
        self.stage.drain(self.show)
        with transaction(self.stage.stores.engine) as connection:
            self.recorded = {b.id: b for b in bookings.by_ids(connection, [book.booking_id for book in self.books])}
        for operation, entry, accepted_ms in self.waiting:
            self._apply_to_reference(operation, accepted_ms, self.stage.decided_ms(self.lane, entry))
        self.waiting.clear()
        assert {id_: in_references_form(booking) for id_, booking in self.recorded.items()} == {
            id_: (kept.state, kept.reason, kept.seats, kept.amount if kept.seats else 0)
            for id_, kept in self.reference.bookings.items()
        }
        self._compare_published(self.recorded)

    def teardown(self) -> None:
        """Decide what is left, and verify the database."""
        if hasattr(self, "show"):
            self.drain()
            self.stage.proven()
            self.seen |= self.stage.outcomes(self.show)

    # -- steps ------------------------------------------------------------------------------------------

    def _book(self, user: int, **asked: Any) -> None:
        user_id = self.users[user]
        operation = Book(
            booking_id=ids.booking_id(b"k" * 32, self.show, user_id, f"life {next(_keys)}"),
            show_id=self.show,
            user_id=user_id,
            fingerprint=repr(asked),
            rules=RULES,
            **asked,
        )
        answer = self._accept(operation)
        if answer.code == "ACCEPTED":
            self.books.append(operation)
        else:
            assert answer.code in REFUSALS
            assert answer.status == {} or answer.stale
        if answer.code == "LIMIT_REACHED" and not self.waiting:
            assert self.reference.seats_of(user_id, 0) + operation.fewest > self.reference.limit

    def _accept(self, operation: Operation) -> AcceptReply:
        answer = self.stage.accept(operation)
        if answer.code == "ACCEPTED":
            entry = StreamId.parse(answer.entry_id)
            self.waiting.append((operation, entry, entry.ms + self._ahead_ms()))
        return answer

    def _ahead_ms(self) -> int:
        return int(self.stage.stores.client.get(clock.AHEAD) or 0)

    def _several(self, id_: UUID) -> bool:
        return id_ in self.recorded and self.recorded[id_].live and len(self.recorded[id_].seats) > 1

    def _undecided(self, kind: type[Operation], id_: UUID) -> bool:
        return any(isinstance(each, kind) and each.booking_id == id_ for each, *_ in self.waiting)

    def _apply_to_reference(self, operation: Operation, at_ms: int, decided_ms: int) -> None:
        reference = self.reference
        match operation:
            case Book(booking_id=id_):
                withdrawn = self._undecided(Cancel, id_)
                reference.book(operation, at_ms, decided_ms, self._granted(id_), withdrawn=withdrawn)
            case Confirm(booking_id=id_):
                reference.confirm(id_, at_ms)
            case Cancel(booking_id=id_):
                reference.cancel(id_, at_ms)
            case Extend(booking_id=id_):
                reference.extend(id_, at_ms)
            case Release(booking_id=id_, seats=seats):
                reference.release(id_, seats, at_ms)
            case Expire(limit=limit):
                reference.expire(at_ms, limit)
            case ChangeShow(changes=changes):
                reference.change(limit=changes.get("seats_per_user"), state=changes.get("state"))

        if not isinstance(operation, Book):
            reference.offer(at_ms, decided_ms, offers_of(operation))

    def _granted(self, id_: UUID) -> tuple[str, ...]:
        """Return the seats that a booking was given, also those that it has given back since."""
        booking = self.recorded[id_]
        return tuple(sorted((*booking.seats, *booking.released)))

    def _compare_published(self, recorded: dict[UUID, Booking]) -> None:
        for id_, booking in recorded.items():
            body = self.stage.status(id_)
            assert (body["version"], body["status"]) == (
                booking.version,
                PUBLISHED.get(booking.status, booking.status.value),
            )
        live = [booking for booking in recorded.values() if booking.live]
        held = sum(len(booking.seats) for booking in live if booking.status is Status.PENDING)
        assert self.stage.counters(self.show) == (held, sum(len(booking.seats) for booking in live) - held)


def in_references_form(booking: Booking) -> tuple[str, str | None, tuple[str, ...], int]:
    """Return a booking in the reference's form: state, reason, seats, amount."""
    state = "HELD" if booking.status is Status.PENDING else booking.status.value
    return state, booking.reason.value if booking.reason else None, booking.seats, booking.amount_cents


def test_bookings_agree_with_the_reference_after_any_operations(stage: Stage) -> None:
    seen: set[str] = set()
    with clock.settable():
        run_state_machine_as_test(
            lambda: Lifecycle(stage, seen),
            settings=settings(
                max_examples=25,
                stateful_step_count=30,
                deadline=None,
                derandomize=True,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            ),
        )
    # They are the operations that this test is for.
    assert seen >= {"WAITING", "OFFERED", "HELD", "EXPIRED", "CANCELLED", "EXTENDED", "FAILED"}
