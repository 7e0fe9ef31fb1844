"""OpenAPI links: which fields of an answer are parameters of which other operations.

Only the document has them, for clients and for tools that test the API.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Links = Mapping[str, Mapping[str, Any]]


def _to(*operations: str, **parameters: str) -> dict[str, dict[str, Any]]:
    """Return a link to each of these operations. Args: parameters: parameter -> the answer's field for its value."""
    values = {name: f"$response.body#/{field}" for name, field in parameters.items()}
    return {operation: {"operationId": operation, "parameters": values} for operation in operations}


BOOKING: Links = _to("status", "confirm", "extend", "cancel", booking_id="id")
#: Only a decided booking is found by its reference.
STATUS: Links = _to("confirm", "extend", "cancel", booking_id="id") | _to("by_reference", reference="reference")
MOVIE: Links = _to("get_movie", "replace_movie", "delete_movie", "get_poster", "delete_poster", movie_id="id") | _to(
    "list_shows", movie_id="id"
)
HALL: Links = _to("get_hall", "delete_hall", hall_id="id")
SHOW: Links = _to("get_show", "get_seats", "change_show", "close_show", "delete_show", show_id="id")
#: A change is answered before it is decided.
CHANGE: Links = _to("get_show", show_id="show_id") | _to("get_change", show_id="show_id", change_id="id")
TOKEN: Links = {
    "refresh": {"operationId": "refresh", "requestBody": {"refresh_token": "$response.body#/refresh_token"}}
}
