"""How large the bodies of administrators' uploads may be, by their paths. All other bodies are small."""

from __future__ import annotations

import re

from api.catalogue.halls import MAX_PLAN_BYTES
from api.catalogue.posters import MAX_POSTER_BYTES

#: Where halls are sent.
PLANS = ("/api/halls", "/api/halls/import")
_POSTER = re.compile("/api/movies/[0-9]{1,10}/poster", re.ASCII)


def most_bytes(path: str) -> int:
    """Return the max bytes of an upload to a path; 0 if it takes no upload."""
    path = path.rstrip("/")
    return MAX_PLAN_BYTES if path in PLANS else MAX_POSTER_BYTES if _POSTER.fullmatch(path) else 0
