"""Search of every reachable state, breadth first: finds violations, with the shortest trace, and checks liveness.

Liveness: from every state, a state at rest (rules.at_rest) can be reached by steps in which nothing fails, and
a state in which only failures can still happen is at rest. So with fair scheduling all that was accepted is
decided and published, whatever has happened before.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field

from proof.model import clients, drains, faults, rules
from proof.model.layout import Layout
from proof.model.sizes import Size
from proof.model.steps import Move

STUCK = "liveness: though nothing fails any more, what was accepted is never decided and published"


@dataclass
class Result:
    """A run's result. `violation`: "" if nothing is wrong; `trace`: the shortest way to it, a step per line."""

    states: int = 0
    steps: int = 0
    depth: int = 0
    seconds: float = 0.0
    violation: str = ""
    trace: list[str] = field(default_factory=list)


def moves(layout: Layout, state: bytes) -> list[Move]:
    """Return every step from a state."""
    return [*clients.moves(layout, state), *drains.moves(layout, state), *faults.moves(layout, state)]


def search(size: Size, progress: Callable[[int, int], object] = lambda states, waiting: None) -> Result:
    """Explore a size up to the first violation. `progress` gets the numbers of states found, and left to explore."""
    return _Search(size, progress).run()


class _Search:
    def __init__(self, size: Size, progress: Callable[[int, int], object]) -> None:
        self._layout = Layout(size)
        self._progress = progress
        first = bytes(self._layout.first())
        self._states = [first]
        self._numbers = {first: 0}
        self._parents = array("I", [0])
        # Steps without a fault: those of state n are targets[offsets[n]:offsets[n + 1]].
        self._offsets = array("Q", [0])
        self._targets = array("I")
        self._result = Result()

    def run(self) -> Result:
        started, result = time.monotonic(), self._result
        number = 0
        while number < len(self._states) and not result.violation:
            self._explore(number)
            number += 1
            if number % 100_000 == 0:
                self._progress(len(self._states), len(self._states) - number)
        if not result.violation:
            self._check_liveness()
        result.states = len(self._states)
        result.depth = self._depth(len(self._states) - 1)
        result.seconds = time.monotonic() - started
        return result

    def _explore(self, number: int) -> None:
        layout, state, numbers = self._layout, self._states[number], self._numbers
        every = moves(layout, state)
        self._result.steps += len(every)
        for step, _, raw in every:
            after = bytes(raw)
            target = numbers.get(after)
            if target is None:  # what has a number is canonical
                after = layout.canonical(raw)
                target = numbers.get(after)
            wrong = rules.broken_by_step(layout, step, state, raw)
            if target is None:
                target = numbers[after] = len(self._states)
                self._states.append(after)
                self._parents.append(number)
                wrong = wrong or rules.broken(layout, after)
            if not step.fault:
                self._targets.append(target)
            if wrong:
                self._report(wrong, number, after)
                return
        self._offsets.append(len(self._targets))

    def _check_liveness(self) -> None:
        """Mark, backwards from the states at rest, all that can reach one; report the first that cannot."""
        states = len(self._states)
        sources, first = self._reversed()
        reaches = bytearray(states)
        waiting = [n for n in range(states) if rules.at_rest(self._layout, self._states[n])]
        for n in waiting:
            reaches[n] = 1
        while waiting:
            n = waiting.pop()
            for at in range(first[n], first[n + 1]):
                source = sources[at]
                if not reaches[source]:
                    reaches[source] = 1
                    waiting.append(source)
        stuck = reaches.find(0)
        if stuck >= 0:
            self._report(STUCK, self._parents[stuck], self._states[stuck])

    def _reversed(self) -> tuple[array[int], array[int]]:
        """Return the steps without a fault, by target: the sources of n are sources[first[n]:first[n + 1]]."""
        first = array("Q", bytes(8 * (len(self._states) + 1)))
        for target in self._targets:
            first[target + 1] += 1
        for n in range(1, len(first)):
            first[n] += first[n - 1]
        sources, filled = array("I", bytes(4 * len(self._targets))), array("Q", first)
        for source in range(len(self._states)):
            for at in range(self._offsets[source], self._offsets[source + 1]):
                target = self._targets[at]
                sources[filled[target]] = source
                filled[target] += 1
        return sources, first

    def _depth(self, number: int) -> int:
        depth = 0
        while number:
            number, depth = self._parents[number], depth + 1
        return depth

    def _report(self, wrong: str, number: int, last: bytes) -> None:
        """Write the trace through state `number` to `last`, in which each process keeps its number."""
        way = [last] if last != self._states[0] else []
        while number:
            way.append(self._states[number])
            number = self._parents[number]
        raw = self._layout.first()
        for line, wanted in enumerate(reversed(way), 1):
            for step, who, after in moves(self._layout, bytes(raw)):
                if self._layout.canonical(bytearray(after)) == wanted:
                    self._result.trace.append(f"{line:3}. {step.text.format(who)}   [{step.code}]")
                    raw = after
                    break
        self._result.violation = wrong
