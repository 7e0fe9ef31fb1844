"""The layout of a hall: everything about its seats that never changes, so that a page needs it once.

It belongs to the hall and not to the show: all shows of a hall share it, and so do the caches in between. Plans never
change, so it may be kept for ever. Its seats are in the plan's order, in which the seats' states are listed as well
(seat_states.py): a seat's index is its row's `first` plus its place in the row, from 0.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson
from sqlalchemy import Engine

from api.web.compression import LEVEL_ONCE, Twofold, twofold
from api.web.errors import NoSuchHall
from api.web.reply import Reply
from api.web.threads import Runs
from core.halls import Hall
from core.recent import Recent
from core.rows import Row
from db.postgres import halls
from db.postgres.engine import transaction

#: Max bytes of a process's layouts, plain and compressed. A row of 20 seats takes some 200 bytes.
LAYOUTS_BYTES = 16_000_000


@dataclass(frozen=True, slots=True)
class Layout:
    """A layout as it is sent. `etag`: a hash of it."""

    body: Twofold
    etag: str


class LayoutService:
    """Answers requests for layouts on the event loop of an api process."""

    def __init__(self, engine: Engine, threads: Runs) -> None:
        """Args: threads: where Postgres is called."""
        self._engine = engine
        self._threads = threads
        self._layouts: Recent[int, Layout] = Recent(LAYOUTS_BYTES, lambda layout: layout.body.size)

    async def reply(self, hall_id: int) -> Reply:
        """Return the layout of a hall. Raises: NoSuchHall, PostgresUnavailable, Busy."""
        known = self._layouts.get(hall_id)
        if known is None:
            known = await self._threads.once(self._make, hall_id)
        headers = [("ETag", f'"{known.etag}"')]
        return Reply(
            200, known.body.plain, headers, immutable=True, etag=known.etag, gzipped=known.body.gzipped
        )  # fmt: skip

    def _make(self, hall_id: int) -> Layout:
        return self._layouts.get_or_make(hall_id, partial(self._read, hall_id))

    def _read(self, hall_id: int) -> Layout:
        with transaction(self._engine) as connection:
            row = halls.get_hall(connection, hall_id, drawn=True)
        if row is None:
            raise NoSuchHall
        plain = orjson.dumps(layout_json(Hall.from_plan(hall_id, row.plan), row.plan.get("drawing")))
        return Layout(twofold(plain, LEVEL_ONCE), hashlib.sha256(plain).hexdigest()[:16])


def layout_json(hall: Hall, drawing: Any = None) -> dict[str, Any]:
    """Return a hall's layout as JSON; categories are named once, and rows refer to them by number.

    Args: drawing: the plan's, as it is stored (core/drawings.py).
    """
    categories = sorted(hall.categories)
    numbers = {name: number for number, name in enumerate(categories)}
    return {
        "hall_id": hall.id,
        "seats": hall.capacity,
        "categories": categories,
        "sections": [{"key": section.key, "name": section.name} for section in hall.sections],
        "rows": [_row(row, numbers) for row in hall.rows],
        "drawing": drawing,
    }


def _row(row: Row, numbers: Mapping[str, int]) -> dict[str, Any]:
    blocks = [
        {"category": numbers[category], "kind": row.kind(column).value, "names": list(names)}
        for column, (category, names) in zip(row.columns, row.blocks(), strict=True)
    ]
    return {
        "section": row.section or None,
        "label": row.label,
        "prefix": row.prefix,
        "first": row.first_index,
        "blocks": blocks,
        "aisles": list(row.runs[1:]),
    }
