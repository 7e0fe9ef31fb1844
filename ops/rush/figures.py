"""The figures of a rush: counted while it runs (`Tally`), then summed up (`Figures`).

Counting takes only a few additions per request, because client and server share the machine. Programs read the JSON
of `Figures`: add keys, never rename them.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

#: Max violations whose text is kept in the figures; all are counted.
LISTED = 20


class Tally:
    """The counters of a running rush. Only one event loop writes; times: performance counter, in seconds."""

    def __init__(self, buyers: int) -> None:
        self.buyers = buyers
        self.began_at = time.perf_counter()
        self.first_sent_at: float | None = None
        self.last_outcome_at = 0.0
        self.accepted = self.held = self.confirmed = self.polls = 0
        self.refused: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.retried: Counter[str] = Counter()
        self.accept_ms: list[float] = []
        self.outcome_ms: list[float] = []
        self.queue_ms: list[float] = []
        self.eta_ms: list[float] = []
        self.timed_out = False
        self.found: list[str] = []
        self._sold: dict[str, str] = {}

    @property
    def decided(self) -> int:
        """Accepted requests whose outcome was seen."""
        return self.confirmed + self.failed.total()

    @property
    def waiting(self) -> int:
        """Accepted requests in the queue: neither decided nor held."""
        return self.accepted - self.decided - self.held

    @property
    def seats_sold(self) -> int:
        """Seats of this rush's confirmed bookings."""
        return len(self._sold)

    def accept(self, arrived_at: float, sent_at: float, at: float, eta_ms: object = None) -> None:
        """Count an accepted request.

        Args: when its buyer arrived, when it was first sent, when it was answered; the wait that was estimated, ms.
        """
        self.accepted += 1
        self.queue_ms.append((sent_at - arrived_at) * 1000)
        self.accept_ms.append((at - sent_at) * 1000)
        if isinstance(eta_ms, int | float):
            self.eta_ms.append(eta_ms)

    def sent(self, at: float) -> None:
        """Note the time at which a buyer's request was first sent."""
        if self.first_sent_at is None or at < self.first_sent_at:
            self.first_sent_at = at

    def decide(self, reason: str | None, sent_at: float, at: float) -> None:
        """Count an outcome: CONFIRMED if there is no reason, otherwise a failure."""
        if reason is None:
            self.confirmed += 1
        else:
            self.failed[reason] += 1
        self.outcome_ms.append((at - sent_at) * 1000)
        self.last_outcome_at = max(self.last_outcome_at, at)

    def sell(self, booking_id: str, seats: Iterable[str]) -> None:
        """Record a booking's confirmed seats. A seat that another booking has is a violation."""
        for seat in seats:
            owner = self._sold.setdefault(seat, booking_id)
            if owner != booking_id:
                self.violate(f"seat {seat} is confirmed for two bookings: {owner} and {booking_id}")

    def violate(self, text: str) -> None:
        """Record a violation: something that must never happen."""
        self.found.append(text)


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Percentiles by nearest rank, in milliseconds; None if nothing was measured."""

    p50: float | None
    p95: float | None
    p99: float | None

    @classmethod
    def of(cls, values: Iterable[float]) -> Percentiles:
        """Calculate them; sorts once."""
        ranked = sorted(values)
        if not ranked:
            return cls(None, None, None)
        last = len(ranked)
        return cls(*(round(ranked[-(-last * share // 100) - 1], 1) for share in (50, 95, 99)))


@dataclass(slots=True)
class Figures:
    """The figures of a finished rush. `add_violations` adds to them what verify finds."""

    seed: int
    show_id: int
    buyers: int
    accepted: int
    refused: dict[str, int]
    #: Buyers without a definite answer to their POST at the end: it may have been accepted.
    unanswered: int
    confirmed: int
    failed: dict[str, int]
    undecided: int
    accept_ms: Percentiles
    outcome_ms: Percentiles
    #: Time from a buyer's arrival until a connection was free for it; not part of the other two.
    queue_ms: Percentiles
    #: The wait that the answers to accepted requests estimate.
    eta_ms: Percentiles
    confirmed_per_s: float
    decided_per_s: float
    seats_sold: int
    polls_per_booking: float
    retries: int
    retried: dict[str, int]
    network_errors: int
    timed_out: bool
    violations: int
    #: The texts of the first LISTED violations.
    found: list[str]

    @classmethod
    def of(cls, tally: Tally, *, seed: int, show_id: int) -> Figures:
        """Sum up the tally once all buyers are done or cancelled."""
        spent_s = tally.last_outcome_at - tally.first_sent_at if tally.first_sent_at and tally.decided else 0.0
        return cls(
            seed=seed,
            show_id=show_id,
            buyers=tally.buyers,
            accepted=tally.accepted,
            refused=dict(tally.refused.most_common()),
            unanswered=tally.buyers - tally.accepted - tally.refused.total(),
            confirmed=tally.confirmed,
            failed=dict(tally.failed.most_common()),
            undecided=tally.accepted - tally.decided,
            accept_ms=Percentiles.of(tally.accept_ms),
            outcome_ms=Percentiles.of(tally.outcome_ms),
            queue_ms=Percentiles.of(tally.queue_ms),
            eta_ms=Percentiles.of(tally.eta_ms),
            confirmed_per_s=round(tally.confirmed / spent_s, 1) if spent_s > 0 else 0.0,
            decided_per_s=round(tally.decided / spent_s, 1) if spent_s > 0 else 0.0,
            seats_sold=tally.seats_sold,
            polls_per_booking=round(tally.polls / tally.accepted, 2) if tally.accepted else 0.0,
            retries=tally.retried.total(),
            retried=dict(tally.retried.most_common()),
            network_errors=tally.retried["network"],
            timed_out=tally.timed_out,
            violations=len(tally.found),
            found=tally.found[:LISTED],
        )

    @property
    def good(self) -> bool:
        """Whether every buyer was answered, every accepted request decided, and nothing violated."""
        return not (self.violations or self.undecided or self.unanswered)

    def add_violations(self, texts: Iterable[str]) -> None:
        """Add the violations that `onsale verify` found."""
        for text in texts:
            self.violations += 1
            if len(self.found) < LISTED:
                self.found.append(text)

    def as_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return asdict(self)
