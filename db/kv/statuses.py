"""Statuses, in Redis: what a client polls. Published by workers, read by the api, rebuilt from Postgres.

A final status leaves Redis after a while (Postgres has it for ever); one that is queued or held never does,
but for a hold that was recalled from Postgres.
The body is the JSON that the api sends, so a poll costs one read and no rendering.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
import redis

from core.bookings import Booking, Stage, Status
from core.ids import lane_of, reference
from core.operations import Kind, StreamId
from core.queue_position import Meter
from core.times import iso, to_ms
from db.kv import keys, meters, scripts
from db.kv.cards import CardChange
from db.kv.rounds import Command, Rounds

#: Seconds. A hold read from Postgres just before a batch changes it would stand for ever where that batch is never
#: published: Redis was wiped in between, so its entries are gone, and its drain was killed.
RECALLED_HOLD_S = 60


@dataclass(frozen=True, slots=True)
class Pending:
    """An accepted operation that is not decided yet."""

    kind: str
    id: StreamId
    ticket: int


def to_json(booking: Booking) -> dict[str, Any]:
    """A decided booking as clients see it, without what changes from one poll to the next."""
    last = booking.last_operation
    return {
        "id": str(booking.id),
        "reference": reference(booking.id),
        "show_id": booking.show_id,
        "status": booking.status.value,
        "stage": Stage.HELD.value if booking.status is Status.PENDING else None,
        "reason": booking.reason.value if booking.reason else None,
        "seats": list(booking.seats),
        "amount_cents": booking.amount_cents,
        "accepted_at": iso(booking.accepted_ms),
        "decided_at": iso(booking.decided_ms),
        "expires_at": iso(booking.expires_ms),
        "confirmed_at": iso(booking.confirmed_ms),
        "version": booking.version,
        "last_operation": {
            "kind": last["kind"],
            "accepted_at": iso(last["accepted_ms"]),
            "outcome": last["outcome"],
            "reason": last["reason"],
        },
        "replaced_by": str(booking.replaced_by) if booking.replaced_by else None,
    }


def body(booking: Booking) -> str:
    """`to_json` as the text that is published."""
    return orjson.dumps(to_json(booking)).decode()


def expires_ms(body_: dict[str, Any]) -> int:
    """The deadline of a published hold, ms."""
    return to_ms(datetime.fromisoformat(body_["expires_at"]))


def ttl_ms(booking: Booking, final_ttl_s: int) -> int:
    """How long its status stays in Redis, ms; 0 = for ever: a hold must not vanish before its end."""
    return 0 if booking.status is Status.PENDING else final_ttl_s * 1000


def read_commands(booking_id: UUID, show_id: int, lanes: int) -> list[Command]:
    """What a status answer reads, as commands of one round. Parse the replies with `parse`.

    The lane's length comes last: nothing is accepted between the looks at it and at the tickets before.
    """
    lane = lane_of(show_id, lanes)
    return [
        ("HGETALL", keys.status(lane, booking_id)),
        ("HMGET", keys.meter(lane), *meters.FIELDS),
        ("TIME",),
        ("XLEN", keys.lane(lane)),
    ]


def read(rounds: Rounds, booking_id: UUID, show_id: int, lanes: int) -> tuple[dict[str, str], Meter]:
    """A booking's status hash (empty if Redis has none) and its lane's meter, in one round.

    Raises: RedisUnavailable.
    """
    return parse(rounds.call(read_commands(booking_id, show_id, lanes), writes=False))


def parse(replies: list[Any]) -> tuple[dict[str, str], Meter]:
    """The replies to `read_commands`."""
    fields, meter, (seconds, micros), depth = replies
    now_ms = int(seconds) * 1000 + int(micros) // 1000
    return dict(zip(fields[::2], fields[1::2], strict=True)), meters.read(meter, now_ms, empty=not depth)


def pending(fields: dict[str, str]) -> Pending | None:
    """The newest undecided operation on an accepted booking, from its status hash."""
    found = []
    for kind in (Kind.CONFIRM, Kind.CANCEL):
        if kind in fields:
            entry_id, _, ticket = fields[kind].partition(" ")
            found.append(Pending(kind.value, StreamId.parse(entry_id), int(ticket)))
    return max(found, key=lambda one: one.id, default=None)


def publish_command(booking: Booking, lanes: int, final_ttl_s: int) -> Command:
    """Put a booking's status, recalled from Postgres, into Redis unless a newer version is there (publish.lua).

    A hold recalled is believed for RECALLED_HOLD_S only, and then recalled again.
    """
    return (
        "EVALSHA",
        scripts.PUBLISH.sha,
        1,
        keys.status(lane_of(booking.show_id, lanes), booking.id),
        booking.version,
        (min(final_ttl_s, RECALLED_HOLD_S) if booking.status is Status.PENDING else final_ttl_s) * 1000,
        *("s", booking.status.value, "u", str(booking.user_id), "f", booking.fingerprint, "b", body(booking)),
    )


@dataclass(frozen=True, slots=True)
class Pace:
    """Entries per second that a batch alone has shown. `crowded`: it was large, so what lies between it and the batch
    before costs those in line time as well (finish.lua makes the lane's rate of both)."""

    per_s: float
    crowded: bool


@dataclass(frozen=True, slots=True)
class Publication:
    """A committed batch, ready for finish.lua. `newest` maps a booking to the last operation decided on it; `seq` is
    the lane's last number in the journal; `settled` are bookings that nothing in the lane withdraws any more."""

    lane: int
    epoch: str
    upto: StreamId
    ticket: int
    seq: int
    bookings: Sequence[Booking]
    newest: dict[UUID, StreamId]
    cards: Sequence[CardChange]
    expired: Sequence[tuple[int, StreamId]]
    settled: Sequence[UUID]


def finish(
    client: redis.Redis,
    batch: Publication,
    *,
    token: str,
    lease_ms: int,
    pace: Pace | None,
    final_ttl_s: int,
) -> list[int] | None:
    """Trim the lane and publish a committed batch (docs/locking.md rules 6 and 7).

    Returns those of its shows whose taken seats the door does not know; None: another drain or Redis was first.
    Repeat:  safe, also by a drain that wakes up late.
    """
    arguments: list[str | int | bytes] = [
        batch.epoch,
        f"{batch.upto.ms}-{batch.upto.seq + 1}",
        batch.ticket,
        token,
        lease_ms,
        "" if pace is None else f"{pace.per_s:.1f} {pace.crowded:d}",
        len(batch.bookings),
        len(batch.cards),
        keys.DECIDED,
        " ".join(booking.id.hex for booking in batch.bookings),
        batch.seq,
        " ".join(id_.hex for id_ in batch.settled),
    ]
    for booking in batch.bookings:
        arguments += _status_arguments(booking, batch.newest.get(booking.id), final_ttl_s)
    for card in batch.cards:
        arguments += card.arguments()
    arguments += [str(entry_id) for _, entry_id in batch.expired]
    reply: Any = scripts.FINISH.run(client, _finish_keys(batch), arguments)
    published, *knows = reply
    return [card.show_id for card, known in zip(batch.cards, knows, strict=True) if not known] if published else None


def _finish_keys(batch: Publication) -> list[str]:
    """The keys that finish.lua takes, in its order."""
    lane = batch.lane
    found = [keys.lane(lane), keys.lease(lane), keys.meter(lane), keys.withdrawn(lane)]
    found += [keys.status(lane, booking.id) for booking in batch.bookings]
    for card in batch.cards:
        found += [make(lane, card.show_id) for make in (keys.card, keys.taken, keys.undecided)]
    return found + [keys.expiring(lane, show_id) for show_id, _ in batch.expired]


def _status_arguments(booking: Booking, newest: StreamId | None, final_ttl_s: int) -> list[str | int]:
    """What finish.lua takes per status, in its order."""
    return [
        booking.version,
        booking.status.value,
        str(booking.user_id),
        booking.fingerprint,
        body(booking),
        ttl_ms(booking, final_ttl_s),
        str(newest or ""),
    ]
