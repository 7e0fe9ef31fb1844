"""The place in line: position, estimated wait, and when to ask again. Pure arithmetic for the status answer."""

from __future__ import annotations

from dataclasses import dataclass

#: Soonest and latest next poll, ms. Sooner would ask before a batch can be decided; later feels dead.
POLL_MIN_MS = 50
POLL_MAX_MS = 5_000
#: When nothing is known of the drain's rate yet: about one batch.
POLL_UNKNOWN_MS = 250
#: What an operation needs besides its turn: one batch's transaction and its publication, ms.
BATCH_MS = 60


@dataclass(frozen=True, slots=True)
class Place:
    """Where a waiting operation stands. `eta_ms` is None while the drain's rate is unknown."""

    position: int
    eta_ms: int | None
    poll_after_ms: int


def place(ticket: int, served: int, rate: float) -> Place:
    """The place of the operation with `ticket` when `served` was decided last, at `rate` decisions per second.

    Position 1 is the next to be decided. The poll is asked for just after the estimated outcome.
    """
    position = max(1, ticket - served)
    if rate <= 0:
        return Place(position, None, POLL_UNKNOWN_MS)
    eta_ms = round(position * 1000 / rate) + BATCH_MS
    return Place(position, eta_ms, min(POLL_MAX_MS, max(POLL_MIN_MS, eta_ms + eta_ms // 8)))


def poll_of_hold(expires_ms: int, now_ms: int) -> int:
    """When to ask again about a hold: nothing is expected before its deadline, ms."""
    return min(POLL_MAX_MS, max(POLL_MIN_MS, expires_ms - now_ms))
