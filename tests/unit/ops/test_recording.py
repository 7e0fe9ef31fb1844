"""A recorded sale: made from the journal's rows without personal data, written, read again, refused where corrupt."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid4

import pytest

from core.ids import booking_id
from core.journal import JournalRow
from core.operations import (
    Book,
    Cancel,
    ChangeShow,
    Confirm,
    Expire,
    Extend,
    Operation,
    Release,
    StreamId,
    dump,
    kind_of,
)
from ops.rehearse import recording as recordings
from ops.rehearse.recorder import NothingToRecord, Recorder, record
from ops.rehearse.recording import Arrival, Header, Recording, UnreadableRecording, parse

SHOW = 7
ALICE, BOB = UUID(int=0xA11CE), UUID(int=0xB0B)
FIRST_MS = 1_700_000_000_000
HELD = {"status": "PENDING", "seats": ["A2"]}


class Journal:
    """Rows of one show's decisions, written in order."""

    def __init__(self) -> None:
        self.rows: list[JournalRow] = []

    def add(self, ms: int, operation: Operation, outcome: str, **more: Any) -> None:
        """Add a decision of an operation that was accepted `ms` after the first."""
        decision = {name: more[name] for name in ("status", "seats") if name in more}
        payload = json.loads(dump(operation, request_id="secret-request"))
        self.rows.append(
            JournalRow(
                lane=SHOW,
                seq=len(self.rows) + 1,
                epoch="e",
                id=StreamId(FIRST_MS + ms, len(self.rows)),
                part=more.get("part", 0),
                kind="EXPIRE" if more.get("part") else kind_of(operation).value,
                show_id=SHOW,
                booking_id=more.get("booking", operation.booking_id),
                outcome=outcome,
                reason=more.get("reason"),
                operation=payload | more.get("payload", {}),
                decision=decision,
                decided_ms=FIRST_MS + ms + 5,
            )
        )

    def record(self, **period: int) -> Recording:
        return record(self.rows, SHOW, 12, Recorder(**period))


def book(user: UUID = ALICE, **more: Any) -> Book:
    id_ = booking_id(b"k" * 32, SHOW, user, str(uuid4()))
    return Book(booking_id=id_, show_id=SHOW, user_id=user, fingerprint="a fingerprint", **more)


def confirm(operation: Book) -> Confirm:
    return Confirm(booking_id=operation.booking_id, show_id=SHOW, user_id=operation.user_id)


def cancel(operation: Book) -> Cancel:
    return Cancel(booking_id=operation.booking_id, show_id=SHOW, user_id=operation.user_id)


def sale() -> Journal:
    """Alice holds two seats and confirms; Bob's request for one of them fails; his second booking lapses."""
    journal = Journal()
    held, lost = book(seats=("A1", "A2"), hold=True), book(BOB, seats=("A1",))
    lapsed, given_back = book(BOB, quantity=1, category="premium", hold=True), book(quantity=3)
    journal.add(0, held, "HELD", status="PENDING", seats=["A1", "A2"])
    journal.add(40, lost, "FAILED", status="FAILED", seats=[], reason="SEAT_TAKEN")
    journal.add(90, lapsed, "HELD", status="PENDING", seats=["B1"])
    journal.add(100, ChangeShow(show_id=SHOW, changes={"seats_per_user": 3}), "DONE")
    journal.add(5_000, confirm(held), "CONFIRMED", status="CONFIRMED", seats=["A1", "A2"])
    journal.add(6_000, given_back, "CONFIRMED", status="CONFIRMED", seats=["B2", "B3", "B4"])
    expiry = {"status": "FAILED", "seats": ["B1"], "reason": "HOLD_EXPIRED", "booking": lapsed.booking_id}
    journal.add(130_000, Expire(show_id=SHOW, limit=9), "EXPIRED", part=1, **expiry)
    journal.add(130_000, Expire(show_id=SHOW, limit=9), "DONE")
    journal.add(131_000, cancel(given_back), "CANCELLED", status="CANCELLED", seats=["B2", "B3", "B4"])
    return journal


def test_a_sale_is_recorded_with_its_times_wishes_and_outcomes() -> None:
    recording = sale().record()

    assert recording.header == Header(show=SHOW, capacity=12, arrivals=6, buyers=2, sold=2, left_out=1)
    assert recording.arrivals == (
        Arrival(0, "BOOK", 1, 1, {"seats": ["A1", "A2"], "hold": True}, "CONFIRMED"),
        Arrival(40, "BOOK", 2, 2, {"seats": ["A1"]}, "FAILED SEAT_TAKEN"),
        Arrival(90, "BOOK", 3, 2, {"quantity": 1, "category": "premium", "hold": True}, "FAILED HOLD_EXPIRED"),
        Arrival(5_000, "CONFIRM", 1),
        Arrival(6_000, "BOOK", 4, 1, {"quantity": 3}, "CANCELLED"),
        Arrival(131_000, "CANCEL", 4),
    )
    assert (recording.span_ms, recording.bookings) == (131_000, 4)


def test_nothing_in_the_file_says_who_it_was() -> None:
    journal = sale()

    text = "".join(recordings.dump(journal.record()))

    ids = [str(row.booking_id) for row in journal.rows if row.booking_id]
    for secret in (str(ALICE), str(BOB), "a fingerprint", "secret-request", str(FIRST_MS), *ids):
        assert secret not in text


def test_what_is_written_is_read_again() -> None:
    recording = sale().record()

    assert parse(recordings.dump(recording)) == recording


def test_a_period_leaves_out_what_belongs_to_earlier_bookings_and_knows_no_later_outcome() -> None:
    recording = sale().record(begin_ms=FIRST_MS + 50, end_ms=FIRST_MS + 100_000)

    assert [(arrival.at_ms, arrival.booking, arrival.outcome) for arrival in recording.arrivals] == [
        (0, 1, "HELD"),
        (5_910, 2, "CONFIRMED"),
    ]
    assert (recording.header.sold, recording.header.left_out) == (3, 2)


def test_the_accepted_time_counts_and_never_goes_back() -> None:
    journal = Journal()
    journal.add(9_000, book(quantity=1), "CONFIRMED", payload={"accepted_ms": FIRST_MS})
    journal.add(9_000, book(quantity=1), "CONFIRMED", payload={"accepted_ms": FIRST_MS - 70})
    journal.add(9_000, book(quantity=1), "CONFIRMED", payload={"accepted_ms": FIRST_MS + 30})

    recording = journal.record()

    assert [arrival.at_ms for arrival in recording.arrivals] == [0, 0, 30]
    assert all("accepted_ms" not in arrival.fields for arrival in recording.arrivals)


def test_a_refused_confirm_does_not_change_why_a_booking_failed() -> None:
    journal = Journal()
    failed = book(quantity=1)
    journal.add(0, failed, "FAILED", status="FAILED", seats=[], reason="SOLD_OUT")
    journal.add(9, confirm(failed), "REFUSED", status="FAILED", seats=[], reason="ALREADY_FINAL")

    assert journal.record().arrivals[0].outcome == "FAILED SOLD_OUT"


def test_extensions_partial_releases_and_the_waiting_list_are_recorded() -> None:
    journal = Journal()
    held, waits = book(seats=("A1", "A2"), hold=True, rules=1), book(BOB, quantity=1, waiting=True)
    left = book(BOB, quantity=2, waiting=True)
    change = {"booking_id": held.booking_id, "show_id": SHOW, "user_id": ALICE}
    journal.add(0, held, "HELD", status="PENDING", seats=["A1", "A2"])
    journal.add(1, waits, "WAITING", status="PENDING", seats=[])
    journal.add(2, left, "WAITING", status="PENDING", seats=[])
    journal.add(3, Extend(**change), "EXTENDED", status="PENDING", seats=["A1", "A2"])
    journal.add(4, Release(**change, seats=("A2",)), "RELEASED", status="PENDING", seats=["A1"])
    journal.add(4, Release(**change, seats=("A2",)), "OFFERED", part=1, booking=waits.booking_id, **HELD)
    journal.add(9, confirm(held), "CONFIRMED", status="CONFIRMED", seats=["A1"])

    recording = journal.record()

    assert recording.arrivals == (
        Arrival(0, "BOOK", 1, 1, {"seats": ["A1", "A2"], "hold": True}, "CONFIRMED"),
        Arrival(1, "BOOK", 2, 2, {"quantity": 1, "waiting": True}, "HELD"),
        Arrival(2, "BOOK", 3, 2, {"quantity": 2, "waiting": True}, "WAITING"),
        Arrival(3, "EXTEND", 1),
        Arrival(4, "RELEASE", 1, fields={"seats": ["A2"]}),
        Arrival(9, "CONFIRM", 1),
    )
    assert (recording.header.sold, recording.header.left_out) == (1, 0)
    assert parse(recordings.dump(recording)) == recording


def test_a_show_without_requests_is_nothing_to_record() -> None:
    with pytest.raises(NothingToRecord):
        Journal().record()
    with pytest.raises(NothingToRecord):
        sale().record(end_ms=FIRST_MS)


HEADER = {"onsale_record": 1, "show": 7, "capacity": 12, "arrivals": 2, "buyers": 1, "sold": 1, "left_out": 0}
BOOK = {"at_ms": 5, "kind": "BOOK", "booking": 1, "buyer": 1, "quantity": 1, "outcome": "CONFIRMED"}
CANCEL = {"at_ms": 6, "kind": "CANCEL", "booking": 1}


def lines(*objects: Any) -> list[str]:
    return [each if isinstance(each, str) else json.dumps(each) for each in objects]


@pytest.mark.parametrize(
    ("file", "says"),
    [
        (lines(), "Line 1: the file is empty"),
        (lines("nothing"), "Line 1: it is not JSON"),
        (lines([1]), "Line 1: it is not a JSON object"),
        (lines({"show": 7}), "Line 1: onsale_record must be a whole number"),
        (lines(HEADER | {"onsale_record": 2}), "Line 1: the file has version 2; this program knows 1"),
        (lines(HEADER | {"more": 2}), "Line 1: more is not known"),
        (lines(HEADER | {"sold": -1}), "Line 1: sold must be"),
        (lines(HEADER, BOOK, '{"at_ms": 6, "kind": "CAN'), "Line 3: it is not JSON"),
        (lines(HEADER, BOOK, ""), "Line 3: it is not JSON"),
        (lines(HEADER, BOOK), "Line 2: the file ends after 1 of 2 arrivals"),
        (lines(HEADER, BOOK, CANCEL, CANCEL), "Line 4: the file ends after 3 of 2 arrivals"),
        (lines(HEADER, BOOK, CANCEL | {"at_ms": 4}), "Line 3: at_ms goes back from 5 to 4"),
        (lines(HEADER, BOOK, CANCEL | {"at_ms": "6"}), "Line 3: at_ms must be"),
        (lines(HEADER, BOOK, CANCEL | {"at_ms": True}), "Line 3: at_ms must be"),
        (lines(HEADER, BOOK, CANCEL | {"booking": 2}), "Line 3: booking 2 has no BOOK before this line"),
        (lines(HEADER, BOOK, BOOK), "Line 3: booking 1 has a BOOK already"),
        (lines(HEADER, BOOK, CANCEL | {"kind": "EXPIRE"}), "Line 3: its kind is 'EXPIRE'"),
        (lines(HEADER, BOOK, CANCEL | {"kind": ["CANCEL"]}), "Line 3: its kind is"),
        (lines(HEADER, BOOK | {"quantity": "two"}), "Line 2: The operation's quantity is not valid"),
        (lines(HEADER, BOOK | {"colour": "red"}), "Line 2: it has a field that this program does not know"),
        (lines(HEADER, BOOK | {"user_id": str(ALICE)}), "Line 2: a recording has no user_id"),
        (lines(HEADER, BOOK | {"buyer": 0}), "Line 2: buyer must be"),
        (lines(HEADER, " " * 20_001), "Line 2: it is longer"),
    ],
)
def test_a_corrupt_file_is_refused_and_the_line_named(file: list[str], says: str) -> None:
    with pytest.raises(UnreadableRecording) as caught:
        parse(file)

    assert says in str(caught.value)


def test_a_file_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recordings, "MOST", 1)

    with pytest.raises(UnreadableRecording, match="Line 3: a recording has 1 arrivals at most"):
        parse(lines(HEADER, BOOK, CANCEL))
