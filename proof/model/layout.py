"""A state as bytes: exact to compare, small to keep. `Layout` has the position of each part.

States that differ only in which process does what are one state: processes of a kind are alike, so their
blocks are sorted. Nothing refers to an api by number; only the lease refers to a worker, and is renumbered.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from proof.model.sizes import BOOK, Size

#: Lease: nobody; the doorbell was rung; the token of a drain that has ended or died; DRAIN + n: worker n's token.
NOBODY, RUNG, GONE, DRAIN = range(4)
#: Status of a booking in Redis: none; queued (version 0); QUEUED + v: version v.
ABSENT, QUEUED = range(2)
#: Card of the show in Redis: ABSENT; PUBLISHED + v: version v.
PUBLISHED = 1
#: The bit that marks a lost entry in the log: deleted by hand, or unknown to the Redis that took over.
LOST = 0x80


class Batch(NamedTuple):
    """What a worker has read. Its block in a state is its step, then these, a byte each."""

    #: The life of Redis, and the first and last entry (1, 2, ...) read from its lane.
    life: int = 0
    first: int = 0
    last: int = 0
    #: Rows of the journal loaded before deciding; after COMMIT, all rows that the worker knows.
    loaded: int = 0
    #: Bit n: the Book of request n has been cancelled.
    withdrawn: int = 0
    #: Bit n: entry `first + n` was lost before the worker read the lane.
    gaps: int = 0

    def numbers(self) -> Iterator[int]:
        """Yield the numbers of the entries that were read."""
        return (n for n in range(self.first, self.last + 1) if not self.gaps >> n - self.first & 1)


class Row(NamedTuple):
    """A row of the journal, a byte each: an entry (`entry_name`), its request and its outcome."""

    entry: int
    request: int
    outcome: int


#: The batch of a worker that has read nothing.
EMPTY = Batch()
#: Offsets in an api's block: what it does next; for which request; the version or card read from Postgres.
STEP, REQUEST, VERSION = range(3)
API = 3
#: Offset of `Batch.loaded` in a worker's block; its step comes first, as in an api's.
LOADED = 1 + Batch._fields.index("loaded")
#: Bytes of a worker's block, and of a row of the journal.
WORKER, ROW = 1 + len(Batch._fields), len(Row._fields)


class Layout:
    """Where each part of a state is: every attribute is a position, every part is made of single bytes."""

    def __init__(self, size: Size) -> None:
        self.size = size
        self.requests = size.requests
        #: Per request, the request whose booking it is about.
        self.bookings = tuple(n if target == BOOK else target for n, target in enumerate(size.requests))
        #: The most entries of one life of Redis.
        troubles = size.forgets + size.wipes + size.losses + size.failovers
        self.entries = len(size.requests) + 2 * troubles + (size.bug == "accept is not idempotent")
        self.length = 0
        requests = len(size.requests)
        self.answered = self._part(requests)  # whether the client has its 202
        self.api = self._part(API * size.apis)  # STEP, REQUEST, VERSION
        self.worker = self._part(WORKER * size.workers)  # the step, then a Batch
        self.lease = self._part(1)
        self.bell = self._part(1)  # whether a doorbell is in the broker
        self.life = self._part(1)  # of Redis; each has its own epoch
        self.forgets = self._part(1)  # these three: how many there have been
        self.losses = self._part(1)
        self.failovers = self._part(1)
        self.head = self._part(1)  # entries trimmed from the lane
        self.served = self._part(1)  # meter: the last entry published
        self.status = self._part(requests)
        self.recalled = self._part(requests)  # whether put_if_newer.lua wrote the status: it has a TTL
        self.pending = self._part(requests)  # the entry of a booking's undecided Cancel
        self.withdrawn = self._part(requests)  # whether a booking was cancelled while queued: accept.lua's mark
        self.card = self._part(1)
        self.doubted = self._part(1)  # whether the card was last confirmed a minute or more ago
        self.log = self._part((size.wipes + 1) * self.entries)  # all entries ever, per life: request + 1, and LOST
        self.journal = self._part(ROW * (requests + 3))
        self.apis = tuple(range(self.api, self.api + API * size.apis, API))
        self.workers = tuple(range(self.worker, self.worker + WORKER * size.workers, WORKER))
        #: The neighbours that canonical() puts in order, one after the other: a bubble sort.
        self._pairs = tuple(
            (places, n)
            for places in (self.apis, self.workers)
            for end in range(len(places) - 1, 0, -1)
            for n in range(end)
        )

    def _part(self, length: int) -> int:
        start = self.length
        self.length += length
        return start

    def first(self) -> bytearray:
        """Return the initial state: nothing was requested, the show's card is published."""
        state = bytearray(self.length)
        state[self.card] = PUBLISHED if self.size.cards else ABSENT
        return state

    def canonical(self, state: bytearray) -> bytes:
        """Return the one state that represents all that differ from this only in the order of processes."""
        for places, n in self._pairs:
            self._order(state, places, n)
        return bytes(state)

    def _order(self, state: bytearray, places: tuple[int, ...], n: int) -> None:
        """Put blocks n and n + 1 in order; of two equal workers, the first holds the lease."""
        left, right = places[n], places[n + 1]
        width = right - left
        one, other = state[left:right], state[right : right + width]
        if one < other:
            return
        lease = state[self.lease] if places is self.workers else NOBODY
        if other < one or lease == DRAIN + n + 1:
            state[left:right], state[right : right + width] = other, one
            if lease == DRAIN + n:
                state[self.lease] = DRAIN + n + 1
            elif lease == DRAIN + n + 1:
                state[self.lease] = DRAIN + n

    def lane(self, state: bytes | bytearray, life: int) -> bytes | bytearray:
        """Return all entries ever appended in a life of Redis, in order: request + 1, and LOST if it is lost."""
        start = self.log + life * self.entries
        log = state[start : start + self.entries]
        end = log.find(0)
        return log if end < 0 else log[:end]

    def ticket(self, state: bytes | bytearray, booking: int) -> int:
        """Return the number of a booking's last Book in this life of Redis."""
        log = self.lane(state, state[self.life])
        return max(number for number, mark in enumerate(log, 1) if request_of(mark) == booking)

    def waiting(self, state: bytes | bytearray) -> int:
        """XLEN: return how many entries are in the lane."""
        waiting = self.lane(state, state[self.life])[state[self.head] :]
        return sum(mark < LOST for mark in waiting) if state[self.losses] or state[self.failovers] else len(waiting)

    def past(self, state: bytes | bytearray) -> int:
        """Return the last ticket whose turn has passed: in an empty lane the last given (accept.lua, meters.py)."""
        empty = not self.waiting(state) and self.size.bug != "an empty lane's last tickets are taken for waiting"
        return len(self.lane(state, state[self.life])) if empty else state[self.served]

    def undecided(self, state: bytes | bytearray, booking: int) -> bool:
        """Return whether a booking's Cancel waits, according to its status and the meter."""
        pending = state[self.pending + booking]
        return bool(pending) and pending > self.past(state)

    def rows(self, state: bytes | bytearray, count: int | None = None) -> bytes:
        """Return the journal, or its first `count` rows."""
        if count is None:
            count = next(n for n in range(0, self.length, ROW) if not state[self.journal + n]) // ROW
        return bytes(state[self.journal : self.journal + ROW * count])

    def batch(self, state: bytes | bytearray, number: int) -> Batch:
        """Return what worker `number` has read."""
        at = self.workers[number]
        return Batch(*state[at + 1 : at + WORKER])


def worker_block(step: int, batch: Batch = EMPTY) -> bytes:
    """Return the block of a worker."""
    return bytes((step, *batch))


def journal_rows(rows: bytes) -> Iterator[Row]:
    """Yield the rows of a journal."""
    return (Row(*rows[at : at + ROW]) for at in range(0, len(rows), ROW))


def request_of(mark: int) -> int:
    """Return the request of an entry in the log."""
    return (mark & ~LOST) - 1


def entry_name(life: int, number: int) -> int:
    """Return the journal's name of entry `number` (1, 2, ...) of a life: epoch and stream id in one byte."""
    return life * 16 + number


def entry_life(name: int) -> int:
    """Return the life of Redis that an entry of the journal is from."""
    return name // 16
