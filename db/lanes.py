"""Lanes, in Redis: accept an operation, look at the head, publish and trim, take and release the marker.

One function per script of db/lua, where the keys and the rules stand. `accept` is the api's and the
scheduler's side; the rest is the drain's.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import redis
from redis.exceptions import OutOfMemoryError

from core.bookings import SETTLED
from core.ids import lane_of
from core.operations import (
    Book,
    Cancel,
    ChangeShow,
    Confirm,
    Expire,
    Kind,
    Operation,
    StreamId,
    dump,
    kind_of,
)
from db import keys, scripts
from db.rounds import Command, Rounds

#: With the time it makes an epoch that nobody else draws, without asking the system for randomness each time.
_PROCESS = secrets.token_hex(4)
#: Confirm, Cancel, Expire and ChangeShow may fill a lane this much beyond Book's cap: a full lane must not
#: kill live holds.
HEADROOM = 1.25


@dataclass(frozen=True, slots=True)
class Accepted:
    """The door's answer to one operation. `code` is one of accept.lua's; `status` the booking's hash, and after
    SEAT_TAKEN, which has none, `seats`: the places of the taken ones among those that were asked for."""

    code: str
    ring: bool = False
    forgotten: bool = False
    epoch: str = ""
    served: int = 0
    rate: float = 0.0
    entry_id: str = ""
    status: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Peeked:
    """The head of a lane at one instant: (id, ticket, payload) of each entry, oldest first."""

    epoch: str
    time_ms: int
    entries: list[tuple[StreamId, int, str]]


@dataclass(frozen=True, slots=True)
class LaneState:
    """One lane as operators see it. `drained_by` is a drain's token, "rung", or None: asleep."""

    lane: int
    depth: int
    oldest_age_ms: int
    drained_by: str | None
    rate: float


def accept_command(
    operation: Operation,
    *,
    lanes: int,
    cap: int,
    marker_ms: int,
    request_id: str = "",
    seats: Iterable[int] = (),
) -> Command:
    """The call of accept.lua for one operation. The arguments stand in the script's header.

    Args: seats: their numbers in the hall's plan, where the door may refuse them if they are taken.
    """
    kind = kind_of(operation)
    lane = lane_of(operation.show_id, lanes)
    subject, user = _subject(operation, lane)
    return (
        "EVALSHA",
        scripts.ACCEPT.sha,
        6,
        keys.lane(lane),
        keys.marker(lane),
        keys.meter(lane),
        subject,
        keys.card(lane, operation.show_id),
        keys.taken(lane, operation.show_id),
        kind.value,
        dump(operation, request_id=request_id),
        user,
        operation.fingerprint if isinstance(operation, Book) else "",
        cap if kind is Kind.BOOK else int(cap * HEADROOM),
        marker_ms,
        f"{_PROCESS}{time.time_ns():x}",
        _SETTLED.get(kind, ""),
        " ".join(map(str, seats)),
    )


def _subject(operation: Operation, lane: int) -> tuple[str, str]:
    """The key of what the operation is about, and who asks for it."""
    match operation:
        case Book() | Confirm() | Cancel():
            return keys.status(lane, operation.booking_id), str(operation.user_id)
        case Expire():
            return keys.expiring(lane, operation.show_id), ""
        case ChangeShow():
            return keys.card(lane, operation.show_id), ""


_SETTLED = {kind: f" {' '.join(sorted(statuses))} " for kind, statuses in SETTLED.items()}


def accept(rounds: Rounds, operation: Operation, **how: Any) -> Accepted:
    """Take an operation into its lane, or say why not (docs/locking.md rule 3). At maxmemory the answer is FULL.

    Args:   how: see `accept_command`.
    Raises: RedisAway, AcceptUnknown (db/rounds.py).   Repeat: safe, the same operation is found again.
    """
    command = accept_command(operation, **how)
    try:
        [reply] = rounds.call([command], writes=True)
    except OutOfMemoryError:
        return Accepted("FULL")
    return accepted(reply)


def accepted(reply: Any) -> Accepted:
    """The reply to `accept_command`."""
    code, ring, forgotten, epoch, served, rate, entry_id, *fields = reply
    return Accepted(
        code=code,
        ring=bool(ring),
        forgotten=bool(forgotten),
        epoch=epoch,
        served=int(served),
        rate=float(rate),
        entry_id=entry_id,
        status=dict(zip(fields[::2], fields[1::2], strict=True)),
    )


def waits(rounds: Rounds, lane: int, epoch: str, id_: StreamId) -> bool:
    """Whether an entry of this epoch is still in its lane. Raises: RedisAway."""
    commands: list[Command] = [("XRANGE", keys.lane(lane), str(id_), str(id_)), ("HGET", keys.meter(lane), "epoch")]
    found, now = rounds.call(commands, writes=False)
    return bool(found) and now == epoch


def peek(client: redis.Redis, lane: int, limit: int) -> Peeked:
    """Up to `limit` entries from the lane's head, its epoch and Redis's time, read at one instant."""
    reply: Any = scripts.PEEK.run(client, [keys.lane(lane), keys.meter(lane)], [limit])
    epoch, time_ms, entries = reply
    read = []
    for entry_id, flat in entries:
        if len(flat) == 4 and flat[0] == "o" and flat[2] == "t":  # as accept.lua writes them
            read.append((StreamId.parse(entry_id), int(flat[3]), flat[1]))
        else:
            fields = dict(zip(flat[::2], flat[1::2], strict=True))
            read.append((StreamId.parse(entry_id), int(fields.get("t", 0)), fields.get("o", "")))
    return Peeked(epoch, time_ms, read)


def take(client: redis.Redis, lane: int, token: str, marker_ms: int) -> bool:
    """Become the lane's drain; False if another is. Repeat: safe with the same token."""
    return scripts.TAKE.run(client, [keys.marker(lane)], [token, marker_ms]) == 1


def release(client: redis.Redis, lane: int, token: str, marker_ms: int) -> bool:
    """Stop being the lane's drain; True if entries are left, and the doorbell is to be sent (rule 4)."""
    return scripts.RELEASE.run(client, [keys.lane(lane), keys.marker(lane)], [token, marker_ms]) == 1


def wait_for_entry(client: redis.Redis, lane: int, after: StreamId, timeout_ms: int) -> bool:
    """Block until the lane has an entry later than `after`; False if none came in `timeout_ms`.

    The client's socket timeout must be longer.
    """
    return bool(client.xread({keys.lane(lane): str(after)}, count=1, block=max(1, timeout_ms)))


def stalled(client: redis.Redis, lanes: int) -> list[int]:
    """The lanes that have entries and no live marker."""
    pipe = client.pipeline(transaction=False)
    for lane in range(lanes):
        pipe.xlen(keys.lane(lane))
        pipe.exists(keys.marker(lane))
    replies = pipe.execute()
    return [lane for lane in range(lanes) if replies[2 * lane] and not replies[2 * lane + 1]]


def refuse_books(client: redis.Redis, lanes: int, for_ms: int) -> None:
    """Have accept.lua answer every Book with FULL for so long, in all lanes; what is accepted goes on."""
    seconds, micros = client.time()
    until_ms = seconds * 1000 + micros // 1000 + for_ms
    pipe = client.pipeline(transaction=False)
    for lane in range(lanes):
        pipe.hset(keys.meter(lane), "full_until", until_ms)
    pipe.execute()


def overview_commands(lanes: int) -> list[Command]:
    """What `overview` needs to read, as commands for one round or one pipeline."""
    commands: list[Command] = [("TIME",)]
    for lane in range(lanes):
        commands += [
            ("XLEN", keys.lane(lane)),
            ("XRANGE", keys.lane(lane), "-", "+", "COUNT", 1),
            ("GET", keys.marker(lane)),
            ("HGET", keys.meter(lane), "rate"),
        ]
    return commands


def overview(replies: list[Any]) -> list[LaneState]:
    """The state of every lane, from the replies to `overview_commands`."""
    now_ms = int(replies[0][0]) * 1000 + int(replies[0][1]) // 1000
    states = []
    for lane in range((len(replies) - 1) // 4):
        depth, head, marker, rate = replies[1 + 4 * lane : 5 + 4 * lane]
        age_ms = now_ms - StreamId.parse(head[0][0]).ms if head else 0
        states.append(LaneState(lane, depth, max(0, age_ms), marker, float(rate or 0)))
    return states
