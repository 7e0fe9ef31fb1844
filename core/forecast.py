"""Forecasts for operators: when the lanes are drained, and how many workers would be enough. Pure arithmetic.

A lane has one writer at a time. So further workers help while there are more busy lanes than workers, and no number
of workers makes one lane faster than one writer is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil


@dataclass(frozen=True, slots=True)
class LaneLoad:
    """A lane's undecided operations, and the decisions per second of its last batches (0: unknown)."""

    lane: int
    depth: int
    rate: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is to be expected if nothing more arrives.

    `drained_in_s`: until the last busy lane is empty at its present rate; None: one has no known rate, or stands
    still.   `writer_rate`: decisions per second of the fastest lane, the best estimate of what one writer can do.
    `workers_needed`: how many drain all lanes within the wanted time; None: unknown, or no number does.
    `too_deep`: the lanes for which one writer is not fast enough, whatever the number of workers.
    """

    depth: int
    drained_in_s: float | None
    writer_rate: float
    workers_needed: int | None
    too_deep: tuple[int, ...]


def drained_in_s(load: LaneLoad) -> float | None:
    """Return when a lane is empty at its present rate, seconds; None: its rate is unknown."""
    if load.depth == 0:
        return 0.0
    return round(load.depth / load.rate, 1) if load.rate > 0 else None


def forecast(loads: Sequence[LaneLoad], within_s: float) -> Forecast:
    """Return the forecast of all lanes. Args: within_s: in how many seconds they should be drained.

    Workers share the lanes in turns of seconds, so the work is divided as if it were a liquid; but never among more
    workers than there are busy lanes.
    """
    busy = [load for load in loads if load.depth]
    depth, writer_rate = sum(load.depth for load in busy), max((load.rate for load in loads), default=0.0)
    ends = [drained_in_s(load) for load in busy]
    last_s = max((end for end in ends if end is not None), default=0.0)
    too_deep = tuple(load.lane for load in busy if writer_rate and load.depth / writer_rate > within_s)
    needed: int | None = None
    if not busy:
        needed = 0
    elif writer_rate > 0 and not too_deep:
        needed = min(len(busy), max(1, ceil(depth / (writer_rate * within_s))))
    return Forecast(depth, None if None in ends else last_s, writer_rate, needed, too_deep)
