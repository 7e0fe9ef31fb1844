"""Steps of time and of what fails around the processes: leases lapse, statuses are forgotten, Redis is wiped."""

from __future__ import annotations

from model.door import REPUBLISHES
from model.drains import PUBLISHES
from model.layout import ABSENT, DRAIN, GONE, NOBODY, QUEUED, RUNG, Layout
from model.steps import Move, Step

LAPSE = Step("the marker's 2 s are over", "db/lua/take.lua")
LAPSE_EARLY = Step("worker {} is so slow that its marker lapses", "db/lua/take.lua", fault=True)
BELL_LOST = Step("the broker loses the doorbell", "workers/broker.py", fault=True)
FORGET = Step("the final status of request {} leaves Redis by its TTL", "db/statuses.py ttl_ms", fault=True)
LEAVE = Step("the recalled status of request {} leaves Redis by its TTL", "db/statuses.py publish_command")
WIPE = Step("Redis loses everything", "db/lua/accept.lua", fault=True)

#: After these a status may be older than before: nothing is known of it any more.
FORGETTING = (FORGET, LEAVE, WIPE)


def moves(layout: Layout, state: bytes) -> list[Move]:
    """Everything that can happen to the stores by itself."""
    found: list[Move] = []
    size, marker = layout.size, state[layout.marker]
    if marker != NOBODY and size.bug != "the marker has no lease":
        after = bytearray(state)
        after[layout.marker] = NOBODY
        if marker in (RUNG, GONE):
            found.append((LAPSE, 0, after))
        elif size.faults:
            found.append((LAPSE_EARLY, marker - DRAIN, after))
    if state[layout.bell] and size.faults:
        after = bytearray(state)
        after[layout.bell] = 0
        found.append((BELL_LOST, 0, after))
    if size.forgets or size.wipes:
        _forget(layout, state, found)
    if state[layout.life] < size.wipes:
        found.append((WIPE, 0, _wiped(layout, state)))
    return found


def _forget(layout: Layout, state: bytes, found: list[Move]) -> None:
    """A TTL is 60 s at the least. Assumed: longer than an api needs from reading Postgres to publish.lua.

    It is longer than a marker's lease too: a drain that holds the marker has no status forgotten behind it. And than
    a lane's queue: else a repeated key could wait in the lane twice, the second time to be found decided.
    """
    recalled = {layout.bookings[state[at + 1]] for at in layout.apis if state[at] == REPUBLISHES}
    lane = layout.lane(state, state[layout.life])[state[layout.head] :]
    waiting = {layout.bookings[mark - 1] for mark in lane}
    owner = state[layout.marker] - DRAIN
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
    """A new life of Redis: no lane, no marker, no status. The next accept draws another epoch."""
    after, requests = bytearray(state), len(layout.requests)
    after[layout.life] += 1
    after[layout.marker] = NOBODY
    after[layout.head] = after[layout.served] = 0
    after[layout.status : layout.status + requests] = bytes(requests)
    after[layout.recalled : layout.recalled + requests] = bytes(requests)
    after[layout.pending : layout.pending + requests] = bytes(requests)
    after[layout.withdrawn : layout.withdrawn + requests] = bytes(requests)
    return after
