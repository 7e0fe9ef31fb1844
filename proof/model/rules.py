"""Invariants of every state and of every step; numbers as in docs/reliability.md.

I1 no seat in two live bookings   I2 what was accepted is decided once, or waits   I3 a published status only moves
forward   I4 a key repeated is accepted once   I5 nothing is published that is not recorded   I6 decided order is
accepted order, and the journal's replay gives its outcomes.
"""

from __future__ import annotations

from functools import lru_cache

from proof.model import cards, clients, drains
from proof.model.faults import FORGETTING
from proof.model.layout import ABSENT, LOST, QUEUED, ROW, Layout, entry_life, entry_name, journal_rows, request_of
from proof.model.postgres import CANCELLED, SETTLED, decide, record
from proof.model.sizes import BOOK
from proof.model.steps import Step


def broken_by_step(layout: Layout, step: Step, before: bytes, after: bytes | bytearray) -> str:
    """Return what is wrong with a step, in words; "" if nothing is."""
    if step in FORGETTING:
        return ""
    if after[layout.card] < before[layout.card]:
        return "I3: the show's card went backwards"
    first, end = layout.status, layout.status + len(layout.requests)
    if after[first:end] == before[first:end]:
        return ""
    for request, place in enumerate(range(first, end)):
        if after[place] < before[place]:
            versions = f"{before[place] - QUEUED} -> {after[place] - QUEUED}"
            return f"I3: the published version of booking {request} went backwards: {versions}"
    return ""


def broken(layout: Layout, state: bytes) -> str:
    """Return what is wrong with a state, in words; "" if nothing is."""
    rows = layout.rows(state)
    return _journal(rows, layout.requests) or _lane(layout, state, rows) or _published(layout, state, rows)


@lru_cache(maxsize=1 << 16)
def _journal(rows: bytes, requests: tuple[int, ...]) -> str:
    journal = list(journal_rows(rows))
    entries = [row.entry for row in journal]
    if len(set(entries)) < len(entries):
        return "I2: an entry was decided twice"
    books = [row.request for row in journal if requests[row.request] == BOOK]
    if len(set(books)) < len(books):
        return "I2: a booking was decided twice"
    if record(rows, requests).owners > 1:
        return "I1: the seat belongs to two live bookings"
    if entries != sorted(entries):
        return "I6: decided in another order than accepted"
    for number, (_, request, outcome) in enumerate(journal):
        before = record(rows[: number * ROW], requests)
        withdrawn = outcome == CANCELLED  # only the outcome shows it
        if decide(before, request, requests, withdrawn=withdrawn) != outcome:
            return "I6: the journal's replay gives another outcome"
    return ""


def _lane(layout: Layout, state: bytes, rows: bytes) -> str:
    known, life = record(rows, layout.requests), state[layout.life]
    waiting = []
    for number, mark in enumerate(layout.lane(state, life), 1):
        if mark >= LOST:
            continue
        request = mark - 1
        decided = entry_name(life, number) in known.decided
        decided |= layout.requests[request] == BOOK and bool(known.states[request])
        if not decided and number <= state[layout.head]:
            return f"I2: request {request} was accepted; it is not decided, and not in its lane"
        if not decided:
            waiting.append(request)
    if len(set(waiting)) < len(waiting):
        return "I4: a request waits in its lane twice"
    return ""


def _published(layout: Layout, state: bytes, rows: bytes) -> str:
    known = record(rows, layout.requests)
    for request in range(len(layout.requests)):
        if state[layout.status + request] > QUEUED + len(known.states[request]):
            return f"I5: an outcome of booking {request} is published that Postgres does not have"
    if state[layout.card] and state[layout.card] > cards.current(rows, layout.requests):
        return "I5: a card is published that Postgres does not have"
    for entry, request, outcome in journal_rows(rows):
        if outcome == CANCELLED and layout.requests[request] == BOOK:
            lane = layout.lane(state, entry_life(entry))
            if not any(layout.requests[request_of(mark)] == request for mark in lane):
                return f"I5: booking {request} was withdrawn, and its Cancel was not accepted"
    return ""


def at_rest(layout: Layout, state: bytes) -> bool:
    """Return whether all is done: no process at work, the lane empty, all that was accepted decided and published."""
    if layout.waiting(state) or any(state[at] != clients.IDLE for at in layout.apis):
        return False
    if any(state[at] != drains.IDLE for at in layout.workers):
        return False
    requests, rows = len(layout.requests), layout.rows(state)
    # The mark that a deleted Cancel leaves behind does no harm to a booking that is decided.
    if any(state[layout.withdrawn : layout.withdrawn + requests]) and not state[layout.losses]:
        return False
    known = record(rows, layout.requests)
    if cards.sold_out(state[layout.card]) and not known.owners:
        return False
    return all(
        _settled(layout, state, request, known.states[layout.bookings[request]]) for request in range(requests)
    )


def _settled(layout: Layout, state: bytes, request: int, states: tuple[int, ...]) -> bool:
    """Return whether nothing is left to do about a request; `states` are those of its booking."""
    if layout.undecided(state, request):
        return False
    answered, status = state[layout.answered + request], state[layout.status + request]
    if layout.requests[request] != BOOK:
        return not answered or bool(states and states[-1] in SETTLED)
    version = status - QUEUED
    forgotten = status == ABSENT and bool(state[layout.life] or state[layout.forgets] or state[layout.failovers])
    published = version == len(states) if states else status == ABSENT
    # A final status that a failover has set back shows the same outcome as the newest, and leaves by its TTL.
    published |= bool(state[layout.failovers]) and 0 < version < len(states) and states[version - 1] in SETTLED
    return (published or forgotten) and (bool(states) or not answered)
