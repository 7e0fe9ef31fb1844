"""A state as bytes: exact to compare, small to keep. `Layout` says where each part stands.

States that differ only in which process does what are one state: processes of a kind are alike, so their
blocks are sorted. Nothing names an api; the lease alone names a worker, and is relabelled.
"""

from __future__ import annotations

from proof.model.sizes import BOOK, Size

#: Lease: nobody; the doorbell was rung; the token of a drain that has ended or died; DRAIN + n: worker n's token.
NOBODY, RUNG, GONE, DRAIN = range(4)
#: Status of a booking in Redis: none; queued (version 0); QUEUED + v: version v.
ABSENT, QUEUED = range(2)
#: Card of the show in Redis: ABSENT; PUBLISHED + v: version v.
PUBLISHED = 1
#: In the log, added to an entry that is lost: deleted by hand, or unknown to the Redis that took over.
LOST = 0x80
#: Bytes of one worker.
WORKER = 7
#: Bytes of one journal row: entry (`entry_name`), request, outcome.
ROW = 3


class Layout:
    """Where each part of a state stands: every attribute is a position, every part is made of single bytes."""

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
        self.api = self._part(3 * size.apis)  # step, request, version read from Postgres
        # Step, life, first and last entry, rows of the journal loaded, bookings withdrawn (a bit each), entries
        # between first and last that were lost before they were read (a bit each).
        self.worker = self._part(WORKER * size.workers)
        self.lease = self._part(1)
        self.bell = self._part(1)  # whether a doorbell is in the broker
        self.life = self._part(1)  # of Redis; each has an epoch of its own
        self.forgets = self._part(1)  # how many have been
        self.losses = self._part(1)
        self.failovers = self._part(1)
        self.head = self._part(1)  # entries that have left the lane
        self.served = self._part(1)  # meter: the last entry published
        self.status = self._part(requests)
        self.recalled = self._part(requests)  # whether the status was put there by publish.lua: it has a TTL
        self.pending = self._part(requests)  # the undecided Cancel of a booking: its entry
        self.withdrawn = self._part(requests)  # whether a booking was cancelled while queued: accept.lua's mark
        self.card = self._part(1)
        self.doubted = self._part(1)  # whether the card was last confirmed a minute ago
        self.log = self._part((size.wipes + 1) * self.entries)  # all ever appended, per life: request + 1, or LOST
        self.journal = self._part(ROW * (requests + 3))
        self.apis = tuple(range(self.api, self.api + 3 * size.apis, 3))
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
        """The state in which all begins: nobody has asked for anything, the show's card is published."""
        state = bytearray(self.length)
        state[self.card] = PUBLISHED if self.size.cards else ABSENT
        return state

    def canonical(self, state: bytearray) -> bytes:
        """The one state that stands for all that differ from this only in the names of processes."""
        for places, n in self._pairs:
            self._order(state, places, n)
        return bytes(state)

    def _order(self, state: bytearray, places: tuple[int, ...], n: int) -> None:
        """Put blocks n and n + 1 in order; of two equal workers the lease names the first."""
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
        """What was ever appended in a life of Redis: request + 1 of each entry, in order; with LOST if it is."""
        start = self.log + life * self.entries
        log = state[start : start + self.entries]
        end = log.find(0)
        return log if end < 0 else log[:end]

    def ticket(self, state: bytes | bytearray, booking: int) -> int:
        """The number of a booking's last Book in this life of Redis."""
        log = self.lane(state, state[self.life])
        return max(number for number, mark in enumerate(log, 1) if request_of(mark) == booking)

    def waiting(self, state: bytes | bytearray) -> int:
        """XLEN: how many entries are in the lane."""
        waiting = self.lane(state, state[self.life])[state[self.head] :]
        return sum(mark < LOST for mark in waiting) if state[self.losses] or state[self.failovers] else len(waiting)

    def past(self, state: bytes | bytearray) -> int:
        """The last ticket whose turn has passed: in an empty lane all that were given (accept.lua, meters.py)."""
        empty = not self.waiting(state) and self.size.bug != "an empty lane's last tickets are taken for waiting"
        return len(self.lane(state, state[self.life])) if empty else state[self.served]

    def undecided(self, state: bytes | bytearray, booking: int) -> bool:
        """Whether a booking's Cancel waits, as its status and the meter have it."""
        pending = state[self.pending + booking]
        return bool(pending) and pending > self.past(state)

    def rows(self, state: bytes | bytearray, count: int | None = None) -> bytes:
        """The journal, or its first `count` rows."""
        if count is None:
            count = next(n for n in range(0, self.length, ROW) if not state[self.journal + n]) // ROW
        return bytes(state[self.journal : self.journal + ROW * count])


def request_of(mark: int) -> int:
    """The request of an entry, from its mark in the log."""
    return (mark & ~LOST) - 1


def entry_name(life: int, number: int) -> int:
    """How the journal names entry `number` (1, 2, ...) of a life: epoch and stream id."""
    return life * 16 + number


def entry_life(name: int) -> int:
    """The life of the entry that the journal names so."""
    return name // 16
