"""What the load knows of its bookings: who wants what, and what was last seen of it."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass
from typing import Any

#: Of the requests for named seats, so many go for so few of the seats.
HOT_REQUESTS, HOT_SEATS = 0.7, 0.1
#: So many requests give up if they have to wait.
IMPATIENT = 0.04
#: Bookings remembered per state; older ones are left to the oracle.
MOST_REMEMBERED = 4_000
#: How the keys of the steady stream begin.
STEADY_KEY = "steady-"


@dataclass(slots=True, eq=False)
class Mine:
    """One wish of one user, and the state of it that was last seen."""

    user: str
    show: int
    key: str
    asked: dict[str, Any]
    id: str = ""
    state: str = ""


class Buyers:
    """Who wants what: draws wishes."""

    def __init__(self, users: list[str], labels: tuple[str, ...], draws: random.Random) -> None:
        self._users = users
        self._labels = labels
        self._hot = labels[: max(1, int(len(labels) * HOT_SEATS))]
        self._random = draws
        self._count = 0

    def wish(self, show: int, *, best: bool, hold: bool) -> Mine:
        """A new wish: named seats, or so many of the best."""
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
        return Mine(draws.choice(self._users), show, f"wish-{self._count}", asked)

    def other_than(self, user: str) -> str:
        """Another user."""
        return self._random.choice([each for each in self._random.sample(self._users, 2) if each != user])


class Regulars:
    """Who always comes through: each wants one seat that nobody else wants, the next of the hall, and one alone."""

    def __init__(self, users: list[str], labels: tuple[str, ...]) -> None:
        self._users = users
        self._labels = labels
        self._count = 0

    def wish(self, show: int) -> Mine:
        """A new wish for one seat of a show."""
        number, self._count = self._count, self._count + 1
        asked = {"seats": [self._labels[number % len(self._labels)]]}
        return Mine(self._users[number % len(self._users)], show, f"{STEADY_KEY}{number}", asked)


class Stock:
    """Wishes by the state last seen: UNKNOWN, QUEUED, HELD, ASKED, CONFIRMED, FAILED, CANCELLED."""

    def __init__(self, draws: random.Random) -> None:
        self._by_state: dict[str, deque[Mine]] = {}
        self._random = draws

    def put(self, mine: Mine, state: str) -> None:
        """It is in this state now."""
        if mine.state != state:
            mine.state = state
            among = self._by_state.setdefault(state, deque(maxlen=MOST_REMEMBERED))
            among.append(mine)

    def see(self, mine: Mine, said: dict[str, Any]) -> None:
        """A status was seen. ASKED: something that was asked about it is not decided yet."""
        self.put(mine, "ASKED" if said["pending"] else said["stage"] or said["status"])

    def forget(self, mine: Mine) -> None:
        """It came to nothing: refused at the door."""
        mine.state = ""

    def pick(self, *states: str) -> Mine | None:
        """Any wish that is in one of these states and has an id, more likely a newer one; None if there is none."""
        for state in self._random.sample(states, len(states)):
            among = self._by_state.get(state)
            for _ in range(8 if among else 0):
                assert among is not None
                back = min(len(among) - 1, int(self._random.expovariate(1 / 60)))
                mine = among[len(among) - 1 - back]
                if mine.state == state and (mine.id or state == "UNKNOWN"):
                    return mine
                del among[len(among) - 1 - back]
                if not among:
                    break
        return None
