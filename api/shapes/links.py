"""Where an answer leads: OpenAPI links, from values of a body to parameters of other operations.

Only the document has them. They tell clients, and tools that test, what can be done with what they have got.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Links = Mapping[str, Mapping[str, Any]]


def _to(*operations: str, **parameters: str) -> dict[str, dict[str, Any]]:
    """A link to each of these operations; parameter -> the answer's field that it takes its value from."""
    values = {name: f"$response.body#/{field}" for name, field in parameters.items()}
    return {operation: {"operationId": operation, "parameters": values} for operation in operations}


BOOKING: Links = _to("status", "confirm", "cancel", booking_id="id")
#: Only what is decided is found by its reference.
STATUS: Links = _to("confirm", "cancel", booking_id="id") | _to("by_reference", reference="reference")
MOVIE: Links = _to("get_movie", "replace_movie", "delete_movie", movie_id="id") | _to("list_shows", movie_id="id")
HALL: Links = _to("get_hall", hall_id="id")
SHOW: Links = _to("get_show", "get_seats", "change_show", "close_show", show_id="id")
#: A change of a show is answered before it is made.
CHANGE: Links = _to("get_show", show_id="show_id") | _to("get_change", show_id="show_id", change_id="id")
TOKEN: Links = {
    "refresh": {"operationId": "refresh", "requestBody": {"refresh_token": "$response.body#/refresh_token"}}
}
