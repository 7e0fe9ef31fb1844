"""What must be true in every state, and of every step; numbers as in docs/reliability.md.

I1 no seat in two live bookings   I2 what was accepted is decided once, or waits   I3 a published status only moves
forward   I4 a key repeated is accepted once   I5 nothing is published that is not recorded   I6 decided order is
accepted order, and the journal's replay gives its outcomes.
"""

from __future__ import annotations

from functools import lru_cache

from proof.model import cards, door, drains
from proof.model.faults import FORGETTING
from proof.model.layout import ABSENT, LOST, QUEUED, ROW, Layout, entry_life, entry_name, request_of
from proof.model.postgres import CANCELLED, SETTLED, decide, record
from proof.model.sizes import BOOK
from proof.model.steps import Step


def broken_by_step(layout: Layout, step: Step, before: bytes, after: bytes | bytearray) -> str:
    """What is wrong about a step, in words; "" if nothing."""
    if step in FORGETTING:
        return ""
    if after[layout.card] < before[layout.card]:
        return "I3: the show's card went backwards"
    first, end = layout.status, layout.status + len(layout.requests)
    if after[first:end] == before[first:end]:
        return ""
    for request, place in enumerate(range(first, end)):
        if after[place] < before[place]:
            told = f"{before[place] - QUEUED} -> {after[place] - QUEUED}"
            return f"I3: the published version of booking {request} went backwards: {told}"
    return ""


def broken(layout: Layout, state: bytes) -> str:
    """What is wrong about a state, in words; "" if nothing."""
    rows = layout.rows(state)
    return _journal(rows, layout.requests) or _lane(layout, state, rows) or _published(layout, state, rows)


@lru_cache(maxsize=1 << 16)
def _journal(rows: bytes, requests: tuple[int, ...]) -> str:
    entries = [rows[at] for at in range(0, len(rows), ROW)]
    if len(set(entries)) < len(entries):
        return "I2: an entry was decided twice"
    books = [rows[at + 1] for at in range(0, len(rows), ROW) if requests[rows[at + 1]] == BOOK]
    if len(set(books)) < len(books):
        return "I2: a booking was decided twice"
    if record(rows, requests).owners > 1:
        return "I1: the seat belongs to two live bookings"
    if entries != sorted(entries):
        return "I6: decided in another order than accepted"
    for at in range(0, len(rows), ROW):
        withdrawn = rows[at + 2] == CANCELLED  # only the outcome tells
        if decide(record(rows[:at], requests), rows[at + 1], requests, withdrawn=withdrawn) != rows[at + 2]:
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
    for at in range(0, len(rows), ROW):
        if rows[at + 2] == CANCELLED and layout.requests[rows[at + 1]] == BOOK:
            life = entry_life(rows[at])
            if not any(layout.requests[request_of(mark)] == rows[at + 1] for mark in layout.lane(state, life)):
                return f"I5: booking {rows[at + 1]} was withdrawn, and its Cancel was not accepted"
    return ""


def at_rest(layout: Layout, state: bytes) -> bool:
    """Whether all is done: nobody at work, the lane empty, all that was accepted is decided and published."""
    if layout.waiting(state) or any(state[at] != door.IDLE for at in layout.apis):
        return False
    if any(state[at] != drains.IDLE for at in layout.workers):
        return False
    requests, rows = len(layout.requests), layout.rows(state)
    # One that is left behind by a deleted Cancel takes nothing from a booking that is decided.
    if any(state[layout.withdrawn : layout.withdrawn + requests]) and not state[layout.losses]:
        return False
    known = record(rows, layout.requests)
    if cards.sold_out(state[layout.card]) and not known.owners:
        return False
    return all(
        _settled(layout, state, request, known.states[layout.bookings[request]]) for request in range(requests)
    )


def _settled(layout: Layout, state: bytes, request: int, states: tuple[int, ...]) -> bool:
    """Whether nothing is left to do about a request, `states` being those of its booking."""
    if layout.undecided(state, request):
        return False
    answered, status = state[layout.answered + request], state[layout.status + request]
    if layout.requests[request] != BOOK:
        return not answered or bool(states and states[-1] in SETTLED)
    version = status - QUEUED
    forgotten = status == ABSENT and bool(state[layout.life] or state[layout.forgets] or state[layout.failovers])
    published = version == len(states) if states else status == ABSENT
    # A final status that a failover has set back says the same as the newest, and leaves by its TTL.
    published |= bool(state[layout.failovers]) and 0 < version < len(states) and states[version - 1] in SETTLED
    return (published or forgotten) and (bool(states) or not answered)
