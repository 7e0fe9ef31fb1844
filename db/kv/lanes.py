"""Lanes, in Redis, as drains and sweepers use them: read the head, take and release the lease, find stalled lanes.

The headers of the scripts in lua/ have the keys and the rules. Operations enter a lane by db/kv/admission.py, and
leave it by db/kv/finish.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import redis

from core.operations import StreamId, with_accepted
from core.queue_position import UNKNOWN, Meter
from db.kv import keys, meters, scripts
from db.kv.rounds import Command, Rounds

#: Milliseconds after which a doorbell that has woken nobody counts as lost, or as sent to nobody.
RUNG_MS = 500


class RawEntry(NamedTuple):
    """An entry as it is in the lane. Its payload names the accepted time where that is not the id's."""

    id: StreamId
    ticket: int
    payload: str


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a lane at one instant, oldest entry first. `time_ms`: Redis's clock.

    `seq`: the last journal number that was published. `withdrawn`: hex ids of queued bookings whose Cancel is
    somewhere in the lane.
    """

    epoch: str
    time_ms: int
    entries: list[RawEntry]
    seq: int = 0
    withdrawn: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class LaneState:
    """One lane as operators see it. `drained_by`: a drain's token, "rung", or None if the lane is asleep.

    `rate`: decisions per second of its last batches.
    """

    lane: int
    depth: int
    oldest_age_ms: int
    drained_by: str | None
    rate: float
    meter: Meter = UNKNOWN


def waits(rounds: Rounds, lane: int, epoch: str, id_: StreamId) -> bool:
    """Return whether an entry of this epoch is still in its lane. Raises: RedisUnavailable."""
    commands: list[Command] = [("XRANGE", keys.lane(lane), str(id_), str(id_)), ("HGET", keys.meter(lane), "epoch")]
    found, now = rounds.call(commands, writes=False)
    return bool(found) and now == epoch


def peek(client: redis.Redis, lane: int, limit: int) -> Head:
    """Return up to `limit` entries from the lane's head, its epoch and Redis's time, read at one instant."""
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
        read.append(RawEntry(entry_id, ticket, payload))
    return Head(epoch, time_ms, read, int(seq), frozenset(withdrawn))


def take(client: redis.Redis, lane: int, token: str, lease_ms: int) -> bool:
    """Take or renew the lane's lease; return False if another drain has it. Repeat: safe with the same token."""
    return scripts.TAKE.run(client, [keys.lease(lane)], [token, lease_ms]) == 1


def release(client: redis.Redis, lane: int, token: str, lease_ms: int) -> bool:
    """Release the lane's lease; return True if entries are left, so the doorbell must be sent.

    Both in one step (docs/locking.md rule 4).
    """
    return scripts.RELEASE.run(client, [keys.lane(lane), keys.lease(lane)], [token, lease_ms]) == 1


def wait_for_entry(client: redis.Redis, lane: int, after: StreamId, timeout_ms: int) -> bool:
    """Block until the lane has an entry later than `after`; return False if none arrived in `timeout_ms`.

    The client's socket timeout must be longer.
    """
    return bool(client.xread({keys.lane(lane): str(after)}, count=1, block=max(1, timeout_ms)))


def stalled(client: redis.Redis, lanes: int, lease_ms: int) -> list[int]:
    """Return the lanes that have entries and no drain: no lease, or one that has said "rung" for RUNG_MS.

    A lane under load is rung again as soon as its lease has lapsed, so lost doorbells leave a lease there nearly all
    the time. A lease that would last longer than any lease does was set before the clock was set back (take.lua).
    """
    pipe = client.pipeline(transaction=False)
    for lane in range(lanes):
        pipe.xlen(keys.lane(lane))
        pipe.get(keys.lease(lane))
        pipe.pttl(keys.lease(lane))
    replies = pipe.execute()
    # Half of a lease that is shorter than that, as in tests.
    unheard_ms = lease_ms - min(RUNG_MS, lease_ms // 2)
    found = []
    for lane in range(lanes):
        entries, lease, left_ms = replies[3 * lane : 3 * lane + 3]
        unheard = lease is None or (lease == "rung" and left_ms <= unheard_ms)
        if entries and (unheard or left_ms > 2 * lease_ms):
            found.append(lane)
    return found


def refuse_books(client: redis.Redis, lanes: int, for_ms: int) -> None:
    """Have accept.lua refuse every Book with FULL for `for_ms`, in all lanes; accepted operations are decided."""
    seconds, micros = client.time()
    until_ms = seconds * 1000 + micros // 1000 + for_ms
    pipe = client.pipeline(transaction=False)
    for lane in range(lanes):
        pipe.hset(keys.meter(lane), "full_until", until_ms)
    pipe.execute()


def overview_commands(lanes: int) -> list[Command]:
    """Return what `overview` reads, as commands for one round or one pipeline."""
    commands: list[Command] = [("TIME",)]
    for lane in range(lanes):
        commands += [
            ("XLEN", keys.lane(lane)),
            ("XRANGE", keys.lane(lane), "-", "+", "COUNT", 1),
            ("GET", keys.lease(lane)),
            ("HMGET", keys.meter(lane), *meters.FIELDS),
        ]
    return commands


def overview(replies: list[Any]) -> list[LaneState]:
    """Return the state of every lane, from the replies to `overview_commands`."""
    now_ms = int(replies[0][0]) * 1000 + int(replies[0][1]) // 1000
    states = []
    for lane in range((len(replies) - 1) // 4):
        depth, head, lease, values = replies[1 + 4 * lane : 5 + 4 * lane]
        meter = meters.read(values, now_ms, empty=not depth)
        age_ms = now_ms - _accepted_ms(*head[0]) if head else 0
        states.append(LaneState(lane, depth, max(0, age_ms), lease, meter.rate, meter))
    return states


def _accepted_ms(entry_id: str, read: list[str] | dict[str, str]) -> int:
    """Return the accepted time (ms): its field, or the id of an older version's entry. redis-py returns a dict."""
    fields = read if isinstance(read, dict) else dict(zip(read[::2], read[1::2], strict=True))
    return int(fields["a"]) if "a" in fields else StreamId.parse(entry_id).ms
