"""How soon the system works again after a fault: lanes according to the journal, the api according to the record."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from proof.chaos.nemesis import Fired
from proof.chaos.record import Call

#: Seconds after a fault within which a stall that begins, or a request that fails, is attributed to it.
SOON_S = 1.0


@dataclass(frozen=True, slots=True)
class Stall:
    """A time in which a lane had entries and decided none, in seconds since 1970."""

    lane: int
    begun: float
    ended: float


def stalls(decided: Iterable[tuple[int, int, int]]) -> list[Stall]:
    """Return the stalls between batches. `decided`: (lane, accepted ms, recorded ms) per decision, in lane order.

    An operation waits from its acceptance, or from the end of the batch ahead of it.
    """
    found: list[Stall] = []
    last: dict[int, int] = {}
    for lane, accepted_ms, recorded_ms in decided:
        before = last.get(lane, accepted_ms)
        begun = max(before, accepted_ms)
        if recorded_ms > begun:
            found.append(Stall(lane, begun / 1000, recorded_ms / 1000))
        last[lane] = max(before, recorded_ms)
    return found


def lane_recovery_s(fired: Fired, found: Sequence[Stall]) -> float:
    """Return the seconds from the heal until the last stalled lane decides again."""
    longest = 0.0
    for stall in found:
        if stall.ended > fired.healed and fired.begun <= stall.ended and stall.begun <= fired.healed + SOON_S:
            longest = max(longest, stall.ended - max(stall.begun, fired.healed))
    return longest


def backlog_s(fired: Fired, waits: Sequence[tuple[float, float]]) -> float:
    """Return the seconds from the heal until all that was accepted before it was decided.

    waits: (accepted, decided) of each operation, in seconds since 1970.
    """
    ends = [decided for accepted, decided in waits if accepted <= fired.healed < decided and decided > fired.begun]
    return max(ends, default=fired.healed) - fired.healed


def api_recovery_s(fired: Fired, calls: Sequence[Call], sent: Sequence[float]) -> float | None:
    """Return the seconds from the heal until the api answers again, with anything but a 5xx; None: it never did.

    A request that fails within SOON_S of the heal is attributed to the fault, and answers before it do not count as
    recovery: processes that are about to be killed answer, too. `calls` are ordered by `sent`, the times of sending.
    """
    begin = bisect_left(sent, fired.healed)
    for place in range(begin, bisect_right(sent, fired.healed + SOON_S)):
        if not _answered(calls[place]):
            begin = place + 1
    return next((call.answered_at - fired.healed for call in calls[begin:] if _answered(call)), None)


def _answered(call: Call) -> bool:
    return 0 < call.code < 500


def quantile(values: Sequence[float], share: float) -> float:
    """Return the quantile by the nearest-rank method; 0 if there are no values. `share`: 0 to 1."""
    ordered = sorted(values)
    return ordered[max(0, min(len(ordered) - 1, -int(-share * len(ordered) // 1) - 1))] if ordered else 0.0
