"""Seat maps: what of a show is free, as many people look at it while few seats change.

A map belongs to a version of its show. Each process keeps the last few as ready bytes, so that a poll costs
one look at the version. Plans never change, so halls are kept as well.
"""

from __future__ import annotations

import json
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from sqlalchemy import Connection, Engine

from core.halls import Hall
from db import catalogue, halls
from db.catalogue import TakenSeats
from db.engine import transaction

#: A map takes some 60 bytes a seat, a hall some 300; a stadium has 200,000 seats, a cinema 300.
MAPS, HALLS = 32, 16

V = TypeVar("V")


class Recent(Generic[V]):
    """The few values used last, by number. May be used by many threads."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[int, V] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, number: int) -> V | None:
        """The value, if it is still here."""
        with self._lock:
            if number in self._values:
                self._values.move_to_end(number)
            return self._values.get(number)

    def put(self, number: int, value: V) -> None:
        """Keep a value; the one unused for longest makes room."""
        with self._lock:
            self._values[number] = value
            self._values.move_to_end(number)
            if len(self._values) > self._size:
                self._values.popitem(last=False)


@dataclass(frozen=True, slots=True)
class SeatMap:
    """A show's map as JSON. `checked_s`: when Postgres last said that this is the show's version (monotonic)."""

    version: int
    body: bytes
    checked_s: float


class SeatMaps:
    """The seat maps of one application."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._maps: Recent[SeatMap] = Recent(MAPS)
        self._halls: Recent[Hall] = Recent(HALLS)
        self._making = [threading.Lock() for _ in range(MAPS)]

    def version(self, show_id: int) -> int | None:
        """The show's version now; None if there is no such show. Raises: PostgresAway."""
        now_s = time.monotonic()
        with transaction(self._engine) as connection:
            version = catalogue.get_version(connection, show_id)
        known = self._maps.get(show_id)
        if known is not None and version is not None and known.version >= version:
            self._maps.put(show_id, replace(known, checked_s=now_s))
        return version

    def kept(self, show_id: int) -> SeatMap | None:
        """The map that this process has, true or not any more."""
        return self._maps.get(show_id)

    def at_least(self, show_id: int, version: int) -> SeatMap:
        """A map not older than `version`. The show must exist; of many who ask at once, one makes it.

        Raises: PostgresAway.
        """
        with self._making[show_id % MAPS]:
            known = self._maps.get(show_id)
            return known if known is not None and known.version >= version else self._make(show_id)

    def _make(self, show_id: int) -> SeatMap:
        now_s = time.monotonic()
        with transaction(self._engine) as connection:
            taken = catalogue.get_taken_seats(connection, show_id)
            if taken is None:
                raise LookupError(f"show {show_id} is gone")
            hall = self._hall(connection, taken.hall_id)
        fresh = SeatMap(taken.version, _render(show_id, hall, taken), now_s)
        self._maps.put(show_id, fresh)
        return fresh

    def _hall(self, connection: Connection, hall_id: int) -> Hall:
        hall = self._halls.get(hall_id)
        if hall is None:
            row = halls.get_hall(connection, hall_id)
            if row is None:
                raise LookupError(f"hall {hall_id} is gone")
            hall = Hall.from_plan(hall_id, row.plan)
            self._halls.put(hall_id, hall)
        return hall


def _render(show_id: int, hall: Hall, taken: TakenSeats) -> bytes:
    statuses = dict.fromkeys(taken.held, "HELD") | dict.fromkeys(taken.sold, "SOLD")
    rows = [
        {
            "label": row[0].label.rstrip("0123456789"),
            "seats": [
                {
                    "label": seat.label,
                    "category": seat.category,
                    "status": statuses.get(seat.label, "AVAILABLE"),
                }
                for seat in row
            ],
        }
        for row in hall.rows
    ]
    body = {"show_id": show_id, "version": taken.version, "rows": rows}
    return json.dumps(body, separators=(",", ":")).encode()
