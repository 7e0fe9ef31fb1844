"""The file of a recorded sale: one JSON object a line, the first about the whole, each other one an arrival. Pure.

    {"onsale_record": 1, "show": 3, "capacity": 48, "arrivals": 2, "buyers": 1, "sold": 2, "left_out": 0}
    {"at_ms": 0, "kind": "BOOK", "booking": 1, "buyer": 1, "outcome": "CONFIRMED", "seats": ["A1", "A2"],"hold":true}
    {"at_ms": 5120, "kind": "CONFIRM", "booking": 1}

`at_ms` counts from the first arrival. Buyers and bookings are numbered in order of appearance; nothing in the file
says who they were. A BOOK has the fields that its request had, and the state in which the recording left it; `sold`
is the number of seats confirmed at that time. docs/rehearsal.md describes the format for others.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

from core.errors import OnsaleError, UnknownVersion
from core.operations import BOOKING_CHANGES, Kind, load

VERSION = 1
#: Max arrivals of a file, and max characters of a line: a recording is held in memory.
MOST, MOST_CHARS = 1_000_000, 20_000
#: The kinds that buyers send, and a replay can send again.
REPLAYED = frozenset({Kind.BOOK.value, *(kind.value for kind in BOOKING_CHANGES)})
#: An operation's fields that say who and which, for which the file has numbers, and those that no buyer sends.
LEFT_OUT = frozenset(
    {"booking_id", "show_id", "user_id", "fingerprint", "request_id", "v", "kind", "accepted_ms", "rules"}
)
_OWN = frozenset({"at_ms", "kind", "booking", "buyer", "outcome"})
#: Stand for the ids when an arrival's fields are checked as an operation's: id of show 1, and nobody.
_CHANGE = {"v": 1, "booking_id": str(UUID(int=1 << 96)), "show_id": 1, "user_id": str(UUID(int=0))}
_BOOK = {**_CHANGE, "fingerprint": ""}


class UnreadableRecording(OnsaleError):
    """The file is no recording that this program can replay; the message names the line."""

    code = "unreadable_recording"


@dataclass(frozen=True, slots=True)
class Header:
    """The first line. `left_out`: operations of other kinds, or of bookings from before the recording began."""

    show: int
    capacity: int
    arrivals: int
    buyers: int
    sold: int
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Arrival:
    """One recorded request. `fields`: what it asked for. `buyer`, `outcome`: of a BOOK only, otherwise 0 and ""."""

    at_ms: int
    kind: str
    booking: int
    buyer: int = 0
    fields: Mapping[str, Any] = field(default_factory=dict)
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class Recording:
    """A recorded sale, in order of acceptance."""

    header: Header
    arrivals: tuple[Arrival, ...]

    @property
    def span_ms(self) -> int:
        """The time from the first arrival to the last, milliseconds."""
        return self.arrivals[-1].at_ms

    @property
    def bookings(self) -> int:
        """The number of BOOKs."""
        return sum(arrival.kind == Kind.BOOK for arrival in self.arrivals)


def dump(recording: Recording) -> Iterator[str]:
    """Yield the file's lines, each with its line break."""
    yield _line({"onsale_record": VERSION, **asdict(recording.header)})
    for arrival in recording.arrivals:
        values: dict[str, Any] = {"at_ms": arrival.at_ms, "kind": arrival.kind, "booking": arrival.booking}
        if arrival.kind == Kind.BOOK:
            values |= {"buyer": arrival.buyer, "outcome": arrival.outcome}
        yield _line({**values, **arrival.fields})


def parse(lines: Iterable[str]) -> Recording:
    """Return the recording that `dump` wrote. Raises: UnreadableRecording, which names the line."""
    reader = _Reader()
    number = 0
    for number, line in enumerate(lines, 1):
        try:
            reader.feed(line)
        except (ValueError, TypeError, KeyError, OnsaleError) as error:
            raise UnreadableRecording(f"Line {number}: {_said(error)}") from error
    header = reader.header
    if header is None:
        raise UnreadableRecording("Line 1: the file is empty.")
    if len(reader.arrivals) != header.arrivals or not reader.arrivals:
        raise UnreadableRecording(
            f"Line {number}: the file ends after {len(reader.arrivals)} of {header.arrivals} arrivals."
        )
    return Recording(header, tuple(reader.arrivals))


class _Reader:
    """Reads line after line."""

    def __init__(self) -> None:
        self.header: Header | None = None
        self.arrivals: list[Arrival] = []
        self._bookings: set[int] = set()
        self._at_ms = 0

    def feed(self, line: str) -> None:
        if len(line) > MOST_CHARS:
            raise ValueError(f"it is longer than {MOST_CHARS} characters.")
        values = json.loads(line)
        if not isinstance(values, dict):
            raise TypeError("it is not a JSON object.")
        if self.header is None:
            self.header = _header(values)
            return
        if len(self.arrivals) == MOST:
            raise ValueError(f"a recording has {MOST} arrivals at most.")
        self.arrivals.append(self._arrival(values))

    def _arrival(self, values: dict[str, Any]) -> Arrival:
        at_ms, booking, kind = _whole(values, "at_ms", 0), _whole(values, "booking", 1), values.get("kind")
        if not isinstance(kind, str) or kind not in REPLAYED:
            raise ValueError(f"its kind is {kind!r}, not one of {', '.join(sorted(REPLAYED))}.")
        if at_ms < self._at_ms:
            raise ValueError(f"at_ms goes back from {self._at_ms} to {at_ms}.")
        books = kind == Kind.BOOK
        if books == (booking in self._bookings):
            raise ValueError(f"booking {booking} has {'a BOOK already' if books else 'no BOOK before this line'}.")
        fields = {name: value for name, value in values.items() if name not in _OWN}
        if names := fields.keys() & LEFT_OUT:
            raise ValueError(f"a recording has no {min(names)}.")
        load(json.dumps({**(_BOOK if books else _CHANGE), "kind": kind, **fields}))
        self._at_ms = at_ms
        self._bookings.add(booking)
        if not books:
            return Arrival(at_ms, kind, booking, fields=fields)
        return Arrival(at_ms, kind, booking, _whole(values, "buyer", 1), fields, str(values.get("outcome", "")))


def _header(values: dict[str, Any]) -> Header:
    version = _whole(values, "onsale_record", 1)
    if version > VERSION:
        raise ValueError(f"the file has version {version}; this program knows {VERSION}. Use a newer one.")
    names = Header.__slots__
    if unknown := values.keys() - {"onsale_record", *names}:
        raise ValueError(f"{min(unknown)} is not known.")
    return Header(*(_whole(values, name, 0) for name in names))


def _whole(values: Mapping[str, Any], name: str, least: int) -> int:
    value = values.get(name)
    if type(value) is not int or not least <= value < 1 << 53:
        raise ValueError(f"{name} must be a whole number from {least}, not {value!r}.")
    return value


def _said(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"it is not JSON: {error.msg} at character {error.pos + 1}."
    if isinstance(error, UnknownVersion):
        return "it has a field that this program does not know."
    return str(error)


def _line(values: Mapping[str, Any]) -> str:
    return json.dumps(values, separators=(",", ":")) + "\n"
