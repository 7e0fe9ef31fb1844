"""Statuses, in Redis: what clients poll. Published by workers (finish.py), read by the api, rebuilt from Postgres.

A final status leaves Redis after a while; Postgres keeps it. Queued and held ones stay, except holds that were
recalled from Postgres. The body is the JSON that the api sends, so a poll costs one read and no rendering.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from core.bookings import STAGES, Booking, Status
from core.ids import lane_of, reference
from core.operations import BOOKING_CHANGES, StreamId
from core.queue_position import Meter
from core.times import iso, to_ms
from db.kv import keys, meters, scripts
from db.kv.rounds import Command, Rounds

#: Seconds for which a hold that was recalled from Postgres is kept. If it was read just before a batch changed it,
#: and that batch is never published (Redis was wiped in between and the drain killed), it must not stay forever.
RECALLED_HOLD_S = 60


@dataclass(frozen=True, slots=True)
class UndecidedOperation:
    """An accepted operation that is not decided yet."""

    kind: str
    id: StreamId
    ticket: int


def to_json(booking: Booking) -> dict[str, Any]:
    """Return a decided booking as clients see it, without what changes from one poll to the next."""
    last, stage = booking.last_operation, STAGES.get(booking.status)
    return {
        "id": str(booking.id),
        "reference": reference(booking.id),
        "show_id": booking.show_id,
        "status": Status.PENDING.value if stage else booking.status.value,
        "stage": stage.value if stage else None,
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
        "released": list(booking.released),
        "extended": booking.extended,
        "waiting_number": booking.waiting_number,
        "wish": booking.wish_granted,
        "apart": booking.apart,
    }


def body(booking: Booking) -> str:
    """Return `to_json` as the text that is published."""
    return orjson.dumps(to_json(booking)).decode()


def expires_ms(body_: dict[str, Any]) -> int:
    """Return the deadline of a published hold, ms."""
    return to_ms(datetime.fromisoformat(body_["expires_at"]))


def ttl_ms(booking: Booking, final_ttl_s: int) -> int:
    """Return for how long a booking's status stays in Redis, ms; 0: it stays, as a hold must until it ends."""
    return 0 if booking.status in STAGES else final_ttl_s * 1000


def read_commands(booking_id: UUID, show_id: int, lanes: int) -> list[Command]:
    """Return what a status answer reads, as commands of one round. Parse the replies with `parse`.

    The lane's length is read last, so that no operation is accepted between reading it and the tickets.
    """
    lane = lane_of(show_id, lanes)
    return [
        ("HGETALL", keys.status(lane, booking_id)),
        ("HMGET", keys.meter(lane), *meters.FIELDS),
        ("TIME",),
        ("XLEN", keys.lane(lane)),
    ]


def read(rounds: Rounds, booking_id: UUID, show_id: int, lanes: int) -> tuple[dict[str, str], Meter]:
    """Return a booking's status hash (empty if Redis has none) and its lane's meter, in one round.

    Raises: RedisUnavailable.
    """
    return parse(rounds.call(read_commands(booking_id, show_id, lanes), writes=False))


def parse(replies: list[Any]) -> tuple[dict[str, str], Meter]:
    """Parse the replies to `read_commands`."""
    fields, meter, (seconds, micros), depth = replies
    now_ms = int(seconds) * 1000 + int(micros) // 1000
    return dict(zip(fields[::2], fields[1::2], strict=True)), meters.read(meter, now_ms, empty=not depth)


def undecided_operation(fields: dict[str, str]) -> UndecidedOperation | None:
    """Return the newest undecided change of a booking, from its status hash."""
    found = []
    for kind in BOOKING_CHANGES:
        if kind in fields:
            entry_id, ticket = fields[kind].split(" ")[:2]
            found.append(UndecidedOperation(kind.value, StreamId.parse(entry_id), int(ticket)))
    return max(found, key=lambda one: one.id) if found else None


def publish_command(booking: Booking, lanes: int, final_ttl_s: int) -> Command:
    """Return the call of put_if_newer.lua: put a status, recalled from Postgres, into Redis unless a newer one is
    there.

    A recalled hold, or waiting booking, is kept for RECALLED_HOLD_S only, and then recalled again.
    """
    return (
        "EVALSHA",
        scripts.PUT_IF_NEWER.sha,
        1,
        keys.status(lane_of(booking.show_id, lanes), booking.id),
        booking.version,
        (min(final_ttl_s, RECALLED_HOLD_S) if booking.status in STAGES else final_ttl_s) * 1000,
        *("s", booking.status.value, "u", str(booking.user_id), "f", booking.fingerprint, "b", body(booking)),
    )
