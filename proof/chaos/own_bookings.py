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


class Buyers:
    """The users of the mix: draws their requests."""

    def __init__(self, users: list[str], labels: tuple[str, ...], draws: random.Random) -> None:
        self._users = users
        self._labels = labels
        self._hot = labels[: max(1, int(len(labels) * HOT_SEATS))]
        self._random = draws
        self._count = 0

    def next_booking(self, show: int, *, best: bool, hold: bool) -> OwnBooking:
        """Draw a new request: named seats, or a number of the best available."""
        draws = self._random
        asked: dict[str, Any] = {"hold": True} if hold else {}
        if best:
            asked["quantity"] = draws.choice((1, 1, 2, 2, 3))
        else:
            among = self._hot if draws.random() < HOT_REQUESTS else self._labels
            asked["seats"] = sorted(set(draws.choices(among, k=draws.choice((1, 1, 1, 2)))))
        if draws.random() < IMPATIENT:
            asked["give_up_after_ms"] = draws.choice((1, 100, 1_000))
        self._count += 1
        return OwnBooking(draws.choice(self._users), show, f"mix-{self._count}", asked)

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
    """Bookings by the state last seen: UNKNOWN, QUEUED, HELD, ASKED, CONFIRMED, FAILED, CANCELLED."""

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
        """Note the status that was seen. ASKED: a confirm or cancel of it is not decided yet."""
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
