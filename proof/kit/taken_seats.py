"""What the door believes to be taken, compared with Postgres, where it claims to know the show's present version."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import redis
from sqlalchemy import Engine

from core.halls import Hall
from core.ids import lane_of
from core.taken_seats import SOLD
from db.kv import keys
from db.postgres import halls
from db.postgres.engine import transaction
from proof.kit import sql


def believed(client: redis.Redis, show_id: int, lanes: int) -> int | None:
    """The version of the show whose taken seats the door believes to know; None if it knows none."""
    version, taken = client.hmget(keys.card(lane_of(show_id, lanes), show_id), "v", "taken")
    return int(taken) if taken is not None and taken == version else None


def untrue(client: redis.Redis, engine: Engine, lanes: int) -> list[str]:
    """Where the door is wrong. Nothing may publish or commit meanwhile."""
    with transaction(engine) as connection:
        shows = connection.execute(sql.SHOW_VERSIONS).all()
        seats = connection.execute(sql.SEATS_AND_DEADLINES).all()
        plans = {}
        for hall_id in {show.hall_id for show in shows}:
            row = halls.get_hall(connection, hall_id)
            assert row is not None
            plans[hall_id] = list(Hall.from_plan(hall_id, row.plan).seats)
    owed: dict[str, Callable[[Any], int]] = {"AVAILABLE": lambda _: 0, "HELD": int, "SOLD": lambda _: SOLD}
    is_so = {(seat.show_id, seat.label): owed[seat.status](seat.ends) for seat in seats}
    ask: Any = client.execute_command
    found = []
    for show in shows:
        if believed(client, show.id, lanes) != show.version:
            continue  # it knows none, or those of a version that has passed and cannot be compared any more
        labels = plans[show.hall_id]
        command = [part for number in range(len(labels)) for part in ("GET", "u32", f"#{number}")]
        told = ask("BITFIELD_RO", keys.taken(lane_of(show.id, lanes), show.id), *command)
        found += [
            f"I8 show {show.id} v{show.version}: seat {label} is {is_so[show.id, label]}, the door believes {until}"
            for label, until in zip(labels, told, strict=True)
            if until != is_so[show.id, label]
        ]
    return found
