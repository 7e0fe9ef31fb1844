"""Queue positions for the status answer: position, estimated wait, and when to poll again. Pure arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, sqrt

#: Soonest next poll, ms: an earlier one would arrive before a batch can be decided. Latest, ms: later feels dead;
#: only a long queue polls less often (`_spread_ms`).
POLL_MIN_MS = 50
POLL_MAX_MS = 10_000
#: Next poll while the drain's rate is unknown, ms: about one batch.
POLL_UNKNOWN_MS = 250
#: Soonest next poll of a hold, ms: the scheduler expires holds once a second.
POLL_HOLD_MIN_MS = 1_000
#: What an operation takes in addition to its wait: one batch's transaction and publication, ms.
BATCH_MS = 60
#: Time without a decision, ms, after which a lane with entries counts as delayed and no wait is estimated. A lane
#: whose drain was killed moves again sooner (docs/reliability.md).
DELAYED_MS = 5_000
#: Queue length from which all its clients together poll at most 500 times a second.
LONG_LINE = 20_000
#: Min and max Retry-After of requests that a full lane refused, seconds.
COME_AGAIN_MIN_S, COME_AGAIN_MAX_S = 2, 60


@dataclass(frozen=True, slots=True)
class Meter:
    """How far a lane is, at one instant of Redis's clock: its epoch, the tickets last decided (`served`) and last
    given (`ticket`), decisions per second (0: unknown), and how long entries have waited without any decision."""

    epoch: str = ""
    served: int = 0
    rate: float = 0.0
    ticket: int = 0
    quiet_ms: int = 0
    now_ms: int = 0

    @property
    def waiting(self) -> int:
        """The number of undecided operations."""
        return max(0, self.ticket - self.served)


#: The meter of a lane that was not read.
UNKNOWN = Meter()


@dataclass(frozen=True, slots=True)
class QueuePosition:
    """A waiting operation's position. `eta_ms` is None while the drain's rate is unknown or the lane is `delayed`."""

    position: int
    eta_ms: int | None
    poll_after_ms: int
    delayed: bool = False


def locate(ticket: int, meter: Meter) -> QueuePosition:
    """Return the queue position of the operation with `ticket`, from its lane's meter.

    Position 1 is decided next. The estimate is never shorter than the time since the last decision. The next poll is
    due just after the estimated outcome, or later if many wait.
    """
    position = max(1, ticket - meter.served)
    waiting = max(position, meter.waiting)
    if meter.quiet_ms >= DELAYED_MS:
        poll_ms = max(min(meter.quiet_ms, POLL_MAX_MS), _spread_ms(position, waiting, 1.0))
        return QueuePosition(position, None, poll_ms, delayed=True)
    eta_ms = None
    soon_ms = max(POLL_UNKNOWN_MS, meter.quiet_ms)
    if meter.rate > 0:
        eta_ms = max(round(position * 1000 / meter.rate) + BATCH_MS, meter.quiet_ms)
        soon_ms = eta_ms + eta_ms // 8
    spread_ms = _spread_ms(position, waiting, min(1.0, waiting / LONG_LINE) ** 1.5)
    return QueuePosition(position, eta_ms, max(POLL_MIN_MS, min(POLL_MAX_MS, soon_ms), spread_ms))


def _spread_ms(position: int, waiting: int, share: float) -> int:
    """Return the soonest next poll, ms, that the api can bear from a queue of this length: sooner at its front.

    With a `share` of 1, all waiting clients together poll at most 500 times a second, whatever their number: the sum
    of 1000 / (4 * sqrt(position * waiting)) over all positions is below 500. For a short queue that moves, this would
    be too rare, so its share is smaller: it grows with the queue up to LONG_LINE, where it is 1.
    """
    return ceil(4 * sqrt(position * waiting) * share)


def come_again_s(meter: Meter) -> int:
    """Return when to retry a request that a full lane refused, seconds: when a quarter of the lane is decided."""
    decided_ms = meter.waiting / 4 * 1000 / meter.rate if meter.rate > 0 else 0.0
    return min(COME_AGAIN_MAX_S, max(COME_AGAIN_MIN_S, ceil(max(decided_ms, meter.quiet_ms) / 1000)))


def poll_of_hold(expires_ms: int, now_ms: int) -> int:
    """Return when to poll a hold again, ms: at its deadline, and after it less and less often."""
    return min(POLL_MAX_MS, max(POLL_HOLD_MIN_MS, abs(expires_ms - now_ms)))
