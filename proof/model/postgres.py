"""A small version of decide, for the one seat, over the journal. A prefix of the journal is a state of Postgres."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from proof.model.layout import journal_rows
from proof.model.sizes import BOOK

#: Outcomes of decisions, as a journal row holds them: core/decide_book.py book, core/decide_change.py cancel.
CONFIRMED, FAILED, CANCELLED, UNCHANGED, REFUSED = range(1, 6)
OUTCOMES = ("", "CONFIRMED", "FAILED", "CANCELLED", "UNCHANGED", "REFUSED")
#: A Cancel of such a booking adds nothing to the lane: core/bookings.py SETTLED.
SETTLED = (FAILED, CANCELLED)


@dataclass(frozen=True)
class Record:
    """Bookings, seat and decided entries after some rows.

    states: per request, its booking's states in versions 1, 2, ...; empty if there is no booking.
    owners: how many live bookings the one seat has.   decided: the entries that have a row.
    """

    states: tuple[tuple[int, ...], ...]
    owners: int
    decided: frozenset[int]


@lru_cache(maxsize=1 << 16)
def record(rows: bytes, requests: tuple[int, ...]) -> Record:
    """Return the tables after some journal rows, taking their outcomes as given."""
    states: list[list[int]] = [[] for _ in requests]
    owners, decided = 0, set()
    for entry, request, outcome in journal_rows(rows):
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
    """Return the outcome of a request; 0 for a Book whose booking has one already (not checked without `look`).

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
    """Return the rows that fresh (entry, request) pairs add to the loaded `rows`: workers/batch.py _decide.

    withdrawn: bit n is set if the Book of request n is withdrawn.
    """
    new = b""
    for entry, request in fresh:
        known, is_withdrawn = record(rows + new, requests), bool(withdrawn >> request & 1)
        outcome = decide(known, request, requests, withdrawn=is_withdrawn, look=look)
        if outcome:
            new += bytes((entry, request, outcome))
    return new
