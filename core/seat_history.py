"""Who had a seat, and when: from the decisions about the bookings that had it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from core.bookings import LIVE, Status


@dataclass(frozen=True, slots=True)
class BookingDecision:
    """A decision about a booking, as recorded. Times are ms; `decision`: what changed (schema.sql, table journal).

    `accepted_ms`: of the operation, by its entry's id.   `recorded_ms`: by Postgres's clock, just before COMMIT.
    """

    lane: int
    seq: int
    part: int
    kind: str
    booking_id: UUID
    outcome: str
    reason: str | None
    decision: Mapping[str, Any]
    accepted_ms: int
    decided_ms: int
    recorded_ms: int


@dataclass(frozen=True, slots=True)
class Ownership:
    """A time in which one booking had the seat, HELD or CONFIRMED.

    `until_ms`: None if it still has it.   `ended_by`: the decision that ended it.
    """

    booking_id: UUID
    status: str
    from_ms: int
    until_ms: int | None
    ended_by: BookingDecision | None


def ownerships(label: str, decisions: Iterable[BookingDecision]) -> list[Ownership]:
    """Return who had a seat, in order. `decisions`: all about the bookings that ever had it, in order of seq."""
    found: list[Ownership] = []
    current: dict[UUID, tuple[str, int]] = {}
    for decision in decisions:
        changes, id_ = decision.decision, decision.booking_id
        if "status" not in changes:
            continue  # a refusal, which changed nothing
        has = changes["status"] in LIVE and label in changes["seats"]
        status = "HELD" if changes["status"] == Status.PENDING else str(changes["status"])
        before = current.get(id_)
        if before is not None and not (has and status == before[0]):
            found.append(Ownership(id_, before[0], before[1], decision.decided_ms, decision))
            del current[id_]
        if has and id_ not in current:
            current[id_] = status, decision.decided_ms
    found += [Ownership(id_, status, from_ms, None, None) for id_, (status, from_ms) in current.items()]
    return sorted(found, key=lambda each: (each.from_ms, each.until_ms is None))
