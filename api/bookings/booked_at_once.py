"""`Prefer: wait=N` (RFC 7240) on POST /api/bookings: the outcome in the same answer, if it comes within N seconds."""

from __future__ import annotations

import asyncio
import re
from typing import Any
from uuid import UUID

import orjson

from api.bookings import refusals
from api.bookings.service import BookingService
from api.web.errors import Busy, NoSuchBooking
from api.web.reply import Reply
from core.bookings import Stage, Status
from core.errors import PostgresUnavailable, RedisUnavailable

#: One preference with its value; of several `wait`, the first counts, and what is no such number is ignored.
_WAIT = re.compile(r'\s*wait\s*=\s*"?([0-9]{1,6})"?\s*(?:;.*)?', re.ASCII | re.IGNORECASE)


def preferred_wait_s(prefer: str | None, most_s: float) -> int:
    """Return how many whole seconds the header Prefer asks to wait, at most `most_s`; 0: not at all."""
    for preference in (prefer or "").split(","):
        if match := _WAIT.fullmatch(preference):
            return min(int(match[1]), int(most_s))
    return 0


async def book(
    service: BookingService,
    user_id: UUID,
    key: str | None,
    asked: dict[str, Any],
    request_id: str,
    wait_s: int,
    gone: asyncio.Future[Any] | None = None,
) -> Reply:
    """Ask for seats as `service.book` does, and wait for the outcome.

    Returns 201 if seats were held or sold while it waited; 200 for every other outcome, and for a repetition whose
    outcome was there already; else 202, as without waiting: after `wait_s` seconds, when no slot for waiting requests
    is free, when the client is `gone`, or when a store fails meanwhile. Raises: as `service.book`. Repeat: as there.
    """
    accepted = await service.book(user_id, key, asked, request_id)
    if accepted.status != 202:
        return _applied(accepted, wait_s) if accepted.status == 200 else accepted
    booking_id = UUID(dict(accepted.headers)["Location"][-36:])
    try:
        # It takes its slot, and then looks: a publication in between wakes it, and an earlier one is seen.
        seen = await service.wait(booking_id, user_id, wait_s, gone)
    except (RedisUnavailable, PostgresUnavailable, Busy, NoSuchBooking):
        return accepted  # it is in its lane all the same
    location = refusals.location(booking_id)
    if seen.waits:
        return seen.reply(202, location)
    said = orjson.loads(seen.body)
    created = said["status"] == Status.CONFIRMED.value or said["stage"] == Stage.HELD.value
    return _applied(seen.reply(201 if created else 200, location), wait_s)


def _applied(reply: Reply, wait_s: int) -> Reply:
    reply.headers.append(("Preference-Applied", f"wait={wait_s}"))
    return reply
