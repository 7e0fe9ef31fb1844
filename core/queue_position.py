"""The place in line: position, estimated wait, and when to ask again. Pure arithmetic for the status answer."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, sqrt

#: Soonest next poll, ms: sooner would ask before a batch can be decided. Latest, for the sake of the wait alone:
#: later feels dead. A long line asks for more (`_spread_ms`).
POLL_MIN_MS = 50
POLL_MAX_MS = 10_000
#: When nothing is known of the drain's rate yet: about one batch.
POLL_UNKNOWN_MS = 250
#: Soonest next poll of a hold, ms: what happens to it at its deadline takes the scheduler's next second at least.
POLL_HOLD_MIN_MS = 1_000
#: What an operation needs besides its turn: one batch's transaction and its publication, ms.
BATCH_MS = 60
#: A lane in which nothing was decided for so long, though something waits, is delayed: no wait can be promised. One
#: whose drain was killed moves again sooner (docs/reliability.md).
DELAYED_MS = 5_000
#: So many clients in one line ask for 500 statuses a second at the most.
LONG_LINE = 20_000
#: Seconds after which whoever was turned away by a full line may come again, at the least and the most.
COME_AGAIN_MIN_S, COME_AGAIN_MAX_S = 2, 60


@dataclass(frozen=True, slots=True)
class Meter:
    """How far a lane is, at one instant of Redis's clock: its epoch, the tickets last decided and last given,
    decisions per second (0: unknown), and for how long something has waited while nothing was decided."""

    epoch: str = ""
    served: int = 0
    rate: float = 0.0
    ticket: int = 0
    quiet_ms: int = 0
    now_ms: int = 0

    @property
    def waiting(self) -> int:
        """How many operations wait."""
        return max(0, self.ticket - self.served)


#: Of a lane that was not asked.
UNKNOWN = Meter()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a waiting operation stands. `eta_ms` is None while the drain's rate is unknown, or the lane `delayed`."""

    position: int
    eta_ms: int | None
    poll_after_ms: int
    delayed: bool = False


def place(ticket: int, meter: Meter) -> Place:
    """The place of the operation with `ticket`, by its lane's meter.

    Position 1 is the next to be decided. While nothing is decided the estimate is never shorter than that has
    lasted already. The poll is asked for just after the estimated outcome, or later where many wait.
    """
    position = max(1, ticket - meter.served)
    waiting = max(position, meter.waiting)
    if meter.quiet_ms >= DELAYED_MS:
        poll_ms = max(min(meter.quiet_ms, POLL_MAX_MS), _spread_ms(position, waiting, 1.0))
        return Place(position, None, poll_ms, delayed=True)
    eta_ms = None
    soon_ms = max(POLL_UNKNOWN_MS, meter.quiet_ms)
    if meter.rate > 0:
        eta_ms = max(round(position * 1000 / meter.rate) + BATCH_MS, meter.quiet_ms)
        soon_ms = eta_ms + eta_ms // 8
    spread_ms = _spread_ms(position, waiting, min(1.0, waiting / LONG_LINE) ** 1.5)
    return Place(position, eta_ms, max(POLL_MIN_MS, min(POLL_MAX_MS, soon_ms), spread_ms))


def _spread_ms(position: int, waiting: int, share: float) -> int:
    """The soonest next poll, ms, that a line of this length can bear. Who stands in front may ask more often.

    With a `share` of 1 all who wait ask 500 times a second at the most, whatever their number: the sum of
    1000 / (4 * sqrt(position * waiting)) over all positions is below 500. That is too seldom for a line that moves
    and is soon over, so there the share grows with the line, and is 1 for a long one.
    """
    return ceil(4 * sqrt(position * waiting) * share)


def come_again_s(meter: Meter) -> int:
    """When whoever was turned away by a full line may come again: a quarter of it is decided then, seconds."""
    decided_ms = meter.waiting / 4 * 1000 / meter.rate if meter.rate > 0 else 0.0
    return min(COME_AGAIN_MAX_S, max(COME_AGAIN_MIN_S, ceil(max(decided_ms, meter.quiet_ms) / 1000)))


def poll_of_hold(expires_ms: int, now_ms: int) -> int:
    """When to ask again about a hold, ms: nothing is expected before its deadline, and after it ever more seldom."""
    return min(POLL_MAX_MS, max(POLL_HOLD_MIN_MS, abs(expires_ms - now_ms)))
