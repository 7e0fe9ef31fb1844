"""Makes the show for a rush over HTTP, as an admin would, and reads its free seats.

It reads one thing from Postgres: an admin's id.
"""

from __future__ import annotations

import asyncio
import json
import math
from datetime import UTC, datetime, timedelta
from typing import Any

from core.errors import ConfigurationError, OnsaleError
from ops.rush.client import Answer, Call, Client
from ops.rush.picks import OfferedSeats
from ops.rush.plan import Plan
from ops.rush.tokens import mint

PRICES_CENTS = {"standard": 1200, "premium": 1800}
SEATS_PER_USER = 10
HOLD_S = 120
#: Time until the show starts: far longer than any rush.
STARTS_IN = timedelta(days=7)


class NoShow(OnsaleError):
    """The show for the rush could not be made or read."""

    code = "no_show"


async def make_show(client: Client, plan: Plan) -> int:
    """Make a hall, a movie and a show with `plan.seats` seats; return the show's id.

    Raises: NoShow, Lost, ConfigurationError.   Repeat: makes another hall, movie and show.
    """
    admin_id = plan.admin_id or await asyncio.to_thread(_first_admin_id, plan.database_url)
    token = mint(plan.jwt_secret, admin_id, "admin")
    name = f"Rush {datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f}"
    hall = await _create(client, token, "/api/halls", {"name": name, "plan": hall_plan(plan.seats)})
    movie = await _create(client, token, "/api/movies", {"title": name, "duration_min": 120})
    wanted = {
        "movie_id": movie["id"],
        "hall_id": hall["id"],
        "starts_at": (datetime.now(UTC) + STARTS_IN).isoformat(timespec="seconds"),
        "prices": PRICES_CENTS,
        "seats_per_user": SEATS_PER_USER,
        "hold_s": HOLD_S,
    }
    show = await _create(client, token, "/api/shows", wanted)
    return int(show["id"])


async def read_seats(client: Client, show_id: int) -> OfferedSeats:
    """Return the show's free seats. Raises NoShow, Lost."""
    answer = await client.once(Call("GET", client.url(f"/api/shows/{show_id}/seats"), {}))
    _expect(answer, 200, f"GET /api/shows/{show_id}/seats")
    return OfferedSeats.read(answer.body)


def hall_plan(seats: int) -> dict[str, Any]:
    """Return the plan of a hall with exactly `seats` seats: about square, a middle aisle, the front third premium."""
    width = max(10, math.isqrt(seats - 1) + 1)
    count = -(-seats // width)
    premium = -(-count // 3)
    rows = []
    for index in range(count):
        last = min(width, seats - index * width)
        category = "premium" if index < premium and count > 1 else "standard"
        rows.append(
            {
                "label": row_label(index),
                "aisles": [width // 2] if last > width // 2 else [],
                "blocks": [{"first": 1, "last": last, "category": category}],
            }
        )
    return {"rows": rows}


def row_label(index: int) -> str:
    """Return A, B, ... Z, AA, AB, ... for 0, 1, ..."""
    label = ""
    index += 1
    while index:
        index, letter = divmod(index - 1, 26)
        label = chr(ord("A") + letter) + label
    return label


async def _create(client: Client, token: str, path: str, wanted: dict[str, Any]) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    answer = await client.once(Call("POST", client.url(path), headers, json.dumps(wanted).encode()))
    _expect(answer, 201, f"POST {path}")
    return answer.body


def _expect(answer: Answer, status: int, what: str) -> None:
    if answer.status != status:
        detail = answer.body.get("detail") or answer.body.get("errors") or ""
        raise NoShow(f"{what} was answered {answer.status} {answer.code}. {detail}".rstrip())


def _first_admin_id(database_url: str) -> str:
    from db.postgres.users import first_admin_id

    try:
        return str(first_admin_id(database_url))
    except LookupError as error:
        raise ConfigurationError(f"{error} Name an existing show with --show.") from None
