"""What the journal says: decide, in small, for the one seat. A prefix of the journal is a state of Postgres."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from proof.model.layout import ROW
from proof.model.sizes import BOOK

#: Outcomes of decisions, as a journal row holds them: core/decide.py book and cancel.
CONFIRMED, FAILED, CANCELLED, UNCHANGED, REFUSED = range(1, 6)
OUTCOMES = ("", "CONFIRMED", "FAILED", "CANCELLED", "UNCHANGED", "REFUSED")
#: A Cancel of these adds nothing to the lane: core/bookings.py SETTLED.
SETTLED = (FAILED, CANCELLED)


@dataclass(frozen=True)
class Record:
    """Bookings, seat and decided entries after some rows.

    states: per request, its booking's state in version 1, 2, ...; none: no booking.
    owners: how many live bookings the one seat has.   decided: the entries that have a row.
    """

    states: tuple[tuple[int, ...], ...]
    owners: int
    decided: frozenset[int]


@lru_cache(maxsize=1 << 16)
def record(rows: bytes, requests: tuple[int, ...]) -> Record:
    """What some journal rows have made of the tables; believes their outcomes."""
    states: list[list[int]] = [[] for _ in requests]
    owners, decided = 0, set()
    for at in range(0, len(rows), ROW):
        entry, request, outcome = rows[at : at + ROW]
        decided.add(entry)
        target = requests[request]
        booking = states[request if target == BOOK else target]
        if outcome in (CONFIRMED, FAILED, CANCELLED):
            booking.append(outcome)
            owners += (outcome == CONFIRMED) - (outcome == CANCELLED and target != BOOK)
        elif booking:
            booking.append(booking[-1])
    return Record(tuple(map(tuple, states)), owners, frozenset(decided))


def decide(
    known: Record, request: int, requests: tuple[int, ...], *, withdrawn: bool = False, look: bool = True
) -> int:
    """The outcome of a request; 0 for a Book whose booking has one already (unless it does not `look`).

    withdrawn: the Book's Cancel is in the lane.
    """
    target = requests[request]
    if target == BOOK:
        if look and known.states[request]:
            return 0
        if withdrawn:
            return CANCELLED
        return FAILED if known.owners else CONFIRMED
    states = known.states[target]
    if not states or states[-1] == FAILED:
        return REFUSED
    return CANCELLED if states[-1] == CONFIRMED else UNCHANGED


def decide_batch(
    rows: bytes, fresh: list[tuple[int, int]], requests: tuple[int, ...], *, withdrawn: int = 0, look: bool = True
) -> bytes:
    """The rows that a batch of fresh (entry, request) adds to the `rows` it has loaded: workers/batch.py _decide.

    withdrawn: a bit for each Book that is.
    """
    new = b""
    for entry, request in fresh:
        known, is_withdrawn = record(rows + new, requests), bool(withdrawn >> request & 1)
        outcome = decide(known, request, requests, withdrawn=is_withdrawn, look=look)
        if outcome:
            new += bytes((entry, request, outcome))
    return new
