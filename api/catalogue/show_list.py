"""Pages of the show list, which everybody looks at: each is kept as ready bytes, compressed too, for a second.

What it says of free seats may be as old as that (and the answer says so, rendering.py PUBLIC); the seat map and the
single show are not kept. A change of the catalogue made in this process drops them all.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import cast

from flask import current_app

from api.web.compression import Twofold, twofold

#: Seconds; and how many pages: a full memory is emptied.
KEPT_S, PAGES = 1.0, 1_000


class Listings:
    """The pages of one application. Two threads may make the same page at once: both are right."""

    def __init__(self) -> None:
        self._pages: dict[Hashable, tuple[float, Twofold]] = {}

    def page(self, key: Hashable, make: Callable[[], bytes]) -> Twofold:
        """A page that is at most a second old, made if need be. Raises: what `make` raises; then none is kept."""
        now_s, known = time.monotonic(), self._pages.get(key)
        if known is not None and now_s - known[0] < KEPT_S:
            return known[1]
        body = twofold(make())
        if len(self._pages) >= PAGES:
            self._pages.clear()
        self._pages[key] = now_s, body
        return body

    def drop(self) -> None:
        """Forget all pages: the catalogue has changed."""
        self._pages.clear()


def listings() -> Listings:
    """The pages of the application that answers the current request."""
    return cast(Listings, current_app.extensions["onsale-listings"])
