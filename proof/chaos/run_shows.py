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
from proof.chaos.own_bookings import PRICES
from proof.kit.client import Client
from proof.kit.shows import Catalogue

SEATS = 240
SEATS_PER_USER = 4
#: Seconds of a hold: short, so that many lapse.
HOLD_S = 5
#: Seconds by which a hold may be extended, and for which an offer to the waiting list lasts; how many may wait.
EXTENSION_S, OFFER_S, WAITING_LIST_MAX = 3, 3, 40
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
    premium: tuple[str, ...]
    admin: str


async def make_shows(deployment: Deployment, seconds: float, steady_rate: float) -> RunShows:
    """Make the shows of a run of `seconds` seconds. Raises: Refused, Broken, NoAnswer."""
    admin = str(first_admin_id(deployment.running.database_url))
    token = mint(deployment.running.jwt_secret, admin, "admin")
    with Client(f"http://{HOST}:{deployment.port}", timeout_s=10.0) as client:
        return await asyncio.to_thread(_make_shows, Catalogue(client, token), admin, seconds, steady_rate)


def _make_shows(catalogue: Catalogue, admin: str, seconds: float, steady_rate: float) -> RunShows:
    plan = hall_plan(SEATS)
    hall, movie = catalogue.hall(plan), catalogue.movie()
    first = datetime.now(UTC) + timedelta(days=30)

    def show(number: int, hall_id: int, seats_per_user: int) -> int:
        # A hall has one show at a time.
        starts_at = (first + number * APART).isoformat(timespec="seconds")
        limits = {"seats_per_user": seats_per_user, "waiting_list_max": WAITING_LIST_MAX}
        times = {"hold_s": HOLD_S, "hold_extension_s": EXTENSION_S, "offer_s": OFFER_S}
        return catalogue.show(movie, hall_id, starts_at, PRICES[0], **times, **limits)

    wide = hall_plan(int(steady_rate * GENERATION_S * STEADY_ROOM))
    wide_hall = catalogue.hall(wide)
    groups, steady = [], []
    for place in range(int(seconds / GENERATION_S) + 1):
        numbers = range(place * AT_ONCE, (place + 1) * AT_ONCE)
        groups.append(tuple(show(number, hall, SEATS_PER_USER) for number in numbers))
        steady.append(show(place, wide_hall, STEADY_SEATS_PER_USER))
    seats, wide_seats = (Hall.from_plan(0, each).seats for each in (plan, wide))
    narrow = Hall.from_plan(0, plan)
    premium = tuple(label for label in seats if narrow.category(label) == "premium")
    return RunShows(tuple(groups), tuple(seats), tuple(steady), tuple(wide_seats), premium, admin)
