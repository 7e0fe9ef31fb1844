"""Steps of a drain: take the lease, lock, read, decide and COMMIT, publish, and again or leave.

A worker here is one drain: a doorbell's or the sweeper's, which differ only in how long they go on; here either may
leave after any batch. A drain that is interrupted leaves its lease to lapse, as one that is killed does.
"""

from __future__ import annotations

from collections.abc import Callable

from proof.model import cards
from proof.model.layout import DRAIN, GONE, LOST, NOBODY, QUEUED, ROW, RUNG, WORKER, Layout, entry_name, request_of
from proof.model.postgres import decide_batch, record
from proof.model.steps import Move, Step

IDLE, TAKES, LOCKS, READS, COMMITS, PUBLISHES, NEXT, RELEASES, RINGS, BUSY, EARLY = range(11)
Change = Callable[[Layout, bytearray, int], None]

#: While it is in these, it holds the lane's row.
LOCKED = (READS, COMMITS, EARLY)
#: With these bugs it publishes what Postgres may not have.
UNRECORDED = ("publish before COMMIT", "a COMMIT without an answer counts as done")

BELL = Step("worker {}: gets the doorbell", "workers/actors.py drain_lane")
BELL_TWICE = Step(
    "worker {}: gets the doorbell, which will come once more", "workers/actors.py drain_lane", fault=True
)
SWEEP = Step("worker {}: its sweeper finds entries and no drain", "db/kv/lanes.py stalled")
TAKE = Step("worker {}: take.lua", "db/kv/lua/take.lua")
LOCK = Step("worker {}: BEGIN, locks the lane's row NOWAIT", "db/postgres/fences.py lock")
READ = Step("worker {}: reads the lane's head, then what decide needs", "workers/batch.py run_batch")
COMMIT = Step("worker {}: decides, records, COMMIT", "workers/batch.py run_batch")
COMMIT_LOST = Step("worker {}: COMMIT, but its answer is lost", "db/postgres/engine.py transaction", fault=True)
ROLLBACK = Step("worker {}: the transaction is rolled back", "db/postgres/engine.py transaction", fault=True)
PUBLISH = Step("worker {}: finish.lua", "db/kv/lua/finish.lua")
PUBLISH_LOST = Step("worker {}: finish.lua, but its answer is lost", "workers/publish.py publish", fault=True)
AGAIN = Step("worker {}: finds more entries", "db/kv/lanes.py wait_for_entry")
RENEW = Step("worker {}: waits, and renews its lease by take.lua", "workers/drain.py _wait")
LEAVE = Step("worker {}: its time is over", "workers/drain.py run")
RELEASE = Step("worker {}: release.lua", "db/kv/lua/release.lua")
GIVE_WAY = Step("worker {}: release.lua, as another holds the row", "workers/drain.py drain")
RING = Step("worker {}: sends the doorbell", "workers/actors.py ring")
RING_LOST = Step("worker {}: the doorbell is lost", "workers/actors.py ring", fault=True)
RING_FAILED = Step("worker {}: cannot send the doorbell, and goes on", "workers/drain.py drain", fault=True)
CRASH = Step("worker {}: crashes", "workers/drain.py drain", fault=True)


def moves(layout: Layout, state: bytes) -> list[Move]:
    """Every step that a worker can take."""
    found: list[Move] = []
    idle = next((number for number, at in enumerate(layout.workers) if state[at] == IDLE), None)
    if idle is not None:
        _begin(layout, state, idle, found)
    for number, at in enumerate(layout.workers):
        step = state[at]
        if step != IDLE:
            _STEPS[step](layout, state, number, found)
            if layout.size.faults:
                _move(layout, state, number, CRASH, found, _end)
    return found


def touched(layout: Layout, state: bytes | bytearray, at: int) -> list[tuple[int, int]]:
    """The (entry's number, request) pairs of a worker's batch."""
    log, first = layout.lane(state, state[at + 1]), state[at + 2]
    numbers = [number for number in range(first, state[at + 3] + 1) if not state[at + 6] >> number - first & 1]
    return [(number, request_of(log[number - 1])) for number in numbers]


def new_rows(layout: Layout, state: bytes | bytearray, at: int) -> bytes:
    """What a worker's batch adds to the journal, by what it has loaded of it."""
    bug = layout.size.bug
    loaded, life = layout.rows(state, state[at + 4]), state[at + 1]
    decided = record(loaded, layout.requests).decided
    batch = [(entry_name(life, number), request) for number, request in touched(layout, state, at)]
    fresh = [each for each in batch if each[0] not in decided or bug == "the journal is not looked at"]
    look = bug != "decide does not look for an outcome"
    return decide_batch(loaded, fresh, layout.requests, withdrawn=state[at + 5], look=look)


def _begin(layout: Layout, state: bytes, number: int, found: list[Move]) -> None:
    at = layout.workers[number]
    after = bytearray(state)
    after[at] = TAKES
    if state[layout.bell]:
        again = bytearray(after)
        after[layout.bell] = 0
        found.append((BELL, number, after))
        if layout.size.faults:
            found.append((BELL_TWICE, number, again))
    elif layout.size.sweeper and state[layout.lease] in (NOBODY, RUNG) and layout.waiting(state):
        found.append((SWEEP, number, after))  # "rung" for half a second: the doorbell was lost, or is not heard


def _take(layout: Layout, state: bytes, number: int, found: list[Move]) -> None:
    after, at = bytearray(state), layout.workers[number]
    if _taken(layout, after, number):
        after[at] = LOCKS
        if layout.size.bug == "seats are read before the lock":
            after[at + 4] = len(layout.rows(state)) // ROW
    else:
        _end(layout, after, number)
    found.append((TAKE, number, after))


def _taken(layout: Layout, state: bytearray, number: int) -> bool:
    """take.lua"""
    if state[layout.lease] in (NOBODY, RUNG, DRAIN + number):
        state[layout.lease] = DRAIN + number
        return True
    return False


def _lock(layout: Layout, state: bytes, number: int, found: list[Move]) -> None:
    after, at = bytearray(state), layout.workers[number]
    locked = any(state[other] in LOCKED for other in layout.workers)
    after[at] = BUSY if locked and layout.size.bug != "the lane's row is not locked" else READS
    found.append((LOCK, number, after))


def _read(layout: Layout, state: bytes, number: int, found: list[Move]) -> None:
    """peek.lua and workers/load_state.py: both after the lock, so nothing that they see can change before COMMIT."""
    after, at, bug = bytearray(state), layout.workers[number], layout.size.bug
    life, head = state[layout.life], state[layout.head]
    log = layout.lane(state, life)
    numbers = [number for number in range(head + 1, len(log) + 1) if log[number - 1] < LOST][: layout.size.batch]
    if not numbers:
        after[at : at + WORKER] = bytes((NEXT, *bytes(WORKER - 1)))
    else:
        loaded = state[at + 4] if bug == "seats are read before the lock" else len(layout.rows(state)) // ROW
        first = EARLY if bug == "publish before COMMIT" else COMMITS
        marks = sum(1 << n for n in range(len(layout.requests)) if state[layout.withdrawn + n])
        lost = sum(1 << n - numbers[0] for n in range(numbers[0], numbers[-1]) if log[n - 1] >= LOST)
        after[at : at + WORKER] = bytes((first, life, numbers[0], numbers[-1], loaded, marks, lost))
        if bug == "trim before COMMIT":
            after[layout.head] = numbers[-1]
    found.append((READ, number, after))


def _commit(layout: Layout, state: bytes, number: int, found: list[Move]) -> None:
    """One transaction: all of it or nothing. Who does not hear its answer starts from the lease again."""
    after, at = bytearray(state), layout.workers[number]
    rows = layout.rows(state) + new_rows(layout, state, at)
    after[layout.journal : layout.journal + len(rows)] = rows
    committed = bytes(after)
    after[at], after[at + 4] = PUBLISHES, len(rows) // ROW
    found.append((COMMIT, number, after))
    if layout.size.faults:
        _move(layout, committed, number, COMMIT_LOST, found, _end)
        believes = layout.size.bug == "a COMMIT without an answer counts as done"
        _move(layout, state, number, ROLLBACK, found, _to(PUBLISHES) if believes else _end)


def _publish(layout: Layout, state: bytes, number: int, found: list[Move]) -> None:
    after, at = bytearray(state), layout.workers[number]
    finish(layout, after, number)
    published = bytes(after)
    after[at : at + WORKER] = bytes((NEXT, *bytes(WORKER - 1)))
    found.append((PUBLISH, number, after))
    if layout.size.faults:
        _move(layout, published, number, PUBLISH_LOST, found, _end)


def _publish_early(layout: Layout, state: bytes, number: int, found: list[Move]) -> None:
    after = bytearray(state)
    finish(layout, after, number)
    after[layout.workers[number]] = COMMITS
    found.append((PUBLISH, number, after))


def finish(layout: Layout, state: bytearray, number: int) -> None:
    """finish.lua: nothing past what is published; else trim, statuses, served; of another epoch only statuses."""
    at, bug = layout.workers[number], layout.size.bug
    last, same_life = (
        state[at + 3],
        state[at + 1] == state[layout.life] or bug == "finish.lua does not compare epochs",
    )
    mine = state[layout.lease] == DRAIN + number
    compares = bug != "finish.lua compares neither versions nor tickets"
    if same_life and not mine and state[layout.served] >= last and compares:
        return
    if same_life and state[at] != EARLY:
        state[layout.head] = max(state[layout.head], min(last, len(layout.lane(state, state[layout.life]))))
    believed = new_rows(layout, state, at) if bug in UNRECORDED else b""
    rows = layout.rows(state, state[at + 4]) + believed
    known = record(rows, layout.requests)
    for entry, request in touched(layout, state, at):
        booking = layout.bookings[request]
        status, version = layout.status + booking, len(known.states[booking])
        if version and (state[status] < QUEUED + version or not compares):
            state[status] = QUEUED + version
        if version:
            state[layout.recalled + booking] = 0
        if version and same_life and state[layout.pending + booking] <= entry:
            state[layout.pending + booking] = 0
        settled = request != booking or state[at + 5] >> booking & 1
        if same_life and settled and bug != "finish.lua leaves the marks of decided Cancels":
            state[layout.withdrawn + booking] = 0
    if layout.size.cards:
        cards.publish(layout, state, cards.current(rows, layout.requests))
    if same_life:
        state[layout.served] = max(state[layout.served], last)


def _next(layout: Layout, state: bytes, number: int, found: list[Move]) -> None:
    """Another batch if there are entries; else the lease is renewed, if it is ours still; and time ends."""
    if layout.waiting(state):
        _move(layout, state, number, AGAIN, found, _to(LOCKS))
    else:
        after = bytearray(state)
        after[layout.workers[number]] = LOCKS if _taken(layout, after, number) else RELEASES
        found.append((RENEW, number, after))
    _move(layout, state, number, LEAVE, found, _to(RELEASES))


def _release(layout: Layout, state: bytes, number: int, found: list[Move]) -> None:
    after, at = bytearray(state), layout.workers[number]
    rings = released(layout, after, number) and state[at] == RELEASES
    if rings:
        after[at] = RINGS
    else:
        _end(layout, after, number)
    found.append((RELEASE if state[at] == RELEASES else GIVE_WAY, number, after))


def released(layout: Layout, state: bytearray, number: int) -> bool:
    """release.lua: whether entries are left, and the doorbell is to be sent."""
    if state[layout.lease] != DRAIN + number:
        return False
    left = bool(layout.waiting(state)) and layout.size.bug != "release.lua does not look at the lane"
    state[layout.lease] = RUNG if left else NOBODY
    return left


def _ring(layout: Layout, state: bytes, number: int, found: list[Move]) -> None:
    after = bytearray(state)
    _end(layout, after, number)
    lost = bytearray(after)
    after[layout.bell] = layout.size.doorbells
    found.append((RING, number, after))
    if layout.size.faults:
        found.append((RING_LOST, number, lost))
        _move(layout, state, number, RING_FAILED, found, _to(TAKES))


def _end(layout: Layout, state: bytearray, number: int) -> None:
    """The drain is over. A lease that it has not released stays until it lapses."""
    at = layout.workers[number]
    state[at : at + WORKER] = bytes(WORKER)
    if state[layout.lease] == DRAIN + number:
        state[layout.lease] = GONE


def _to(step: int) -> Change:
    """The change that only goes on to another step."""

    def change(layout: Layout, state: bytearray, number: int) -> None:
        state[layout.workers[number]] = step

    return change


def _move(layout: Layout, state: bytes, number: int, step: Step, found: list[Move], change: Change) -> None:
    after = bytearray(state)
    change(layout, after, number)
    found.append((step, number, after))


_STEPS = {
    TAKES: _take,
    LOCKS: _lock,
    READS: _read,
    COMMITS: _commit,
    PUBLISHES: _publish,
    NEXT: _next,
    RELEASES: _release,
    RINGS: _ring,
    BUSY: _release,
    EARLY: _publish_early,
}
