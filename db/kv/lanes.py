"""Lanes, in Redis: accept an operation, look at the head, publish and trim, take and release the lease.

One function per script of db/lua, where the keys and the rules stand. `accept` is the api's and the
scheduler's side; the rest is the drain's.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Sequence
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
    with_accepted,
)
from core.queue_position import UNKNOWN, Meter
from db.kv import keys, meters, scripts
from db.kv.rounds import Command, Rounds

#: With the time it makes an epoch that nobody else draws, without asking the system for randomness each time.
_PROCESS = secrets.token_hex(4)
#: Confirm, Cancel, Expire and ChangeShow may fill a lane this much beyond Book's cap: a full lane must not
#: kill live holds.
HEADROOM = 1.25
#: Operations of one round trip of `accept_all`: Redis is busy for some 10 ms with them, and an api waits for that.
ACCEPT_CHUNK = 250
#: A doorbell that has been rung for so long, ms, and has woken nobody was lost, or is not listened to.
RUNG_MS = 500


@dataclass(frozen=True, slots=True)
class Accepted:
    """The door's answer to one operation. `code` is one of accept.lua's; `status` the booking's hash. A refusal has
    none: there it has `seats` after SEAT_TAKEN (the places of the taken ones among those that were asked for),
    `opens` after NOT_OPEN (ms), and `stale` if Postgres should confirm the card."""

    code: str
    ring: bool = False
    forgotten: bool = False
    meter: Meter = UNKNOWN
    entry_id: str = ""
    status: dict[str, str] = field(default_factory=dict)

    @property
    def stale(self) -> bool:
        """Whether a refusal rests on a card that has not been confirmed for a while."""
        return "stale" in self.status


@dataclass(frozen=True, slots=True)
class Peeked:
    """The head of a lane at one instant: (id, ticket, payload) of each entry, oldest first.

    A payload names its accepted time where that is not the id's. `seq`: the last journal number that was published.
    `withdrawn`: hex ids of queued bookings whose Cancel is somewhere in the lane.
    """

    epoch: str
    time_ms: int
    entries: list[tuple[StreamId, int, str]]
    seq: int = 0
    withdrawn: frozenset[str] = frozenset()


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
    lease_ms: int,
    user_cap: int = 0,
    show_cap: int = 0,
    request_id: str = "",
    seats: Iterable[int] = (),
) -> Command:
    """The call of accept.lua for one operation. The arguments stand in the script's header.

    Args: cap, user_cap, show_cap: of the lane's entries, and of the undecided Books of this user at this show and
          of this show; 0: no limit, -1: none.
          seats: their numbers in the hall's plan, where the door may refuse them if they are taken.
    """
    kind = kind_of(operation)
    lane = lane_of(operation.show_id, lanes)
    subject, user = _subject(operation, lane)
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
        operation.fingerprint if isinstance(operation, Book) else "",
        cap if kind is Kind.BOOK else int(cap * HEADROOM),
        lease_ms,
        f"{_PROCESS}{time.time_ns():x}",
        _SETTLED.get(kind, ""),
        " ".join(map(str, seats)),
        *(user_cap, show_cap, _wanted(operation)),
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


def _wanted(operation: Operation) -> int:
    """How many seats a Book asks for."""
    return len(operation.seats) or operation.quantity if isinstance(operation, Book) else 0


_SETTLED = {kind: f" {' '.join(sorted(statuses))} " for kind, statuses in SETTLED.items()}


def accept_all(rounds: Rounds, operations: Sequence[Operation], **how: Any) -> list[Accepted]:
    """Take many operations into their lanes, ACCEPT_CHUNK per round trip. At maxmemory the rest answers FULL.

    Args:   how: see `accept_command`.
    Raises: RedisUnavailable, AcceptUnknown (db/kv/rounds.py).   Repeat: safe, the same operations are found again.
    """
    found: list[Accepted] = []
    for first in range(0, len(operations), ACCEPT_CHUNK):
        commands = [accept_command(operation, **how) for operation in operations[first : first + ACCEPT_CHUNK]]
        try:
            found += map(accepted, rounds.call(commands, writes=True))
        except OutOfMemoryError:
            return found + [Accepted("FULL")] * (len(operations) - len(found))
    return found


def accept(rounds: Rounds, operation: Operation, **how: Any) -> Accepted:
    """Take one operation into its lane, or say why not (docs/locking.md rule 3): as `accept_all`."""
    [found] = accept_all(rounds, [operation], **how)
    return found


def accepted(reply: Any) -> Accepted:
    """The reply to `accept_command`."""
    code, ring, forgotten, now_ms, *meter, entry_id = reply[: 5 + len(meters.FIELDS)]
    fields = reply[5 + len(meters.FIELDS) :]
    return Accepted(
        code=code,
        ring=bool(ring),
        forgotten=bool(forgotten),
        meter=meters.read(meter, now_ms),
        entry_id=entry_id,
        status=dict(zip(fields[::2], fields[1::2], strict=True)),
    )


def waits(rounds: Rounds, lane: int, epoch: str, id_: StreamId) -> bool:
    """Whether an entry of this epoch is still in its lane. Raises: RedisUnavailable."""
    commands: list[Command] = [("XRANGE", keys.lane(lane), str(id_), str(id_)), ("HGET", keys.meter(lane), "epoch")]
    found, now = rounds.call(commands, writes=False)
    return bool(found) and now == epoch


def peek(client: redis.Redis, lane: int, limit: int) -> Peeked:
    """Up to `limit` entries from the lane's head, its epoch and Redis's time, read at one instant."""
    reply: Any = scripts.PEEK.run(client, [keys.lane(lane), keys.meter(lane), keys.withdrawn(lane)], [limit])
    epoch, time_ms, entries, seq, withdrawn = reply
    read = []
    for text, flat in entries:
        entry_id = StreamId.parse(text)
        if len(flat) == 6 and flat[::2] == ["o", "t", "a"]:  # as accept.lua writes them
            payload, ticket, accepted_ms = flat[1], int(flat[3]), int(flat[5])
        else:
            fields = dict(zip(flat[::2], flat[1::2], strict=True))
            payload, ticket = fields.get("o", ""), int(fields.get("t", 0))
            accepted_ms = int(fields.get("a", entry_id.ms))
        if accepted_ms != entry_id.ms:
            payload = with_accepted(payload, accepted_ms)
        read.append((entry_id, ticket, payload))
    return Peeked(epoch, time_ms, read, int(seq), frozenset(withdrawn))


def take(client: redis.Redis, lane: int, token: str, lease_ms: int) -> bool:
    """Become the lane's drain; False if another is. Repeat: safe with the same token."""
    return scripts.TAKE.run(client, [keys.lease(lane)], [token, lease_ms]) == 1


def release(client: redis.Redis, lane: int, token: str, lease_ms: int) -> bool:
    """Stop being the lane's drain; True if entries are left, and the doorbell is to be sent (rule 4)."""
    return scripts.RELEASE.run(client, [keys.lane(lane), keys.lease(lane)], [token, lease_ms]) == 1


def wait_for_entry(client: redis.Redis, lane: int, after: StreamId, timeout_ms: int) -> bool:
    """Block until the lane has an entry later than `after`; False if none came in `timeout_ms`.

    The client's socket timeout must be longer.
    """
    return bool(client.xread({keys.lane(lane): str(after)}, count=1, block=max(1, timeout_ms)))


def stalled(client: redis.Redis, lanes: int, lease_ms: int) -> list[int]:
    """Return the lanes that have entries and no drain: no lease, or one that has said "rung" for RUNG_MS.

    A lane under load is rung again as soon as its lease has lapsed, so a doorbell that nobody hears leaves one there
    nearly all the time. One that would last longer than any does was set before the clock was set back (take.lua).
    """
    pipe = client.pipeline(transaction=False)
    for lane in range(lanes):
        pipe.xlen(keys.lane(lane))
        pipe.get(keys.lease(lane))
        pipe.pttl(keys.lease(lane))
    replies = pipe.execute()
    # Half a short lease's life, so that tests with short ones see the same.
    unheard_ms = lease_ms - min(RUNG_MS, lease_ms // 2)
    found = []
    for lane in range(lanes):
        entries, lease, left_ms = replies[3 * lane : 3 * lane + 3]
        unheard = lease is None or (lease == "rung" and left_ms <= unheard_ms)
        if entries and (unheard or left_ms > 2 * lease_ms):
            found.append(lane)
    return found


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
            ("GET", keys.lease(lane)),
            ("HGET", keys.meter(lane), "rate"),
        ]
    return commands


def overview(replies: list[Any]) -> list[LaneState]:
    """The state of every lane, from the replies to `overview_commands`."""
    now_ms = int(replies[0][0]) * 1000 + int(replies[0][1]) // 1000
    states = []
    for lane in range((len(replies) - 1) // 4):
        depth, head, lease, rate = replies[1 + 4 * lane : 5 + 4 * lane]
        age_ms = now_ms - _accepted_ms(*head[0]) if head else 0
        states.append(LaneState(lane, depth, max(0, age_ms), lease, float(rate or 0)))
    return states


def _accepted_ms(entry_id: str, read: list[str] | dict[str, str]) -> int:
    """When an entry was accepted, by its field or, of an older version's entry, its id. redis-py reads a dict."""
    fields = read if isinstance(read, dict) else dict(zip(read[::2], read[1::2], strict=True))
    return int(fields["a"]) if "a" in fields else StreamId.parse(entry_id).ms
