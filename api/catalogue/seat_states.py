"""The states of a show's seats as requests get them: compact, for pages that have the hall's layout (layouts.py).

Two bits a seat, as base64 in JSON, or as bytes for clients that ask for them; or only what has changed since the
version that the client has. They come from memory (followed_shows.py), after a check of the version that is
published in Redis, so clients who have seen an outcome find it here, as they do in the seat map (seat_maps.py).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import orjson
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from api.bookings.intake import Intake
from api.catalogue.followed_shows import FollowedShow, FollowedShows
from api.catalogue.seat_maps import SeatMapService
from api.web.compression import MAX_CHARS, Twofold, twofold
from api.web.errors import NoSuchShow
from api.web.reply import JSON, Reply
from core.recent import Recent
from core.seat_states import Changes, SeatStates

BYTES = "application/octet-stream"
#: Before the bits: version, seats, held, sold; four bytes each, the highest first.
HEAD = struct.Struct(">4I")
#: Max bytes of the bodies that a process keeps. 10,000 seats have 3.4 kB as base64.
BODIES_BYTES = 8_000_000

Make = Callable[[int, SeatStates], bytes]


class SeatStateService:
    """Answers requests for seat states on the event loop of an api process."""

    def __init__(self, followed: FollowedShows, maps: SeatMapService, intake: Intake) -> None:
        """Args: maps: it knows which version is published."""
        self._followed = followed
        self._maps = maps
        self._intake = intake
        self._bodies: Recent[tuple[int, str], tuple[int, Twofold]] = Recent(BODIES_BYTES, lambda kept: kept[1].size)

    async def reply(self, show_id: int, since: int | None, accept: str | None) -> Reply:
        """Return the states of a show, with its version as the ETag.

        Args:    since: only what has changed since this version, if that is known.   accept: the header, if any.
        Raises:  NoSuchShow, PostgresUnavailable, Busy.
        """
        show = await self.current(show_id)
        assert show.history is not None
        states, version = show.history.now, str(show.version)
        headers = [("Vary", "Accept")]
        if wants_bytes(accept):
            version += "-bits"
            body, media = self._kept(show, BYTES, _bits), BYTES
        elif since is None or (changes := show.history.since(since)) is None:
            body, media = self._kept(show, JSON, _whole), JSON
        else:
            body, media = Twofold(orjson.dumps(changes_json(show_id, states, since, changes)), b""), JSON
        headers.append(("ETag", f'"{version}"'))
        return Reply(200, body.plain, headers, media, public=True, etag=version, gzipped=body.gzipped)

    async def current(self, show_id: int) -> FollowedShow:
        """Return a followed show at the version that is published, or a later one.

        Raises: NoSuchShow, PostgresUnavailable, Busy.
        """
        self._intake.refuse_absent(show_id)
        try:
            show = await self._followed.follow(show_id)
            published = await self._maps.published(show_id)
            if published is not None and published > show.version:
                await self._followed.reach(show, published)
        except NoSuchShow:
            self._intake.remember_absent(show_id)
            raise
        return show

    def _kept(self, show: FollowedShow, media: str, make: Make) -> Twofold:
        known = self._bodies.get((show.show_id, media))
        if known is None or known[0] != show.version:
            assert show.history is not None
            known = show.version, twofold(make(show.show_id, show.history.now))
            self._bodies.put((show.show_id, media), known)
        return known[1]


def wants_bytes(accept: str | None) -> bool:
    """Return whether an Accept header prefers bytes to JSON."""
    if not accept or BYTES not in accept or len(accept) > MAX_CHARS:
        return False
    return parse_accept_header(accept, MIMEAccept).best_match([JSON, BYTES]) == BYTES


def states_json(show_id: int, states: SeatStates) -> dict[str, Any]:
    """Return all states as JSON."""
    return _json(show_id, states, None, states.text(), None)


def changes_json(show_id: int, states: SeatStates, since: int, changes: Changes) -> dict[str, Any]:
    """Return what has changed since a version as JSON: pairs of a seat's index and its state."""
    return _json(show_id, states, since, None, sorted(changes.items()))


def _json(
    show_id: int, states: SeatStates, since: int | None, text: str | None, changes: list[tuple[int, int]] | None
) -> dict[str, Any]:
    free, held, sold = states.counts
    return {
        "show_id": show_id,
        "version": states.version,
        "seats": len(states.seats),
        "free": free,
        "held": held,
        "sold": sold,
        "states": text,
        "since": since,
        "changes": changes,
    }


def _whole(show_id: int, states: SeatStates) -> bytes:
    return orjson.dumps(states_json(show_id, states))


def _bits(_show_id: int, states: SeatStates) -> bytes:
    _, held, sold = states.counts
    return HEAD.pack(states.version, len(states.seats), held, sold) + states.packed()
