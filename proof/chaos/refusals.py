"""Checks refusals of named seats against the journal: the seat must have been owned, or released just before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import inf

from proof.chaos.evidence import LIVE, Evidence
from proof.chaos.record import BOOK

#: Seconds by which a refusal may lag behind a release: seats are refused by what is published, and publishing may
#: wait as long as a worker is paused (faults.py).
LATE_S = 90.0
Span = tuple[float, float]


def unjust(evidence: Evidence) -> Iterator[tuple[str, float]]:
    """Yield each refusal of a seat that was free, and when it was answered."""
    spans = _owned(evidence)
    for call in evidence.calls:
        if call.kind == BOOK and call.said.get("code") == "seat_taken":
            if not call.said["seats"]:
                yield f"a booking of show {call.show} was refused for its seats, and none was named", call.answered_at
            for label in call.said["seats"]:
                if not _was_owned(spans[call.show, label], call.sent_at, call.answered_at):
                    text = f"seat {label} of show {call.show} was refused, and was free"
                    yield text, call.answered_at


def _was_owned(spans: Sequence[Span], sent_at: float, answered_at: float) -> bool:
    return any(since <= answered_at and until >= sent_at - LATE_S for since, until in spans)


def _owned(evidence: Evidence) -> dict[tuple[int, str], list[Span]]:
    """Return when each seat was owned: from one decision to the next, in seconds since 1970."""
    spans: dict[tuple[int, str], list[Span]] = defaultdict(list)
    for rows in evidence.rows_of.values():
        decided = [row for row in rows if "status" in row.decision]
        ends = [evidence.decided_at(after) for _, after in pairwise(decided)]
        # A lost booking may have only a confirm or cancel that found nothing to change: then `decided` is empty.
        for row, until in zip(decided, [*ends, inf][: len(decided)], strict=True):
            for label in row.decision["seats"] if row.decision["status"] in LIVE else ():
                spans[row.show_id, label].append((evidence.decided_at(row), until))
    return spans
