"""The cache of seat maps: many people read them while few seats change.

A map belongs to a version of its show. Each process keeps the most recently used ones as ready bytes, plain and
compressed, so that a poll costs one check of the version. Plans never change, so halls are cached as well.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial

from sqlalchemy import Connection, Engine

from api.web.compression import Twofold, compressed
from core.halls import Hall
from core.recent import Recent
from core.rows import Row, SeatKind
from core.seat_states import SeatStates
from core.shows import ShowSettings
from db.postgres import catalogue, halls
from db.postgres.catalogue import TakenSeats
from db.postgres.engine import transaction

#: Max bytes of a process's cached maps, and of its halls. A map takes some 60 bytes per seat, and a thirteenth of
#: that compressed; a stadium has 200,000 seats, a cinema 300. The least recently used ones are dropped.
MAPS_BYTES, HALLS_BYTES = 64_000_000, 8_000_000
#: Locks under which maps are built: two shows may share one.
LOCKS = 256


@dataclass(frozen=True, slots=True)
class SeatMap:
    """A show's map as JSON. `checked_s`: when Postgres last confirmed that this is the show's version (monotonic).

    `gzipped`: the body for clients that accept gzip; b"" if the map is too small to compress.
    """

    version: int
    body: bytes
    gzipped: bytes
    checked_s: float

    @property
    def twofold(self) -> Twofold:
        """The body in both forms."""
        return Twofold(self.body, self.gzipped)


@dataclass(frozen=True, slots=True)
class ShowSeats:
    """The states of a show's seats, and its settings at the same version."""

    states: SeatStates
    settings: ShowSettings


class SeatMapCache:
    """The seat maps of one api process, and the halls they are built from. Thread-safe."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._maps: Recent[int, SeatMap] = Recent(MAPS_BYTES, lambda kept: kept.twofold.size)
        self._halls: Recent[int, Hall] = Recent(HALLS_BYTES, lambda hall: hall.size)
        self._making = [threading.Lock() for _ in range(LOCKS)]

    def version(self, show_id: int) -> int | None:
        """Read the show's version from Postgres; None if there is no such show. Raises: PostgresUnavailable."""
        now_s = time.monotonic()
        with transaction(self._engine) as connection:
            version = catalogue.get_version(connection, show_id)
        known = self._maps.get(show_id)
        if known is not None and version is not None and known.version >= version:
            self._maps.put(show_id, replace(known, checked_s=now_s))
        return version

    def kept(self, show_id: int) -> SeatMap | None:
        """Return the cached map, which may be outdated; None if there is none."""
        return self._maps.get(show_id)

    def at_least(self, show_id: int, version: int) -> SeatMap:
        """Return a map not older than `version`. The show must exist; of concurrent callers, only one builds it.

        Raises: PostgresUnavailable.
        """
        with self._making[show_id % LOCKS]:
            known = self._maps.get(show_id)
            return known if known is not None and known.version >= version else self._make(show_id)

    def states(self, show_id: int) -> ShowSeats | None:
        """Read the states of a show's seats from Postgres; None if there is no such show.

        Raises: PostgresUnavailable.
        """
        with transaction(self._engine) as connection:
            taken = catalogue.get_taken_seats(connection, show_id)
            if taken is None:
                return None
            hall = self._hall(connection, taken.hall_id)
        held, sold = map(hall.seat_index, taken.held), map(hall.seat_index, taken.sold)
        return ShowSeats(SeatStates.of(taken.version, hall.capacity, held, sold), taken.settings)

    def versions(self, show_ids: Collection[int]) -> dict[int, int]:
        """Read the versions of some shows from Postgres; those that do not exist are missing.

        Raises: PostgresUnavailable.
        """
        with transaction(self._engine) as connection:
            return catalogue.get_versions(connection, show_ids)

    def _make(self, show_id: int) -> SeatMap:
        now_s = time.monotonic()
        with transaction(self._engine) as connection:
            taken = catalogue.get_taken_seats(connection, show_id)
            if taken is None:
                raise LookupError(f"show {show_id} is gone")
            hall = self._hall(connection, taken.hall_id)
        body = _render(show_id, hall, taken)
        fresh = SeatMap(taken.version, body, compressed(body), now_s)
        self._maps.put(show_id, fresh)
        return fresh

    def _hall(self, connection: Connection, hall_id: int) -> Hall:
        return self._halls.get_or_make(hall_id, partial(_read_hall, connection, hall_id))


def _read_hall(connection: Connection, hall_id: int) -> Hall:
    row = halls.get_hall(connection, hall_id)
    if row is None:
        raise LookupError(f"hall {hall_id} is gone")
    return Hall.from_plan(hall_id, row.plan)


def _render(show_id: int, hall: Hall, taken: TakenSeats) -> bytes:
    """Render the map as JSON, row by row, so that other threads, above all the event loop, get the GIL in between."""
    statuses = dict.fromkeys(taken.held, "HELD") | dict.fromkeys(taken.sold, "SOLD")
    rows = ",".join([_row(row, statuses) for row in hall.rows])
    return f'{{"show_id":{show_id},"version":{taken.version},"rows":[{rows}]}}'.encode()


def _row(row: Row, statuses: Mapping[str, str]) -> str:
    """Render one row. Labels and categories (core/seat_labels.py) contain nothing that JSON would escape."""
    seats = []
    for block, (category, names) in enumerate(row.blocks()):
        rest = f'","category":"{category}","status":"'
        kind = row.kinds[block] if row.kinds else SeatKind.SEAT
        end = '"}' if kind is SeatKind.SEAT else f'","kind":"{kind}"}}'
        for name in names:
            label = f"{row.prefix}{name}"
            seats.append(f'{{"label":"{label}{rest}{statuses.get(label, "AVAILABLE")}{end}')
    section = f'"section":"{row.section}",' if row.section else ""
    return f'{{{section}"label":"{row.label}","seats":[{",".join(seats)}]}}'
