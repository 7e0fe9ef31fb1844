"""The sizes of a run: the full one takes some 20 to 40 minutes, the quick one five."""

from __future__ import annotations

from dataclasses import dataclass

#: Bookings before the clock starts, to warm connections, pools and caches.
WARM_UP = 300
#: Seats of the hot show, of each of 20 and of each of 1,000: enough for all bookings of a round.
HOT_SEATS, SEATS_OF_20, SEATS_OF_1000 = 24_000, 1_200, 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """The counts of each part per round. Times are in seconds."""

    rounds: int
    onsale: int = 12_000
    others: int = 1_500
    hello: int = 15_000
    gets: int = 2_000
    pgbench: int = 4_000
    drained: int = 20_000
    losers: int = 20_000
    loser_rounds: int = 3
    buyers: int = 2_500
    warm_s: float = 10.0
    sleeps: int = 25
    crowd: int = 6_000


FULL = Sizes(rounds=5)
QUICK = Sizes(
    rounds=1, onsale=5_000, others=1_200, hello=8_000, gets=1_000, pgbench=2_000, drained=10_000, losers=4_000,
    loser_rounds=1, warm_s=4.0, sleeps=2, crowd=5_000,
)  # fmt: skip
