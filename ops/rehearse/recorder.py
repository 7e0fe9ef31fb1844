"""Makes a recording from a show's decisions. Pure: the journal's rows come in, in their order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from core.bookings import Status
from core.errors import OnsaleError
from core.journal import JournalRow
from core.operations import Kind
from ops.rehearse.recording import LEFT_OUT, MOST, REPLAYED, Arrival, Header, Recording


class NothingToRecord(OnsaleError):
    """No booking of this show was accepted in this period."""

    code = "nothing_to_record"


@dataclass(slots=True)
class _Seen:
    """One booking of the recording: its number, its buyer's, and what the last decision about it said."""

    number: int
    buyer: int
    outcome: str = ""
    sold: int = 0

    def decide(self, row: JournalRow) -> None:
        status = row.decision.get("status")
        if status is None:
            return  # refused without a change of the booking
        seats = row.decision.get("seats", ())
        if status == Status.FAILED:
            # A refused repetition of a failed booking has the reason of its own refusal.
            self.outcome = self.outcome if self.outcome.startswith("FAILED") else f"FAILED {row.reason}"
        else:
            held = "HELD" if seats else "WAITING"
            self.outcome = held if status == Status.PENDING else str(status)
        self.sold = len(seats) if status == Status.CONFIRMED else 0


@dataclass(slots=True)
class Recorder:
    """Takes a show's decisions in order. `begin_ms`, `end_ms`: the period of accepted times, ms, without its end."""

    begin_ms: int = 0
    end_ms: int = 1 << 53
    left_out: int = 0
    _bookings: dict[UUID, _Seen] = field(default_factory=dict)
    _buyers: dict[str, int] = field(default_factory=dict)
    _arrivals: list[tuple[int, str, _Seen, Mapping[str, Any]]] = field(default_factory=list)

    def feed(self, row: JournalRow) -> None:
        """Take the next decision. Expiries that another operation caused change outcomes, and are no arrivals."""
        accepted_ms = int(row.operation.get("accepted_ms", row.id.ms))
        if not self.begin_ms <= accepted_ms < self.end_ms:
            return
        if row.part == 0 and row.kind != Kind.EXPIRE:
            self._arrive(row, accepted_ms)
        if row.booking_id in self._bookings:
            self._bookings[row.booking_id].decide(row)

    def recording(self, show_id: int, capacity: int) -> Recording:
        """Return the recording. Raises: NothingToRecord; OnsaleError: there are more than MOST arrivals."""
        if not self._arrivals:
            raise NothingToRecord
        if len(self._arrivals) > MOST:
            raise OnsaleError(f"A recording has {MOST:,} arrivals at most: record shorter periods.")
        first_ms = last_ms = self._arrivals[0][0]
        made = list[Arrival]()
        for accepted_ms, kind, seen, fields in self._arrivals:
            last_ms = max(last_ms, accepted_ms)  # a clock that was set back for a moment does not reorder them
            books = kind == Kind.BOOK
            buyer, outcome = (seen.buyer, seen.outcome) if books else (0, "")
            made.append(Arrival(last_ms - first_ms, kind, seen.number, buyer, fields, outcome))
        sold = sum(seen.sold for seen in self._bookings.values())
        header = Header(show_id, capacity, len(made), len(self._buyers), sold, self.left_out)
        return Recording(header, tuple(made))

    def _arrive(self, row: JournalRow, accepted_ms: int) -> None:
        operation, id_ = row.operation, row.booking_id
        known = id_ is not None and id_ in self._bookings
        if row.kind not in REPLAYED or id_ is None or known == (row.kind == Kind.BOOK):
            self.left_out += 1
            return
        if not known:
            buyer = self._buyers.setdefault(str(operation["user_id"]), len(self._buyers) + 1)
            self._bookings[id_] = _Seen(len(self._bookings) + 1, buyer)
        fields = {name: value for name, value in operation.items() if name not in LEFT_OUT}
        self._arrivals.append((accepted_ms, row.kind, self._bookings[id_], fields))


def record(rows: Iterable[JournalRow], show_id: int, capacity: int, recorder: Recorder) -> Recording:
    """Return the recording of these rows. Raises: as Recorder.recording."""
    for row in rows:
        recorder.feed(row)
    return recorder.recording(show_id, capacity)
