"""Operations: accepted requests to change something. This is the wire contract of the lanes.

An operation is JSON with a version field. A worker reads its own version and the one before it; a newer one
raises UnknownVersion and stays in the lane for a newer worker. Names and meanings here are never changed
within a version.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from core.errors import UnknownVersion, Unreadable

VERSION = 1


class Kind(StrEnum):
    """What an operation asks for."""

    BOOK = "BOOK"
    CONFIRM = "CONFIRM"
    CANCEL = "CANCEL"
    EXPIRE = "EXPIRE"
    CHANGE_SHOW = "CHANGE_SHOW"


class StreamId(NamedTuple):
    """An entry's id in its lane: accepted time in ms of Redis's clock, and a number within that ms."""

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
class Book:
    """Book seats: the named ones, or `quantity` of the best available (of `category`, if given)."""

    booking_id: UUID
    show_id: int
    user_id: UUID
    fingerprint: str
    seats: tuple[str, ...] = ()
    quantity: int = 0
    category: str | None = None
    hold: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm:
    """Turn a hold into a confirmed booking."""

    booking_id: UUID
    show_id: int
    user_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """Give a booking's seats back; of a QUEUED one: it stands behind its Book in the lane."""

    booking_id: UUID
    show_id: int
    user_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Expire:
    """Expire up to `limit` holds of a show whose deadline is not after this operation's accepted time."""

    show_id: int
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeShow:
    """Change a show's settings: `changes` as in core/shows.py ShowSettings.to_json."""

    show_id: int
    changes: Mapping[str, Any]


Operation = Book | Confirm | Cancel | Expire | ChangeShow

_TYPES: dict[Kind, type[Operation]] = {
    Kind.BOOK: Book,
    Kind.CONFIRM: Confirm,
    Kind.CANCEL: Cancel,
    Kind.EXPIRE: Expire,
    Kind.CHANGE_SHOW: ChangeShow,
}
_KINDS = {type_: kind for kind, type_ in _TYPES.items()}


@dataclass(frozen=True, slots=True)
class Entry:
    """An operation in its lane. `payload` is the JSON as accepted; `ticket` its place in line."""

    id: StreamId
    ticket: int
    payload: str
    operation: Operation

    @property
    def accepted_ms(self) -> int:
        """The time that every comparison uses: when Redis took the operation."""
        return self.id.ms


def kind_of(operation: Operation) -> Kind:
    """The kind of an operation."""
    return _KINDS[type(operation)]


def dump(operation: Operation, *, request_id: str = "") -> str:
    """The operation as JSON for its lane. Fields that hold their default are left out."""
    values: dict[str, Any] = {"v": VERSION, "kind": kind_of(operation).value}
    for name in operation.__slots__:
        value = getattr(operation, name)
        if value or name in ("show_id", "changes"):
            values[name] = str(value) if isinstance(value, UUID) else value
    if request_id:
        values["request_id"] = request_id
    return json.dumps(values, separators=(",", ":"))


def load(payload: str) -> Operation:
    """Read what `dump` wrote, of this version or the one before.

    Raises: UnknownVersion: a newer program wrote it.  Unreadable: it is no operation at all.
    """
    try:
        values = json.loads(payload)
        version = values.pop("v")
        if type(version) is not int or version < 1:
            raise Unreadable
        if version > VERSION:
            raise UnknownVersion
        values.pop("request_id", None)
        type_ = _TYPES[Kind(values.pop("kind"))]
        for name in ("booking_id", "user_id"):
            if name in values:
                values[name] = UUID(values[name])
        if "seats" in values:
            values["seats"] = tuple(values["seats"])
        if type(values["show_id"]) is not int:
            raise Unreadable
        return type_(**values)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unreadable(f"The operation's payload cannot be read: {error!r}") from error
