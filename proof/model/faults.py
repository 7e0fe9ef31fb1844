"""Steps of time, and of failures around the processes: leases lapse, statuses are forgotten, Redis is wiped."""

from __future__ import annotations

from proof.model import cards
from proof.model.clients import REPUBLISHES
from proof.model.drains import PUBLISHES
from proof.model.layout import (
    ABSENT,
    DRAIN,
    GONE,
    LOST,
    NOBODY,
    QUEUED,
    REQUEST,
    ROW,
    RUNG,
    Layout,
    entry_name,
    journal_rows,
    request_of,
)
from proof.model.steps import Move, Step

LAPSE = Step("the lease's 2 s are over", "db/kv/lua/take.lua")
LAPSE_EARLY = Step("worker {} is so slow that its lease lapses", "db/kv/lua/take.lua", fault=True)
BELL_LOST = Step("the broker loses the doorbell", "workers/broker.py", fault=True)
FORGET = Step("the final status of request {} leaves Redis by its TTL", "db/kv/statuses.py ttl_ms", fault=True)
LEAVE = Step("the recalled status of request {} leaves Redis by its TTL", "db/kv/statuses.py publish_command")
WIPE = Step("Redis loses everything", "db/kv/lua/accept.lua", fault=True)
DELETE = Step("an operator deletes entry {} from the lane", "db/kv/lua/accept.lua", fault=True)
MINUTE = Step("a minute has passed since the show's card was confirmed", "db/kv/lua/accept.lua TRUSTED_MS")
FAILOVER = Step(
    "a replica takes over that lacks the last operation and its outcome", "db/kv/lua/put_if_newer.lua", fault=True
)

#: The steps after which a status or a card may be older than before, or missing.
FORGETTING = (FORGET, LEAVE, WIPE, FAILOVER)


def moves(layout: Layout, state: bytes) -> list[Move]:
    """Return every step that the stores can take without a process."""
    found: list[Move] = []
    size, lease = layout.size, state[layout.lease]
    if lease != NOBODY and size.bug != "the lease never lapses":
        after = bytearray(state)
        after[layout.lease] = NOBODY
        if lease in (RUNG, GONE):
            found.append((LAPSE, 0, after))
        elif size.faults:
            found.append((LAPSE_EARLY, lease - DRAIN, after))
    if state[layout.bell] and size.faults:
        after = bytearray(state)
        after[layout.bell] = 0
        found.append((BELL_LOST, 0, after))
    if size.forgets or size.wipes:
        _forget(layout, state, found)
    if state[layout.life] < size.wipes:
        found.append((WIPE, 0, _wiped(layout, state)))
    if cards.sold_out(state[layout.card]) and not state[layout.doubted]:
        after = bytearray(state)
        after[layout.doubted] = 1
        found.append((MINUTE, 0, after))
    if state[layout.losses] < size.losses:
        _lose(layout, state, found)
    if state[layout.failovers] < size.failovers:
        _fail_over(layout, state, found)
    return found


def _lose(layout: Layout, state: bytes, found: list[Move]) -> None:
    """Delete an entry by hand, also one that a drain has read already."""
    log = layout.lane(state, state[layout.life])
    for number in range(state[layout.head] + 1, len(log) + 1):
        if log[number - 1] < LOST:
            after = bytearray(state)
            after[layout.losses] += 1
            after[layout.log + state[layout.life] * layout.entries + number - 1] |= LOST
            found.append((DELETE, number, after))


def _fail_over(layout: Layout, state: bytes, found: list[Move]) -> None:
    """Undo the lane's last operation in Redis, once it was decided and published; Postgres keeps it.

    The loss of less leaves the entry in the lane, as if finish.lua had not run; or it is a lost 202.
    """
    log = layout.lane(state, state[layout.life])
    number = len(log)
    if not number or log[-1] >= LOST or layout.waiting(state) or state[layout.served] < number:
        return
    after, request = bytearray(state), request_of(log[-1])
    booking = layout.bookings[request]
    after[layout.failovers] += 1
    after[layout.log + state[layout.life] * layout.entries + number - 1] |= LOST
    after[layout.served] = number - 1
    status = layout.status + booking
    known = booking != request and not state[layout.recalled + booking]
    after[status] = max(state[status] - 1, QUEUED + 1) if known and state[status] else ABSENT
    after[layout.recalled + booking] = after[layout.pending + booking] = 0
    rows, name = layout.rows(state), entry_name(state[layout.life], number)
    before = sum(row.entry < name for row in journal_rows(rows))  # the journal is in the order of entries
    after[layout.card] = min(state[layout.card], cards.current(rows[: before * ROW], layout.requests))
    found.append((FAILOVER, 0, after))


def _forget(layout: Layout, state: bytes, found: list[Move]) -> None:
    """Forget a status. A TTL is at least 60 s, assumed to be longer than an api's way from Postgres to
    put_if_newer.lua.

    It is also longer than a lease, so nothing is forgotten while a drain that holds the lease publishes; and longer
    than a lane's queue, else a repeated key could wait in the lane twice, to be found decided the second time.
    """
    recalled = {layout.bookings[state[at + REQUEST]] for at in layout.apis if state[at] == REPUBLISHES}
    lane = layout.lane(state, state[layout.life])[state[layout.head] :]
    waiting = {layout.bookings[mark - 1] for mark in lane if mark < LOST}
    owner = state[layout.lease] - DRAIN
    if owner >= 0 and state[layout.workers[owner]] == PUBLISHES:
        return
    for request in range(len(layout.requests)):
        status, pending = state[layout.status + request], state[layout.pending + request]
        if status > QUEUED and not pending and request not in recalled:
            after = bytearray(state)
            after[layout.status + request] = after[layout.recalled + request] = ABSENT
            if state[layout.recalled + request]:
                if request not in waiting and layout.size.bug != "a recalled status has no TTL":
                    found.append((LEAVE, request, after))
            elif state[layout.forgets] < layout.size.forgets:
                after[layout.forgets] += 1
                found.append((FORGET, request, after))


def _wiped(layout: Layout, state: bytes) -> bytearray:
    """Return the state in a new life of Redis: no lane, no lease, no status. The next accept makes a new epoch."""
    after, requests = bytearray(state), len(layout.requests)
    after[layout.life] += 1
    after[layout.lease] = NOBODY
    after[layout.head] = after[layout.served] = 0
    after[layout.card] = ABSENT
    after[layout.doubted] = 0
    after[layout.status : layout.status + requests] = bytes(requests)
    after[layout.recalled : layout.recalled + requests] = bytes(requests)
    after[layout.pending : layout.pending + requests] = bytes(requests)
    after[layout.withdrawn : layout.withdrawn + requests] = bytes(requests)
    return after
