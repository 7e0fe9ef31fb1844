"""Refusals at the door, held against the journal: the seat was somebody's, or just had been."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import inf

from proof.chaos.evidence import LIVE, Evidence
from proof.chaos.record import BOOK

#: The door judges by what is published. A release may wait as long as a worker is paused (faults.py).
LATE_S = 90.0
Span = tuple[float, float]


def unjust(evidence: Evidence) -> Iterator[tuple[str, float]]:
    """Refusals of seats that were nobody's, and when they were answered."""
    spans = _owned(evidence)
    for call in evidence.calls:
        if call.kind == BOOK and call.said.get("code") == "seat_taken":
            if not call.said["seats"]:
                yield f"a booking at show {call.show} was refused for seats, and none was named", call.answered_at
            for label in call.said["seats"]:
                if not _was_owned(spans[call.show, label], call.sent_at, call.answered_at):
                    text = f"seat {label} of show {call.show} was refused at the door, and was nobody's"
                    yield text, call.answered_at


def _was_owned(spans: Sequence[Span], sent_at: float, answered_at: float) -> bool:
    return any(since <= answered_at and until >= sent_at - LATE_S for since, until in spans)


def _owned(evidence: Evidence) -> dict[tuple[int, str], list[Span]]:
    """When each seat was somebody's: from one decision to another, seconds since 1970, cut to ms."""
    spans: dict[tuple[int, str], list[Span]] = defaultdict(list)
    for rows in evidence.rows_of.values():
        told = [row for row in rows if "status" in row.decision]
        ends = [evidence.decided_at(after) for _, after in pairwise(told)]
        # A booking that was lost may have nothing but a change that found nothing to change.
        for row, until in zip(told, [*ends, inf][: len(told)], strict=True):
            for label in row.decision["seats"] if row.decision["status"] in LIVE else ():
                spans[row.show_id, label].append((evidence.decided_at(row), until))
    return spans
