"""Seat maps that a worker keeps between batches: choosing the best seats needs every seat, and need not read it
twice.

A map is valid for one version of its show, which is compared under the show's lock; every change of a seat gives the
show a new version. A batch removes the map, decide changes it, and it is put back only after COMMIT has returned, so
a batch that fails leaves no wrong map.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from core.seat_owners import Owners
from core.seats import FreeSeats

#: Approximate bytes: limit of all maps of a worker; size of an owned seat, and of a map without seats.
BYTES_MAX = 100_000_000
OWNED_BYTES, MAP_BYTES = 200, 2_000


@dataclass(slots=True)
class SeatMap:
    """Every seat's owner at one version of a show, and the seats that are free as of `now_ms`, if that is known."""

    version: int
    owners: Owners
    free: FreeSeats | None = None
    now_ms: int = 0

    @property
    def size(self) -> int:
        """Return its approximate size in bytes."""
        return MAP_BYTES + OWNED_BYTES * len(self.owners) + (self.free.size if self.free else 0)


class SeatMaps:
    """The maps of one worker process. Its threads drain different lanes, so never the same show."""

    def __init__(self) -> None:
        self._maps: dict[int, SeatMap] = {}
        self._bytes = 0
        self._lock = threading.Lock()

    def remove(self, show_id: int, version: int) -> SeatMap | None:
        """Remove and return a show's map; None if there is none of this version."""
        with self._lock:
            kept = self._pop(show_id)
        return kept if kept is not None and kept.version == version else None

    def put(self, show_id: int, seat_map: SeatMap) -> None:
        """Keep a map; drop the least recently used ones if there is no room."""
        with self._lock:
            self._pop(show_id)
            self._maps[show_id] = seat_map
            self._bytes += seat_map.size
            while self._bytes > BYTES_MAX and len(self._maps) > 1:
                self._pop(next(iter(self._maps)))

    def _pop(self, show_id: int) -> SeatMap | None:
        """Remove a map, and subtract its size from the sum."""
        kept = self._maps.pop(show_id, None)
        if kept is not None:
            self._bytes -= kept.size
        return kept
