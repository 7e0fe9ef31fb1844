"""Seat maps that a worker keeps between batches: best-available must know every seat, and need not read it twice.

A map is true for one version of its show, which is compared under the show's lock; every change of a seat gives
the show a new version. It is taken out for a batch, changed by decide, and put back only after COMMIT has
returned: whatever goes wrong in between, there is nothing wrong to be found here later.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from core.seat_owners import Owners
from core.seats import FreeSeats

#: What the maps of a worker may take together, about, in bytes; what an owned seat takes, and a map beside them.
BYTES_MAX = 100_000_000
OWNED_BYTES, MAP_BYTES = 200, 2_000


@dataclass(slots=True)
class SeatMap:
    """Every seat's owner at one version of a show; which are free as of `now_ms`, if that is known."""

    version: int
    owners: Owners
    free: FreeSeats | None = None
    now_ms: int = 0

    @property
    def size(self) -> int:
        """How much memory it takes, about, in bytes."""
        return MAP_BYTES + OWNED_BYTES * len(self.owners) + (self.free.size if self.free else 0)


class SeatMaps:
    """The maps of one worker process. Its threads drain different lanes, so never the same show."""

    def __init__(self) -> None:
        self._maps: dict[int, SeatMap] = {}
        self._bytes = 0
        self._lock = threading.Lock()

    def take(self, show_id: int, version: int) -> SeatMap | None:
        """Take a show's map out; None if there is none of this version."""
        with self._lock:
            kept = self._pop(show_id)
        return kept if kept is not None and kept.version == version else None

    def put(self, show_id: int, seat_map: SeatMap) -> None:
        """Keep a map; those unused for longest make room."""
        with self._lock:
            self._pop(show_id)
            self._maps[show_id] = seat_map
            self._bytes += seat_map.size
            while self._bytes > BYTES_MAX and len(self._maps) > 1:
                self._pop(next(iter(self._maps)))

    def _pop(self, show_id: int) -> SeatMap | None:
        """Take a map out, and its size off the count: counting all maps anew would cost by their number."""
        kept = self._maps.pop(show_id, None)
        if kept is not None:
            self._bytes -= kept.size
        return kept
