"""The states of a show's seats for maps: AVAILABLE, HELD or SOLD, by each seat's index in the plan, at one version.

They are kept as one byte a seat and sent as two bits a seat. A `SeatHistory` goes from version to version by changes,
so that a reader who has one of the last versions gets only what has changed since.
"""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import dropwhile

from core import taken_seats

AVAILABLE, HELD, SOLD = 0, 1, 2
#: The names of the states, by their numbers.
NAMES = ("AVAILABLE", "HELD", "SOLD")
#: Changes of seats that a history remembers, in all its steps together. Rather fewer than a full state is worth.
MOST_CHANGES = 2_000

#: Index of a seat -> its new state.
Changes = Mapping[int, int]


def of_until(until_s: int) -> int:
    """Return the state of a seat that is taken until then (core/taken_seats.py)."""
    if until_s == taken_seats.FREE:
        return AVAILABLE
    return SOLD if until_s == taken_seats.SOLD else HELD


@dataclass(frozen=True, slots=True)
class SeatStates:
    """All seats of a show at one of its versions, one byte each."""

    version: int
    seats: bytes

    @classmethod
    def of(cls, version: int, capacity: int, held: Iterable[int], sold: Iterable[int]) -> SeatStates:
        """Return the states of a hall of `capacity` seats, of which these are taken, by index."""
        seats = bytearray(capacity)
        for state, indexes in ((HELD, held), (SOLD, sold)):
            for index in indexes:
                seats[index] = state
        return cls(version, bytes(seats))

    @property
    def counts(self) -> tuple[int, int, int]:
        """How many seats are available, held and sold."""
        held, sold = self.seats.count(HELD), self.seats.count(SOLD)
        return len(self.seats) - held - sold, held, sold

    def packed(self) -> bytes:
        """Return two bits a seat: seat i is in byte i // 4, at the bits 2 * (i % 4), counted from the lowest."""
        padded = self.seats + bytes(-len(self.seats) % 4)
        quarters = [int.from_bytes(padded[start::4], "big") << 2 * start for start in range(4)]
        return (quarters[0] | quarters[1] | quarters[2] | quarters[3]).to_bytes(len(padded) // 4, "big")

    def text(self) -> str:
        """Return `packed` as base64."""
        return base64.b64encode(self.packed()).decode()

    def changed(self, version: int, changes: Changes) -> SeatStates:
        """Return the states at a later version. Raises: IndexError: there is no such seat."""
        seats = bytearray(self.seats)
        for index, state in changes.items():
            seats[index] = state
        return SeatStates(version, bytes(seats))

    def differences(self, later: SeatStates) -> dict[int, int]:
        """Return which seats of the same hall are otherwise in `later`."""
        pairs = enumerate(zip(self.seats, later.seats, strict=True))
        return {index: after for index, (before, after) in pairs if before != after}


@dataclass(frozen=True, slots=True)
class Step:
    """What changed from one version to a later one."""

    before: int
    version: int
    changes: Changes


class SeatHistory:
    """A show's states at their newest known version, and the steps that led there."""

    def __init__(self, now: SeatStates) -> None:
        self.now = now
        self._steps: deque[Step] = deque()
        self._remembered = 0

    @property
    def version(self) -> int:
        """The newest known version."""
        return self.now.version

    def advance(self, step: Step) -> bool:
        """Go on by a step; return False, and stay, if it does not lead from the present version to a later one."""
        if step.before != self.version or step.version <= self.version:
            return False
        self._add(step, self.now.changed(step.version, step.changes))
        return True

    def replace(self, states: SeatStates) -> None:
        """Take states as they were read. If they are older, what was known is forgotten: the store went back."""
        if states.version < self.version or len(states.seats) != len(self.now.seats):
            self.now, self._remembered = states, 0
            self._steps.clear()
        elif states.version > self.version:
            self._add(Step(self.version, states.version, self.now.differences(states)), states)

    def since(self, version: int) -> dict[int, int] | None:
        """Return what has changed since an earlier version; None if that is not known (any more)."""
        if version == self.version:
            return {}
        steps = list(dropwhile(lambda step: step.before != version, self._steps))
        if not steps:
            return None
        merged: dict[int, int] = {}
        for step in steps:
            merged.update(step.changes)
        return merged

    def _add(self, step: Step, now: SeatStates) -> None:
        self.now = now
        self._steps.append(step)
        self._remembered += len(step.changes) + 1
        while self._remembered > MOST_CHANGES:
            self._remembered -= len(self._steps.popleft().changes) + 1
