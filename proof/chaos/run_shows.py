"""The halls, the movie and the shows of a run. The shows are booked in groups, one group after the other."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from core.halls import Hall
from db.postgres.users import first_admin_id
from ops.rush.shows import hall_plan
from ops.rush.tokens import mint
from proof.chaos.deployment import HOST, Deployment
from proof.kit.client import Client
from proof.kit.shows import Catalogue

SEATS = 240
SEATS_PER_USER = 4
#: Seconds of a hold: short, so that many lapse.
HOLD_S = 5
#: Shows that are booked at the same time, one or two per lane; and seconds for which they are.
AT_ONCE, GENERATION_S = 6, 25.0


#: The steady stream's hall, as a multiple of the seats that it books; and a limit per user that is never reached.
STEADY_ROOM, STEADY_SEATS_PER_USER = 1.3, 20


#: The time between the starts of two shows: a hall has one show at a time, and the movie is shorter than this.
APART = timedelta(hours=4)


@dataclass(frozen=True, slots=True)
class RunShows:
    """The groups of shows that are booked one after the other, and the steady stream's show next to each group."""

    groups: tuple[tuple[int, ...], ...]
    labels: tuple[str, ...]
    steady: tuple[int, ...]
    steady_labels: tuple[str, ...]


async def make_shows(deployment: Deployment, seconds: float, steady_rate: float) -> RunShows:
    """Make the shows of a run of `seconds` seconds. Raises: Refused, Broken, NoAnswer."""
    token = mint(deployment.running.jwt_secret, str(first_admin_id(deployment.running.database_url)), "admin")
    with Client(f"http://{HOST}:{deployment.port}", timeout_s=10.0) as client:
        return await asyncio.to_thread(_make_shows, Catalogue(client, token), seconds, steady_rate)


def _make_shows(catalogue: Catalogue, seconds: float, steady_rate: float) -> RunShows:
    plan = hall_plan(SEATS)
    hall, movie = catalogue.hall(plan), catalogue.movie()
    first = datetime.now(UTC) + timedelta(days=30)

    def show(number: int, hall_id: int, seats_per_user: int) -> int:
        # A hall has one show at a time.
        starts_at = (first + number * APART).isoformat(timespec="seconds")
        prices = {"standard": 1200, "premium": 1800}
        return catalogue.show(movie, hall_id, starts_at, prices, hold_s=HOLD_S, seats_per_user=seats_per_user)

    wide = hall_plan(int(steady_rate * GENERATION_S * STEADY_ROOM))
    wide_hall = catalogue.hall(wide)
    groups, steady = [], []
    for place in range(int(seconds / GENERATION_S) + 1):
        numbers = range(place * AT_ONCE, (place + 1) * AT_ONCE)
        groups.append(tuple(show(number, hall, SEATS_PER_USER) for number in numbers))
        steady.append(show(place, wide_hall, STEADY_SEATS_PER_USER))
    labels, steady_labels = (tuple(Hall.from_plan(0, each).seats) for each in (plan, wide))
    return RunShows(tuple(groups), labels, tuple(steady), steady_labels)
