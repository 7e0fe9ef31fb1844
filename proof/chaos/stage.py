"""What there is to book in a run: one hall, one movie, and shows in groups that follow one another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from core.errors import OnsaleError
from core.halls import Hall
from db.postgres.users import first_admin_id
from ops.rush.shows import hall_plan
from ops.rush.tokens import mint
from proof.chaos.scene import HOST, Scene
from proof.chaos.wire import Wire, request

SEATS = 240
SEATS_PER_USER = 4
#: Seconds of a hold: short, so that many end by themselves.
HOLD_S = 5
#: Shows that are booked at the same time, one or two per lane; and for how long, seconds.
AT_ONCE, GENERATION_S = 6, 25.0


#: The hall of the steady stream has more seats by this than it books, and so many per user are no limit.
STEADY_ROOM, STEADY_SEATS_PER_USER = 1.3, 20


#: A hall has one show at a time: between the starts of two, longer than the movie lasts.
APART = timedelta(hours=4)


@dataclass(frozen=True, slots=True)
class Stage:
    """The groups of shows that are booked one after the other, and the steady stream's show beside each group."""

    groups: tuple[tuple[int, ...], ...]
    labels: tuple[str, ...]
    steady: tuple[int, ...]
    steady_labels: tuple[str, ...]


class NoStage(OnsaleError):
    """The shows of a run could not be made."""

    code = "no_stage"


async def make_shows(scene: Scene, seconds: float, steady_rate: float) -> Stage:
    """Make the shows for so many seconds. Raises NoStage."""
    token = mint(scene.running.jwt_secret, str(first_admin_id(scene.running.database_url)), "admin")
    wire = Wire(HOST, scene.port)

    async def create(path: str, body: dict[str, object]) -> int:
        code, answer = await wire.once(request("POST", path, token=token, body=body), 10.0)
        if code != 201:
            raise NoStage(f"POST {path} was answered {code} {answer}")
        return int(answer["id"])

    plan = hall_plan(SEATS)
    hall = await create("/api/halls", {"name": "Chaos", "plan": plan})
    movie = await create("/api/movies", {"title": "Chaos", "duration_min": 90})
    first = datetime.now(UTC) + timedelta(days=30)

    async def show(number: int, hall_id: int, seats_per_user: int) -> int:
        # A hall has one show at a time.
        starts_at = (first + number * APART).isoformat(timespec="seconds")
        return await create("/api/shows", {
            "movie_id": movie, "hall_id": hall_id, "starts_at": starts_at, "hold_s": HOLD_S,
            "prices": {"standard": 1200, "premium": 1800}, "seats_per_user": seats_per_user,
        })  # fmt: skip

    wide = hall_plan(int(steady_rate * GENERATION_S * STEADY_ROOM))
    wide_hall = await create("/api/halls", {"name": "Steady", "plan": wide})
    groups, steady = [], []
    for place in range(int(seconds / GENERATION_S) + 1):
        numbers = range(place * AT_ONCE, (place + 1) * AT_ONCE)
        groups.append(tuple([await show(number, hall, SEATS_PER_USER) for number in numbers]))
        steady.append(await show(place, wide_hall, STEADY_SEATS_PER_USER))
    wire.close()
    labels, steady_labels = (tuple(Hall.from_plan(0, each).seats) for each in (plan, wide))
    return Stage(tuple(groups), labels, tuple(steady), steady_labels)
