"""The reads of the catalogue that the front answers on its event loop: seat maps, states of seats, layouts, shows.

They need no token, and mostly come from memory. Flask's views (shows.py, halls.py) call the same services. Of the
list of shows, only pages that this process has in memory are answered here; Flask reads the others.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable
from functools import lru_cache
from typing import Any

from api.catalogue.public import tag_of
from api.catalogue.show_list import Listings
from api.server import rsgi
from api.shapes.catalogue_requests import SHOWS_QUERY
from api.shapes.requests import MAX_ID, SEAT_STATES_QUERY
from api.web.backend import Backend
from api.web.catalogue_json import View
from api.web.errors import InvalidRequest
from api.web.proxies import FORWARDED_PREFIX
from api.web.reply import Reply
from api.web.request_reading import loaded_query_string

SEATS = "/api/shows/<int:show_id>/seats"
STATES = SEATS + "/state"
LAYOUT = "/api/halls/<int:hall_id>/layout"
_PATH = re.compile(r"/api/(?:shows/([1-9][0-9]{0,9})/seats(/state)?|halls/([1-9][0-9]{0,9})/layout)", re.ASCII)


#: Paths of the show list. Max length of a query that is answered here.
LISTS, MOST_QUERY = ("/api/shows", "/api/shows/upcoming"), 500


def find(backend: Backend, listings: Listings, scope: Any) -> tuple[str, Awaitable[Reply] | Reply] | None:
    """Return the route and the reply of a GET; None if Flask answers it. Args: scope: RSGI's."""
    if scope.path in LISTS:
        page = _listed(backend, listings, scope)
        return (scope.path, page) if page else None
    match = _PATH.fullmatch(scope.path)
    if match is None or (id_ := int(match[1] or match[3])) > MAX_ID:
        return None
    if match[3]:
        return LAYOUT, backend.layouts.reply(id_)
    if match[2]:
        return STATES, _states(backend, id_, scope)
    return SEATS, backend.seat_maps.reply(id_)


def _listed(backend: Backend, listings: Listings, scope: Any) -> Reply | None:
    """Return a page of the show list that is in memory."""
    if FORWARDED_PREFIX in scope.headers or len(scope.query_string) > MOST_QUERY:
        return None
    key = _key(scope.query_string, View(backend.settings.currency, backend.settings.time_zone))
    page = listings.current(key) if key else None
    if page is None:
        return None
    tag = tag_of(page.plain)
    return Reply(200, page.plain, [("ETag", f'"{tag}"')], public=True, etag=tag, gzipped=page.gzipped)


@lru_cache(maxsize=256)
def _key(query: str, view: View) -> tuple[object, ...] | None:
    """Return the key of a page as shows.py makes it; None for a query that is not valid."""
    try:
        values = loaded_query_string(SHOWS_QUERY, query)
    except InvalidRequest:
        return None
    return (*values.items(), view)


async def _states(backend: Backend, show_id: int, scope: Any) -> Reply:
    query, since = scope.query_string, None
    if query:
        since = loaded_query_string(SEAT_STATES_QUERY, query)["since"]
    return await backend.seat_states.reply(show_id, since, rsgi.joined(scope.headers, "accept"))
