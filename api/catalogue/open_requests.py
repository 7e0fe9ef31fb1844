"""The reads of the catalogue that the front answers on its event loop: seat maps, states of seats, layouts.

They need no token, and mostly come from memory. Flask's views (shows.py, halls.py) call the same services.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable
from typing import Any
from urllib.parse import parse_qsl

from werkzeug.datastructures import MultiDict

from api.server import rsgi
from api.shapes.requests import MAX_ID, SEAT_STATES_QUERY
from api.web.backend import Backend
from api.web.reply import Reply
from api.web.request_reading import loaded_query

SEATS = "/api/shows/<int:show_id>/seats"
STATES = SEATS + "/state"
LAYOUT = "/api/halls/<int:hall_id>/layout"
_PATH = re.compile(r"/api/(?:shows/([1-9][0-9]{0,9})/seats(/state)?|halls/([1-9][0-9]{0,9})/layout)", re.ASCII)


def find(backend: Backend, scope: Any) -> tuple[str, Awaitable[Reply]] | None:
    """Return the route and the reply of a GET; None if Flask answers it. Args: scope: RSGI's."""
    match = _PATH.fullmatch(scope.path)
    if match is None or (id_ := int(match[1] or match[3])) > MAX_ID:
        return None
    if match[3]:
        return LAYOUT, backend.layouts.reply(id_)
    if match[2]:
        return STATES, _states(backend, id_, scope)
    return SEATS, backend.seat_maps.reply(id_)


async def _states(backend: Backend, show_id: int, scope: Any) -> Reply:
    query, since = scope.query_string, None
    if query:
        since = loaded_query(SEAT_STATES_QUERY, MultiDict(parse_qsl(query, keep_blank_values=True)))["since"]
    return await backend.seat_states.reply(show_id, since, rsgi.joined(scope.headers, "accept"))
