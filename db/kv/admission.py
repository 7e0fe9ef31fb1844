"""Admission, in Redis: accept operations into their lanes, or refuse them (lua/accept.lua).

The api and the expiry of holds accept; db/kv/lanes.py has what drains and sweepers do with lanes.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from redis.exceptions import OutOfMemoryError

from core.bookings import SETTLED
from core.ids import lane_of
from core.operations import Book, ChangeShow, Expire, Kind, Operation, Release, dump, kind_of
from core.queue_position import UNKNOWN, Meter
from db.kv import keys, meters, scripts
from db.kv.rounds import Command, Rounds

#: With the time it makes an epoch that no other process generates, without a system call for randomness each time.
_process = secrets.token_hex(4)
#: Every operation but a Book may fill a lane up to this multiple of Book's cap: a full lane must not kill
#: live holds.
HEADROOM = 1.25
#: Operations per round trip of `accept_all`: they keep Redis busy for some 10 ms, and an api waits for that.
ACCEPT_CHUNK = 250


def _begin_process() -> None:
    """Generate other epochs than the process from which this one has been forked."""
    global _process
    _process = secrets.token_hex(4)


os.register_at_fork(after_in_child=_begin_process)


class Code(StrEnum):
    """What accept.lua did with an operation; its header explains each code."""

    ACCEPTED = "ACCEPTED"
    SAME = "SAME"
    #: The caller must publish the card or the status from Postgres, and send the operation again.
    NO_CARD = "NO_CARD"
    NO_STATUS = "NO_STATUS"
    #: Refused; nothing was written.
    MISMATCH = "MISMATCH"
    QUEUED = "QUEUED"
    NOT_OPEN = "NOT_OPEN"
    PAUSED = "PAUSED"
    CLOSED = "CLOSED"
    SOLD_OUT = "SOLD_OUT"
    SEAT_TAKEN = "SEAT_TAKEN"
    LIMIT_REACHED = "LIMIT_REACHED"
    FULL = "FULL"
    SHOW_FULL = "SHOW_FULL"
    TOO_MANY = "TOO_MANY"


@dataclass(frozen=True, slots=True)
class AcceptReply:
    """The reply of accept.lua to one operation.

    `ring`: the lane is asleep and needs its doorbell. `forgotten`: an outcome of this booking may exist in Postgres.
    `status`: the booking's hash. A refusal has none; there it has `seats` after SEAT_TAKEN (positions of the taken
    ones among the requested seats), `opens` after NOT_OPEN (ms), and `stale` if Postgres should confirm the card.
    """

    code: Code
    ring: bool = False
    forgotten: bool = False
    meter: Meter = UNKNOWN
    entry_id: str = ""
    status: dict[str, str] = field(default_factory=dict)

    @property
    def found(self) -> bool:
        """Return whether the operation is in its lane, or its effect is there already."""
        return self.code is Code.ACCEPTED or self.code is Code.SAME

    @property
    def incomplete(self) -> bool:
        """Return whether Redis lacks the card or the status that the operation needs."""
        return self.code is Code.NO_CARD or self.code is Code.NO_STATUS

    @property
    def stale(self) -> bool:
        """Return whether a refusal rests on a card that has not been confirmed for a while."""
        return "stale" in self.status


def command(
    operation: Operation,
    *,
    lanes: int,
    cap: int,
    lease_ms: int,
    user_cap: int = 0,
    show_cap: int = 0,
    request_id: str = "",
    seats: Iterable[int] = (),
) -> Command:
    """Return the call of accept.lua for one operation; the script's header explains the arguments.

    Args: cap, user_cap, show_cap: limits of the lane's entries, of this user's undecided Books for this show, and of
          all undecided Books for this show; 0: no limit, -1: none is accepted.
          seats: their numbers in the hall's plan, by which accept.lua refuses seats that are taken.
    """
    kind = kind_of(operation)
    lane = lane_of(operation.show_id, lanes)
    subject, user = _subject(operation, lane)
    book = operation if isinstance(operation, Book) else None
    fingerprint, wanted, waits = _of_book(book) if book else (_told_apart(operation), 0, 0)
    return (
        "EVALSHA",
        scripts.ACCEPT.sha,
        8,
        *(keys.lane(lane), keys.lease(lane), keys.meter(lane), subject),
        *(keys.card(lane, operation.show_id), keys.taken(lane, operation.show_id)),
        *(keys.undecided(lane, operation.show_id), keys.withdrawn(lane)),
        kind.value,
        dump(operation, request_id=request_id),
        user,
        fingerprint,
        cap if kind is Kind.BOOK else int(cap * HEADROOM),
        lease_ms,
        f"{_process}{time.time_ns():x}",
        _SETTLED.get(kind, ""),
        " ".join(map(str, seats)),
        *(user_cap, show_cap, wanted, waits),
    )


def _subject(operation: Operation, lane: int) -> tuple[str, str]:
    """Return the key of what the operation concerns, and the user who sent it."""
    match operation:
        case Expire():
            return keys.expiring(lane, operation.show_id), ""
        case ChangeShow():
            return keys.card(lane, operation.show_id), ""
        case _:
            return keys.status(lane, operation.booking_id), str(operation.user_id)


def _of_book(book: Book) -> tuple[str, int, int]:
    """Return a Book's fingerprint, how many seats it requests at least, and 1 if it may join the waiting list."""
    return book.fingerprint, book.fewest, int(book.waiting)


def _told_apart(operation: Operation) -> str:
    """Return what tells two operations on the same booking apart that are of the same kind, but no Books."""
    return ",".join(operation.seats) if isinstance(operation, Release) else ""


_SETTLED = {kind: f" {' '.join(sorted(statuses))} " for kind, statuses in SETTLED.items()}


def accept_all(rounds: Rounds, operations: Sequence[Operation], **how: Any) -> list[AcceptReply]:
    """Accept many operations into their lanes, ACCEPT_CHUNK per round trip. At maxmemory the remaining ones are FULL.

    Args:   how: see `command`.
    Raises: RedisUnavailable, AcceptUnknown (db/kv/rounds.py).   Repeat: safe, the same operations are found again.
    """
    found: list[AcceptReply] = []
    for first in range(0, len(operations), ACCEPT_CHUNK):
        commands = [command(operation, **how) for operation in operations[first : first + ACCEPT_CHUNK]]
        try:
            found += map(parse, rounds.call(commands, writes=True))
        except OutOfMemoryError:
            return found + [AcceptReply(Code.FULL)] * (len(operations) - len(found))
    return found


def accept(rounds: Rounds, operation: Operation, **how: Any) -> AcceptReply:
    """Accept one operation into its lane, or refuse it (docs/locking.md rule 3); errors as `accept_all`."""
    [found] = accept_all(rounds, [operation], **how)
    return found


def undecided_commands(show_id: int, lanes: int) -> list[Command]:
    """Return the commands whose replies `undecided_books` needs."""
    lane = lane_of(show_id, lanes)
    return [("HGET", keys.undecided(lane, show_id), "all"), ("HGET", keys.meter(lane), "served")]


def undecided_books(counted: str | None, served: str | None) -> int:
    """Return how many Books of a show are undecided: as accept.lua reads the count."""
    number, _, last = (counted or "0 0").partition(" ")
    return int(number) if int(last) > int(served or 0) else 0


def parse(reply: Any) -> AcceptReply:
    """Parse the reply to `command`."""
    code, ring, forgotten, now_ms, *meter, entry_id = reply[: 5 + len(meters.FIELDS)]
    fields = reply[5 + len(meters.FIELDS) :]
    return AcceptReply(
        code=Code(code),
        ring=bool(ring),
        forgotten=bool(forgotten),
        meter=meters.read(meter, now_ms),
        entry_id=entry_id,
        status=dict(zip(fields[::2], fields[1::2], strict=True)),
    )
