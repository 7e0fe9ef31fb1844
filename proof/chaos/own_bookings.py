"""The load's own bookings: the requests it draws, and the state it last saw of each."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass
from typing import Any

#: Of the requests for named seats, the share that wants the hot seats; and the share of the seats that is hot.
HOT_REQUESTS, HOT_SEATS = 0.7, 0.1
#: The share of requests that set `give_up_after_ms`.
IMPATIENT = 0.04
#: The prices that administrators change to and fro; and the share of requests that expect one of the two amounts.
PRICES = ({"standard": 1200, "premium": 1800}, {"standard": 1300, "premium": 1950})
EXPECTING = 0.3
#: The share of releases that name a seat which the booking may never have had.
WRONG_RELEASES = 0.1
#: Most bookings remembered per state; older ones are left to the oracle.
MOST_REMEMBERED = 4_000
#: The prefix of the steady stream's keys.
STEADY_KEY = "steady-"


@dataclass(slots=True, eq=False)
class OwnBooking:
    """One booking of one user, and its state as last seen."""

    user: str
    show: int
    key: str
    asked: dict[str, Any]
    id: str = ""
    state: str = ""
    seats: tuple[str, ...] = ()


class Buyers:
    """The users of the mix: draws their requests."""

    def __init__(
        self, users: list[str], labels: tuple[str, ...], premium: tuple[str, ...], draws: random.Random
    ) -> None:
        self._users = users
        self._labels = labels
        self._premium = frozenset(premium)
        self._hot = labels[: max(1, int(len(labels) * HOT_SEATS))]
        self._random = draws
        self._count = 0

    def next_booking(self, show: int, *, kind: str, hold: bool) -> OwnBooking:
        """Draw a new request: for named seats, for a number of the best available, or of ranked wishes.

        `kind`: "book_best", "wishes", "waiting" (for named seats or the best, on the waiting list), or another.
        """
        draws = self._random
        asked: dict[str, Any] = {"hold": True} if hold else {}
        if kind == "waiting":
            asked["waiting_list"] = True
        if kind == "wishes":
            asked["wishes"] = [self._wish() for _ in range(draws.choice((1, 2, 3)))]
        elif kind == "book_best" or (kind == "waiting" and draws.random() < 0.3):
            asked["quantity"] = draws.choice((1, 1, 2, 2, 3))
        else:
            asked |= self._named()
        if draws.random() < IMPATIENT:
            asked["give_up_after_ms"] = draws.choice((1, 100, 1_000))
        self._count += 1
        return OwnBooking(draws.choice(self._users), show, f"mix-{self._count}", asked)

    def _named(self) -> dict[str, Any]:
        """Draw a wish for named seats; some expect what these cost now, or have cost."""
        draws = self._random
        among = self._hot if draws.random() < HOT_REQUESTS else self._labels
        seats = sorted(set(draws.choices(among, k=draws.choice((1, 1, 1, 2)))))
        prices = draws.choice(PRICES)
        return {"seats": seats} | self._expecting(sum(prices[self._category(label)] for label in seats))

    def _wish(self) -> dict[str, Any]:
        """Draw a wish: for named seats, for adjacent ones, of a category, or in a range of prices."""
        draws = self._random
        count, category, prices = (
            draws.choice((1, 2, 2, 3)),
            draws.choice(("standard", "premium")),
            draws.choice(PRICES),
        )
        costs = self._expecting(count * prices[category])
        return draws.choice(
            (
                self._named(),
                {"quantity": count, "together": True},
                {"quantity": count, "category": category, "together": True, **costs},
                {"quantity": count, "category": category, **costs},
                {"quantity": count, "max_price_cents": draws.choice((1250, 1500))},
                {"quantity": count, "min_price_cents": 1500, "max_price_cents": 1900},
            )
        )

    def _expecting(self, amount_cents: int) -> dict[str, int]:
        return {"expected_amount_cents": amount_cents} if self._random.random() < EXPECTING else {}

    def _category(self, label: str) -> str:
        return "premium" if label in self._premium else "standard"

    def to_release(self, booking: OwnBooking) -> list[str]:
        """Draw seats to give back: one or two of the booking's, or one that it may never have had."""
        draws = self._random
        if not booking.seats or draws.random() < WRONG_RELEASES:
            return [draws.choice(self._labels)]
        return sorted(draws.sample(booking.seats, min(len(booking.seats), draws.choice((1, 1, 2)))))

    def other_than(self, user: str) -> str:
        """Return another user."""
        return self._random.choice([each for each in self._random.sample(self._users, 2) if each != user])


class SteadyBuyers:
    """The users of the steady stream: each request is for the hall's next seat, which no other request wants."""

    def __init__(self, users: list[str], labels: tuple[str, ...]) -> None:
        self._users = users
        self._labels = labels
        self._count = 0

    def next_booking(self, show: int) -> OwnBooking:
        """Make the next request, for one seat of a show."""
        number, self._count = self._count, self._count + 1
        asked = {"seats": [self._labels[number % len(self._labels)]]}
        return OwnBooking(self._users[number % len(self._users)], show, f"{STEADY_KEY}{number}", asked)


class KnownBookings:
    """Bookings by the state last seen: UNKNOWN, QUEUED, WAITING, HELD, ASKED, CONFIRMED, FAILED, CANCELLED."""

    def __init__(self, draws: random.Random) -> None:
        self._by_state: dict[str, deque[OwnBooking]] = {}
        self._random = draws

    def put(self, booking: OwnBooking, state: str) -> None:
        """Note that a booking is in this state now."""
        if booking.state != state:
            booking.state = state
            among = self._by_state.setdefault(state, deque(maxlen=MOST_REMEMBERED))
            among.append(booking)

    def see(self, booking: OwnBooking, said: dict[str, Any]) -> None:
        """Note the status that was seen. ASKED: an operation on it is not decided yet."""
        booking.seats = tuple(said["seats"] or ())
        self.put(booking, "ASKED" if said["pending"] else said["stage"] or said["status"])

    def forget(self, booking: OwnBooking) -> None:
        """Forget a booking that was refused before it was queued."""
        booking.state = ""

    def pick(self, *states: str) -> OwnBooking | None:
        """Return a random booking in one of these states, more likely a newer one; None if there is none.

        It has an id, unless it is UNKNOWN.
        """
        for state in self._random.sample(states, len(states)):
            among = self._by_state.get(state)
            for _ in range(8 if among else 0):
                assert among is not None
                back = min(len(among) - 1, int(self._random.expovariate(1 / 60)))
                booking = among[len(among) - 1 - back]
                if booking.state == state and (booking.id or state == "UNKNOWN"):
                    return booking
                del among[len(among) - 1 - back]
                if not among:
                    break
        return None
