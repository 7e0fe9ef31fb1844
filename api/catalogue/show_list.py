"""Cached pages of the show list, which everybody reads: each is kept for a second as ready bytes, plain and gzipped.

Its counts of free seats may be that old (and Cache-Control says so, serializers.py PUBLIC), including the time for
which the page was in Redis (catalogue_cache.py). A change of the catalogue made in this process drops all pages.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import cast

from flask import current_app

from api.catalogue.catalogue_cache import Answer
from api.web import metrics
from api.web.compression import Twofold, twofold

#: Max seconds that a page is kept; max pages, all of which are dropped when there would be more.
KEPT_S, PAGES = 1.0, 1_000


class Listings:
    """The pages of one application. Two threads may build the same page at once; either result is valid."""

    def __init__(self) -> None:
        self._pages: dict[Hashable, tuple[float, Twofold]] = {}

    def page(self, key: Hashable, make: Callable[[], Answer]) -> Twofold:
        """Return a page at most KEPT_S old, made by `make` if need be. Raises: what `make` raises; none is kept."""
        known = self.current(key)
        if known is not None:
            return known
        now_s, pages = time.monotonic(), self._pages
        made = make()
        body = twofold(made.body)
        if len(pages) >= PAGES:
            pages.clear()
        # If all were dropped meanwhile, this one goes with them: it may have been read before the change.
        pages[key] = now_s + min(KEPT_S, made.left_s), body
        return body

    def current(self, key: Hashable) -> Twofold | None:
        """Return a page that is kept and current, else None."""
        known = self._pages.get(key)
        if known is None or time.monotonic() >= known[0]:
            return None
        metrics.catalogue_read("memory")
        return known[1]

    def drop(self) -> None:
        """Drop all pages, because the catalogue has changed."""
        self._pages = {}


def listings() -> Listings:
    """Return the pages of the application that serves the current request."""
    return cast(Listings, current_app.extensions["onsale-listings"])
