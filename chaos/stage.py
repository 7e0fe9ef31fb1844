"""What there is to book in a run: one hall, one movie, and shows in groups that follow one another."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from chaos.scene import HOST, Scene
from chaos.wire import Wire, request
from core.errors import OnsaleError
from core.halls import Hall
from db.users import first_admin_id
from rush.shows import hall_plan
from rush.tokens import mint

SEATS = 240
SEATS_PER_USER = 4
#: Seconds of a hold: short, so that many end by themselves.
HOLD_S = 5
#: The hall is the same for all shows, so they start one after the other, longer apart than the movie lasts.
FIRST_START, APART = timedelta(days=30), timedelta(hours=2)
#: Shows that are booked at the same time, one or two per lane; and for how long, seconds.
AT_ONCE, GENERATION_S = 6, 25.0


class NoStage(OnsaleError):
    """The shows of a run could not be made."""

    code = "no_stage"


async def make_shows(scene: Scene, seconds: float) -> tuple[tuple[tuple[int, ...], ...], tuple[str, ...]]:
    """Make the shows for so many seconds. Returns the groups of their ids, and the seats' labels. Raises NoStage."""
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
    show: dict[str, object] = {
        "movie_id": movie, "hall_id": hall, "hold_s": HOLD_S,
        "prices": {"standard": 1200, "premium": 1800}, "seats_per_user": SEATS_PER_USER,
    }  # fmt: skip
    first, groups = datetime.now(UTC) + FIRST_START, []
    for group in range(int(seconds / GENERATION_S) + 1):
        starts = [first + APART * (group * AT_ONCE + number) for number in range(AT_ONCE)]
        shows = [{**show, "starts_at": start.isoformat(timespec="seconds")} for start in starts]
        groups.append(tuple([await create("/api/shows", each) for each in shows]))
    wire.close()
    return tuple(groups), tuple(Hall.from_plan(0, plan).seats)
