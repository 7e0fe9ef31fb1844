"""Steps of clients and api: ask, accept, ring, answer; and recall what Redis has forgotten.

An api that crashes, and an answer that is lost on its way to it or from it, leave the same state: what was
written is written, and the client knows nothing. So there is one step for all of these.
"""

from __future__ import annotations

from model.layout import ABSENT, NOBODY, QUEUED, RUNG, Layout
from model.postgres import SETTLED, record
from model.sizes import BOOK
from model.steps import Move, Step

IDLE, ACCEPTS, RINGS, ANSWERS, RECALLS, REPUBLISHES = range(6)

ASK = Step("the client sends request {}", "api/bookings.py create")
REPEAT = Step("the client sends request {} again, with its key", "api/bookings.py create", fault=True)
POLL = Step("the client polls request {}; Redis knows nothing of it", "api/desk.py look")
NOTICE = Step("the client sees that request {} was lost, and will repeat it", "api/desk.py look")
#: The protocol must not need a client who asks again for what was decided: then it counts as a fault.
NOTICE_WRONGLY = Step("the client takes request {} for lost, and will repeat it", "api/desk.py look", fault=True)
ACCEPT = Step("api {}: accept.lua", "db/lua/accept.lua")
RING = Step("api {}: sends the doorbell", "workers/actors.py ring")
RING_LOST = Step("api {}: the doorbell is lost", "workers/actors.py ring", fault=True)
ANSWER = Step("api {}: answers 202", "api/bookings.py create")
RECALL = Step("api {}: reads the booking from Postgres", "api/door.py recall")
REPUBLISH = Step("api {}: publish.lua", "db/lua/publish.lua")
CRASH = Step("api {}: crashes, or its answer is lost", "api/bookings.py create", fault=True)


def moves(layout: Layout, state: bytes) -> list[Move]:
    """Every step that a client or an api can take."""
    found: list[Move] = []
    idle = next((at for at in layout.apis if state[at] == IDLE), None)
    if idle is not None:
        _ask(layout, state, idle, found)
    for number, at in enumerate(layout.apis):
        if state[at] != IDLE:
            _api(layout, state, number, at, found)
    return found


def _ask(layout: Layout, state: bytes, api: int, found: list[Move]) -> None:
    """Clients: a Cancel is sent when its Book has been answered; a request may be sent while another is handled."""
    size = layout.size
    for request, target in enumerate(size.requests):
        handled = any(state[at] != IDLE and state[at + 1] == request for at in layout.apis)
        answered = state[layout.answered + request]
        again = bool(answered or handled)
        if (target == BOOK or state[layout.answered + target]) and (size.faults or not again):
            after = bytearray(state)
            after[api], after[api + 1] = ACCEPTS, request
            found.append((REPEAT if again else ASK, request, after))
        if answered and not handled and (size.wipes or size.forgets):
            _look(layout, state, api, request, found)


def _look(layout: Layout, state: bytes, api: int, request: int, found: list[Move]) -> None:
    """A client with its 202 looks at its booking after Redis has forgotten something."""
    booking = layout.bookings[request]
    status, after = state[layout.status + booking], bytearray(state)
    if status == ABSENT and booking == request:
        after[api], after[api + 1] = RECALLS, request
        found.append((POLL, request, after))
    lost = status > QUEUED and booking != request and not state[layout.pending + booking]
    if lost and _state_of(layout, state, booking, status - QUEUED) not in SETTLED:
        after[layout.answered + request] = 0
        known = record(layout.rows(state), layout.requests).states[booking]
        found.append((NOTICE_WRONGLY if known[-1] in SETTLED else NOTICE, request, after))


def _api(layout: Layout, state: bytes, number: int, at: int, found: list[Move]) -> None:
    step, request, after = state[at], state[at + 1], bytearray(state)
    if step == ACCEPTS:
        accept(layout, after, at)
        found.append((ACCEPT, number, after))
    elif step == RINGS:
        after[at] = ANSWERS
        lost = bytearray(after)
        after[layout.bell] = layout.size.doorbells
        found.append((RING, number, after))
        if layout.size.faults:
            found.append((RING_LOST, number, lost))
    elif step == ANSWERS:
        _end(after, at)
        after[layout.answered + request] = 1
        found.append((ANSWER, number, after))
    elif step == RECALLS:
        versions = len(record(layout.rows(state), layout.requests).states[layout.bookings[request]])
        if versions:
            after[at], after[at + 2] = REPUBLISHES, versions
        else:
            _end(after, at)  # 404: the client will repeat it with its key
            after[layout.answered + request] = 0
        found.append((RECALL, number, after))
    else:
        _republish(layout, after, at)
        found.append((REPUBLISH, number, after))
    if layout.size.faults:
        after = bytearray(state)
        _end(after, at)
        found.append((CRASH, number, after))


def accept(layout: Layout, state: bytearray, at: int) -> None:
    """accept.lua: look at the status; append, note, ring; or ring again for what is not decided."""
    request = state[at + 1]
    booking = layout.bookings[request]
    status = layout.status + booking
    rung = False
    if booking == request:
        known = state[status] != ABSENT
        if not known or layout.size.bug == "accept is not idempotent":
            _append(layout, state, request)
            state[status] = max(state[status], QUEUED)
        rung = state[status] == QUEUED and _ring(layout, state)
    elif state[status] == ABSENT:
        state[at] = RECALLS
        return
    elif state[status] == QUEUED or _state_of(layout, state, booking, state[status] - QUEUED) not in SETTLED:
        if not state[layout.pending + booking]:
            state[layout.pending + booking] = _append(layout, state, request)
            state[layout.recalled + booking] = 0
            state[layout.withdrawn + booking] = state[status] == QUEUED
        rung = _ring(layout, state)
    state[at] = RINGS if rung else ANSWERS


def _append(layout: Layout, state: bytearray, request: int) -> int:
    """XADD: returns the entry's number."""
    life = state[layout.life]
    number = len(layout.lane(state, life))
    assert number < layout.entries, "the layout has too little room for the lane"
    state[layout.log + life * layout.entries + number] = request + 1
    return number + 1


def _ring(layout: Layout, state: bytearray) -> bool:
    """SET marker "rung" NX: whether the lane was asleep."""
    asleep = state[layout.marker] == NOBODY
    if asleep:
        state[layout.marker] = RUNG
    return asleep


def _state_of(layout: Layout, state: bytes | bytearray, booking: int, version: int) -> int:
    """What a published version of a booking says; a version that Postgres does not have says nothing."""
    states = record(layout.rows(state), layout.requests).states[booking]
    return states[version - 1] if version <= len(states) else 0


def _republish(layout: Layout, state: bytearray, at: int) -> None:
    """publish.lua: what was read from Postgres, unless a newer version is there; a Cancel is then tried again."""
    request, version = state[at + 1], state[at + 2]
    booking = layout.bookings[request]
    status = layout.status + booking
    if state[status] < QUEUED + version or layout.size.bug == "publish.lua does not compare versions":
        state[status] = QUEUED + version
        state[layout.recalled + booking] = not state[layout.pending + booking]
    if booking == request:
        _end(state, at)
    else:
        state[at], state[at + 2] = ACCEPTS, 0


def _end(state: bytearray, at: int) -> None:
    state[at : at + 3] = bytes(3)
