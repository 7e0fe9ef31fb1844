"""Operations: accepted requests to change something. This is the wire contract of the lanes.

An operation is JSON with a version field. A worker reads every version up to its own. A newer version, kind
or field raises UnknownVersion, and the entry stays in the lane for a newer worker. Names and meanings never change
within a version.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from core import wishes
from core.books import RULES as RULES
from core.books import Book as Book
from core.errors import UnknownVersion, Unreadable
from core.ids import show_of
from core.wishes import MAX_SEATS

VERSION = 1
#: The member of a payload that names the accepted time.
_ACCEPTED = "accepted_ms"


class Kind(StrEnum):
    """What an operation does."""

    BOOK = "BOOK"
    CONFIRM = "CONFIRM"
    CANCEL = "CANCEL"
    EXTEND = "EXTEND"
    RELEASE = "RELEASE"
    EXPIRE = "EXPIRE"
    CHANGE_SHOW = "CHANGE_SHOW"
    #: In no lane: seats given to a booking of the waiting list, by whichever operation has freed them.
    OFFER = "OFFER"
    #: In no lane: the link from a FAILED booking to the one that replaces it, by the Book of the latter.
    REPLACE = "REPLACE"


class StreamId(NamedTuple):
    """An entry's id in its lane: milliseconds and a number within that millisecond.

    It gives the order, not the time.
    """

    ms: int
    seq: int

    @classmethod
    def parse(cls, text: str) -> StreamId:
        """Read Redis's form, `1700000000000-0`."""
        ms, _, seq = text.partition("-")
        return cls(int(ms), int(seq))

    def __str__(self) -> str:
        return f"{self.ms}-{self.seq}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm:
    """Turn a hold into a confirmed booking."""

    booking_id: UUID
    show_id: int
    user_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """Give a booking's seats back. If its Book is still queued ahead of it in the lane, the Book takes none."""

    booking_id: UUID
    show_id: int
    user_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Extend:
    """Move a hold's deadline, once, by as much as its show allows."""

    booking_id: UUID
    show_id: int
    user_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """Give some of a booking's seats back: these, and no others. If no seat is left, the booking is cancelled."""

    booking_id: UUID
    show_id: int
    user_id: UUID
    seats: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expire:
    """Expire up to `limit` holds of a show whose deadline is not after this operation's accepted time."""

    show_id: int
    limit: int

    @property
    def booking_id(self) -> None:
        """It names no booking."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeShow:
    """Change a show's settings: `changes` as in core/shows.py ShowSettings.to_json.

    `keep_window`: refuse it if no sales window would be left. Operations from before this rule lack it, so the
    journal replays their outcomes.
    """

    show_id: int
    changes: Mapping[str, Any]
    keep_window: bool = False

    @property
    def booking_id(self) -> None:
        """It names no booking."""


#: An operation of a user on a booking: repeated while it is undecided, it is found in its lane.
BookingChange = Confirm | Cancel | Extend | Release
Operation = Book | BookingChange | Expire | ChangeShow

_TYPES: dict[Kind, type[Operation]] = {
    Kind.BOOK: Book,
    Kind.CONFIRM: Confirm,
    Kind.CANCEL: Cancel,
    Kind.EXTEND: Extend,
    Kind.RELEASE: Release,
    Kind.EXPIRE: Expire,
    Kind.CHANGE_SHOW: ChangeShow,
}
_KINDS = {type_: kind for kind, type_ in _TYPES.items()}
#: Their kinds. accept.lua, finish.lua and put_if_newer.lua name the same ones.
BOOKING_CHANGES = (Kind.CONFIRM, Kind.CANCEL, Kind.EXTEND, Kind.RELEASE)
_SLOTS: dict[Kind, tuple[str, ...]] = {kind: tuple(type_.__slots__) for kind, type_ in _TYPES.items()}
#: Members that a payload has even if they are zero or empty.
_KEPT = frozenset({"show_id", "changes", "expected_amount_cents"})


@dataclass(frozen=True, slots=True)
class Entry:
    """An operation in its lane. `payload`: the JSON as accepted. `at_ms`: its accepted time, if that is not the id's
    (ids stay ahead after Redis's clock was set back)."""

    id: StreamId
    ticket: int
    payload: str
    operation: Operation
    at_ms: int | None = None

    @property
    def accepted_ms(self) -> int:
        """Return the time that every comparison uses: Redis's clock when it accepted the operation, ms."""
        return self.id.ms if self.at_ms is None else self.at_ms


#: What each field must be. Otherwise only a store would reject it, in the middle of a batch.
_FIELDS: dict[str, Callable[[Any], bool]] = {
    "booking_id": lambda value: type(value) is UUID,
    "user_id": lambda value: type(value) is UUID,
    "show_id": lambda value: type(value) is int and 0 < value < 1 << 31,
    "fingerprint": lambda value: type(value) is str,
    "seats": lambda value: len(value) <= MAX_SEATS and set(map(type, value)) <= {str},
    "quantity": lambda value: type(value) is int and 0 <= value <= MAX_SEATS,
    "category": lambda value: value is None or type(value) is str,
    "hold": lambda value: type(value) is bool,
    "give_up_after_ms": lambda value: type(value) is int and 0 <= value < 1 << 31,
    "rules": lambda value: type(value) is int and value >= 0,
    "wishes": lambda value: len(value) <= wishes.MAX_WISHES,
    "expected_amount_cents": lambda value: value is None or (type(value) is int and 0 <= value < 1 << 31),
    "limit": lambda value: type(value) is int and 0 < value < 1 << 31,
    "changes": lambda value: type(value) is dict and _is_whole(value),
    "keep_window": lambda value: type(value) is bool,
    "waiting": lambda value: type(value) is bool,
    "replaces": lambda value: value is None or type(value) is UUID,
}

_NAMES: dict[str, frozenset[str]] = {kind: frozenset(slots) for kind, slots in _SLOTS.items()}
_CHECKS = {kind: [(name, _FIELDS[name]) for name in slots] for kind, slots in _SLOTS.items()}


def _is_whole(value: Any) -> bool:
    """Return whether a value contains no fraction at any depth: no number of the contract is one."""
    if type(value) is dict:
        return all(map(_is_whole, value.values()))
    return all(map(_is_whole, value)) if type(value) is list else type(value) is not float


def _check(kind: Kind, operation: Operation) -> None:
    """Raise Unreadable if a field is not valid."""
    for name, valid in _CHECKS[kind]:
        if not valid(getattr(operation, name)):
            raise Unreadable(f"The operation's {name} is not valid.")
    if operation.booking_id is not None and show_of(operation.booking_id) != operation.show_id:
        raise Unreadable("The operation's booking_id does not carry its show_id.")


def kind_of(operation: Operation) -> Kind:
    """Return the kind of an operation."""
    return _KINDS[type(operation)]


def dump(operation: Operation, *, request_id: str = "") -> str:
    """Return the operation as JSON for its lane. Fields that hold their default are left out."""
    kind = kind_of(operation)
    values: dict[str, Any] = {"v": VERSION, "kind": kind}
    for name in _SLOTS[kind]:
        value = getattr(operation, name)
        if value or (value is not None and name in _KEPT):
            values[name] = value
    if "wishes" in values:
        values["wishes"] = [wish.to_json() for wish in values["wishes"]]
    if request_id:
        values["request_id"] = request_id
    return orjson.dumps(values).decode()


def with_accepted(payload: str, accepted_ms: int) -> str:
    """Return the payload with its accepted time, for an entry whose id is not it. `load_entry` reads it."""
    return f'{payload[:-1]},"{_ACCEPTED}":{accepted_ms}}}' if payload.endswith("}") else payload


def load_entry(id_: StreamId, ticket: int, payload: str) -> Entry:
    """Parse an entry of a lane or a row of the journal. Raises: as `load`."""
    operation, at_ms = _load(payload)
    return Entry(id_, ticket, payload, operation, at_ms)


def load(payload: str) -> Operation:
    """Parse what `dump` wrote, in any version up to this one.

    Raises: UnknownVersion: a newer program wrote it (also a kind or field that this version does not know).
            Unreadable: it is no operation at all.
    """
    return _load(payload)[0]


def _load(payload: str) -> tuple[Operation, int | None]:
    """Return the operation, and the accepted time that its payload names."""
    try:
        if not payload.isascii() or "\\u" in payload:
            raise Unreadable  # every text of the contract is ASCII; no store takes a NUL or a lone surrogate
        values = orjson.loads(payload)
        version = values.pop("v")
        if type(version) is not int or version < 1:
            raise Unreadable
        if version > VERSION:
            raise UnknownVersion
        values.pop("request_id", None)
        at_ms = values.pop(_ACCEPTED, None)
        if at_ms is not None and not (type(at_ms) is int and 0 <= at_ms < 1 << 53):
            raise Unreadable
        name = values.pop("kind")
        if type(name) is not str:
            raise Unreadable
        if (known := _NAMES.get(name)) is None or not values.keys() <= known:
            raise UnknownVersion
        kind = Kind(name)
        for name in ("booking_id", "user_id", "replaces"):
            if name in values:
                values[name] = UUID(values[name])
        if "seats" in values:
            values["seats"] = tuple(values["seats"])
        if "wishes" in values:
            values["wishes"] = tuple(map(wishes.read, values["wishes"]))
        if type(rules := values.get("rules", 0)) is int and rules > RULES:
            raise UnknownVersion
        operation = _TYPES[kind](**values)
        _check(kind, operation)
        return operation, at_ms
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Unreadable(f"The operation's payload cannot be read: {error!r}") from error
