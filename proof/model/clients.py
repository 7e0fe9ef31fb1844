"""Steps of clients and apis: send, accept, ring, answer; and recall what Redis has forgotten.

A crash of the api, and the loss of an answer to it or from it, leave the same state: what was written is written,
and the client knows nothing. So there is one step for all of these.
"""

from __future__ import annotations

from proof.model import cards
from proof.model.layout import ABSENT, API, NOBODY, QUEUED, REQUEST, RUNG, VERSION, Layout
from proof.model.postgres import SETTLED, record
from proof.model.sizes import BOOK
from proof.model.steps import Move, Step

IDLE, ACCEPTS, RINGS, ANSWERS, RECALLS, REPUBLISHES, RECALLS_CARD, PUBLISHES_CARD = range(8)

SEND = Step("the client sends request {}", "api/bookings/service.py book")
REPEAT = Step("the client sends request {} again, with its key", "api/bookings/service.py book", fault=True)
NEWCOMER = Step(
    "another client books, and the show's card is missing or to be confirmed", "api/bookings/service.py accept"
)
POLL = Step("the client polls request {}; Redis knows nothing of it", "api/bookings/service.py look")
POLL_PASSED = Step(
    "the client polls request {}, whose turn has passed without an outcome", "api/bookings/status_body.py passed"
)
POLL_OVERDUE = Step("the client polls request {}, whose deadline has passed", "api/bookings/status_body.py overdue")
NOTICE = Step("the client sees that request {} was lost, and will repeat it", "api/bookings/service.py look")
#: The protocol must not depend on clients that repeat what has been decided, so this step counts as a fault.
NOTICE_WRONGLY = Step(
    "the client takes request {} for lost, and will repeat it", "api/bookings/service.py look", fault=True
)
ACCEPT = Step("api {}: accept.lua", "db/kv/lua/accept.lua")
RING = Step("api {}: sends the doorbell", "workers/actors.py ring")
RING_LOST = Step("api {}: the doorbell is lost", "workers/actors.py ring", fault=True)
ANSWER = Step("api {}: answers 202", "api/bookings/service.py book")
RECALL = Step("api {}: reads the booking from Postgres", "api/bookings/intake.py recall")
REPUBLISH = Step("api {}: put_if_newer.lua", "db/kv/lua/put_if_newer.lua")
RECALL_CARD = Step("api {}: reads the show's card from Postgres", "api/bookings/intake.py publish_card")
PUBLISH_CARD = Step("api {}: put_if_newer.lua, the card", "db/kv/cards.py publish")
CRASH = Step("api {}: crashes, or its answer is lost", "api/bookings/service.py book", fault=True)


def moves(layout: Layout, state: bytes) -> list[Move]:
    """Return every step that a client or an api can take."""
    found: list[Move] = []
    idle = next((at for at in layout.apis if state[at] == IDLE), None)
    if idle is not None:
        _send(layout, state, idle, found)
        _newcomer(layout, state, idle, found)
    for number, at in enumerate(layout.apis):
        if state[at] != IDLE:
            _api(layout, state, number, at, found)
    return found


def _send(layout: Layout, state: bytes, api: int, found: list[Move]) -> None:
    """Send a Cancel once its Book has been answered; a request may be sent while others are handled."""
    size = layout.size
    for request, target in enumerate(size.requests):
        handled = any(state[at] != IDLE and state[at + REQUEST] == request for at in layout.apis)
        answered = state[layout.answered + request]
        again = bool(answered or handled)
        if (target == BOOK or state[layout.answered + target]) and (size.faults or not again):
            after = bytearray(state)
            after[api], after[api + REQUEST] = ACCEPTS, request
            found.append((REPEAT if again else SEND, request, after))
        if answered and not handled and (size.wipes or size.forgets or size.losses or size.failovers):
            _poll(layout, state, api, request, found)


def _poll(layout: Layout, state: bytes, api: int, request: int, found: list[Move]) -> None:
    """Poll a booking that was answered 202, after Redis has forgotten something."""
    booking = layout.bookings[request]
    status, after = state[layout.status + booking], bytearray(state)
    why = _why_postgres(layout, state, booking) if booking == request else None
    if why is not None:
        after[api], after[api + REQUEST] = RECALLS, request
        found.append((why, request, after))
    lost = status > QUEUED and booking != request and not layout.undecided(state, booking)
    if lost and _state_of(layout, state, booking, status - QUEUED) not in SETTLED:
        after[layout.answered + request] = 0
        known = record(layout.rows(state), layout.requests).states[booking]
        found.append((NOTICE_WRONGLY if known[-1] in SETTLED else NOTICE, request, after))


def _why_postgres(layout: Layout, state: bytes, booking: int) -> Step | None:
    """Return the step by which a poll reads Postgres, or None if it reads Redis alone: bookings/service.py look.

    A live booking represents a hold; a recalled status leaves before the hold's deadline (faults.py LEAVE). Where
    no status can be out of date for long, polls after the deadline are left out: they change nothing.
    """
    status = state[layout.status + booking]
    if status == ABSENT:
        return POLL
    pending = state[layout.pending + booking]
    if _entry_is_gone(layout, state, booking) if status == QUEUED else 0 < pending <= layout.past(state):
        return POLL_PASSED
    if status == QUEUED:
        return None
    overdue = (state[layout.failovers] or state[layout.life]) and not pending and not state[layout.recalled + booking]
    if not overdue or layout.size.bug == "a hold whose deadline has passed is not looked up":
        return None
    return POLL_OVERDUE if _state_of(layout, state, booking, status - QUEUED) not in SETTLED else None


def _newcomer(layout: Layout, state: bytes, api: int, found: list[Move]) -> None:
    """Let a client that is not modelled book a seat. Only what this does to the card is modelled."""
    after = bytearray(state)
    if cards.check(layout, after) in (cards.UNKNOWN, cards.STALE):
        after[api], after[api + REQUEST] = RECALLS_CARD, cards.NEWCOMER
        found.append((NEWCOMER, 0, after))


def _api(layout: Layout, state: bytes, number: int, at: int, found: list[Move]) -> None:
    step, request, after = state[at], state[at + REQUEST], bytearray(state)
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
            after[at], after[at + VERSION] = REPUBLISHES, versions
        else:
            _end(after, at)  # 404: the client will repeat the request with its key
            after[layout.answered + request] = 0
        found.append((RECALL, number, after))
    elif step == REPUBLISHES:
        _republish(layout, after, at)
        found.append((REPUBLISH, number, after))
    else:
        _card(layout, after, number, at, found)
    if layout.size.faults:
        after = bytearray(state)
        _end(after, at)
        found.append((CRASH, number, after))


def _card(layout: Layout, state: bytearray, number: int, at: int, found: list[Move]) -> None:
    """Read the show's card from Postgres, publish it, and call accept.lua again."""
    if state[at] == RECALLS_CARD:
        state[at], state[at + VERSION] = PUBLISHES_CARD, cards.current(layout.rows(state), layout.requests)
        found.append((RECALL_CARD, number, state))
        return
    cards.publish(layout, state, state[at + VERSION], recalled=True)
    if state[at + REQUEST] == cards.NEWCOMER:
        _end(state, at)
    else:
        state[at], state[at + VERSION] = ACCEPTS, 0
    found.append((PUBLISH_CARD, number, state))


def accept(layout: Layout, state: bytearray, at: int) -> None:
    """accept.lua: check the status and the card; append, note, ring; or ring again for what is not decided."""
    request = state[at + REQUEST]
    booking = layout.bookings[request]
    status = layout.status + booking
    rung = False
    if booking == request:
        known = state[status] != ABSENT and not _is_lost(layout, state, booking)
        if not known or layout.size.bug == "accept is not idempotent":
            if _refused(layout, state, at):
                return
            _append(layout, state, request)
            state[layout.withdrawn + booking] &= state[status] != QUEUED  # accepted again: its Cancel was lost too
            state[status] = max(state[status], QUEUED)
        rung = state[status] == QUEUED and _ring(layout, state)
    elif state[status] == ABSENT or _is_lost(layout, state, booking):
        state[at] = RECALLS
        return
    elif state[status] == QUEUED or _state_of(layout, state, booking, state[status] - QUEUED) not in SETTLED:
        if not layout.undecided(state, booking):
            state[layout.pending + booking] = _append(layout, state, request)
            state[layout.recalled + booking] = 0
            state[layout.withdrawn + booking] = state[status] == QUEUED
        rung = _ring(layout, state)
    state[at] = RINGS if rung else ANSWERS


def _is_lost(layout: Layout, state: bytearray, booking: int) -> bool:
    """Whether accept.lua takes a queued booking for one whose entry is gone."""
    if layout.size.bug == "a queued booking is found again although its entry is gone":
        return False
    return state[layout.status + booking] == QUEUED and _entry_is_gone(layout, state, booking)


def _entry_is_gone(layout: Layout, state: bytes | bytearray, booking: int) -> bool:
    """Return whether the turn of a queued booking has passed. Its epoch is always this life's: a wipe removes it."""
    return layout.past(state) >= layout.ticket(state, booking)


def _refused(layout: Layout, state: bytearray, at: int) -> bool:
    """Return whether the card keeps accept.lua from writing a Book; if so, set what the api does instead.

    A refusal does not hide an outcome that may have left Redis: bookings/service.py book reads Postgres then.
    """
    answer = cards.check(layout, state)
    if answer in (cards.UNKNOWN, cards.STALE):
        state[at] = RECALLS_CARD
    elif answer == cards.REFUSED:
        forgotten = state[layout.life] or state[layout.forgets] or state[layout.failovers]
        if forgotten or state[layout.status + state[at + REQUEST]] == QUEUED:
            state[at] = RECALLS
        else:
            _end(state, at)
    return answer != cards.ADMITTED


def _append(layout: Layout, state: bytearray, request: int) -> int:
    """XADD: return the entry's number."""
    life = state[layout.life]
    number = len(layout.lane(state, life))
    assert number < layout.entries, "the layout has too little room for the lane"
    state[layout.log + life * layout.entries + number] = request + 1
    return number + 1


def _ring(layout: Layout, state: bytearray) -> bool:
    """SET lease "rung" NX: return whether the lane was asleep."""
    asleep = state[layout.lease] == NOBODY
    if asleep:
        state[layout.lease] = RUNG
    return asleep


def _state_of(layout: Layout, state: bytes | bytearray, booking: int, version: int) -> int:
    """Return the state of a booking in a published version; 0 for a version that Postgres does not have."""
    states = record(layout.rows(state), layout.requests).states[booking]
    return states[version - 1] if version <= len(states) else 0


def _republish(layout: Layout, state: bytearray, at: int) -> None:
    """put_if_newer.lua: write what was read from Postgres, unless a newer version is there; then retry a Cancel."""
    request, version = state[at + REQUEST], state[at + VERSION]
    booking = layout.bookings[request]
    status = layout.status + booking
    if state[status] < QUEUED + version or layout.size.bug == "put_if_newer.lua does not compare versions":
        state[status] = QUEUED + version
        state[layout.recalled + booking] = not state[layout.pending + booking]
    if booking == request:
        _end(state, at)
        state[layout.answered + request] = 1
    else:
        state[at], state[at + VERSION] = ACCEPTS, 0


def _end(state: bytearray, at: int) -> None:
    state[at : at + API] = bytes(API)
