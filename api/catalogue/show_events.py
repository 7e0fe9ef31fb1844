"""The events of shows: changes of seats and of settings, for every open stream, as soon as they are published.

A stream has no queue: it knows which version its client has, and gets what has changed since then, or everything. So
streams that are behind cost no memory, and several changes become one event. All streams of a show that are equally
far get the same bytes.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import orjson

from api.catalogue.followed_shows import FollowedShow
from api.catalogue.seat_states import SeatStateService, changes_json, states_json
from api.web.streams import Stream, event
from core.shows import ShowSettings
from core.times import iso

#: Streams that are written to in one turn of the loop; seconds between two waves of events of a show, and how many
#: times the duration of a wave at least: so events leave most of the loop to bookings.
AT_A_TIME, PACE_S, SHARE, MOST_PACE_S = 100, 0.05, 4, 2.0
#: Bytes of one change in JSON, about; beyond the size of all states, these are sent instead.
CHANGE_BYTES = 9


@dataclass(eq=False, slots=True)
class Reader:
    """One stream of a show's events, and what its client knows."""

    stream: Stream
    version: int | None
    settings: ShowSettings | None = None


@dataclass(eq=False, slots=True)
class Crowd:
    """The streams of one show. `news`: from which version -> the event that leads to `version`."""

    show: FollowedShow
    readers: set[Reader] = field(default_factory=set)
    wave: asyncio.Task[None] | None = None
    due: bool = False
    version: int = 0
    news: dict[int | None, bytes] = field(default_factory=dict)


class ShowEvents:
    """Feeds the streams of shows on the event loop of an api process."""

    def __init__(self, states: SeatStateService) -> None:
        self._states = states
        self._crowds: dict[int, Crowd] = {}

    async def feed(self, show_id: int, last_id: str | None, stream: Stream) -> None:
        """Write a show's events until the stream ends. Raises, before it starts: as SeatStateService.current.

        Args: last_id: Last-Event-ID, the version that the client has; None, or anything else, if it has none.
        """
        show = await self._states.current(show_id)
        stream.start()
        reader = Reader(stream, version_of(last_id))
        crowd = self._crowds.get(show_id)
        if crowd is None or crowd.show is not show:
            crowd = self._crowds[show_id] = Crowd(show)
            show.changed = lambda _: self._changed(crowd)
        crowd.readers.add(reader)
        show.readers += 1
        try:
            self._write(crowd, reader)
            await stream.ended.wait()
        finally:
            crowd.readers.discard(reader)
            show.readers -= 1
            if not crowd.readers:
                show.changed = None
                if self._crowds.get(show_id) is crowd:
                    del self._crowds[show_id]

    async def once(self, show_id: int, last_id: str | None) -> bytes:
        """Return the first events of a stream, for a transport that cannot keep it open. Raises: as `feed`."""
        show = await self._states.current(show_id)
        crowd = Crowd(show)
        return b"".join(self._events(crowd, Reader(Stream.never(), version_of(last_id))))

    def _changed(self, crowd: Crowd) -> None:
        crowd.due = True
        if crowd.wave is None:
            crowd.wave = asyncio.get_running_loop().create_task(self._waves(crowd))

    async def _waves(self, crowd: Crowd) -> None:
        """Write to every stream what is new for it, again and again while there is something new."""
        loop = asyncio.get_running_loop()
        try:
            while crowd.due and crowd.readers:
                crowd.due, begun = False, loop.time()
                for number, reader in enumerate(list(crowd.readers), 1):
                    self._write(crowd, reader)
                    if number % AT_A_TIME == 0:
                        await asyncio.sleep(0)
                await asyncio.sleep(min(MOST_PACE_S, max(PACE_S, SHARE * (loop.time() - begun))))
        finally:
            crowd.wave = None

    def _write(self, crowd: Crowd, reader: Reader) -> None:
        if crowd.show.gone:
            reader.stream.end()
        else:
            for data in self._events(crowd, reader):
                reader.stream.write(data)

    def _events(self, crowd: Crowd, reader: Reader) -> list[bytes]:
        """Return what is new for a reader, who knows it then."""
        show, found, new = crowd.show, [], reader.settings is None
        if show.settings is not None and reader.settings != show.settings:
            found.append(event("show", _settings(show.show_id, show.settings)))
            reader.settings = show.settings
        if new or reader.version != show.version:  # a new reader learns that it has the present version
            found.append(self._news(crowd, reader.version))
            reader.version = show.version
        return found

    def _news(self, crowd: Crowd, since: int | None) -> bytes:
        show = crowd.show
        if crowd.version != show.version:
            crowd.version, crowd.news = show.version, {}
        data = crowd.news.get(since)
        if data is None:
            data = crowd.news[since] = _seats(show, since)
        return data


def version_of(last_id: str | None) -> int | None:
    """Return the version that a Last-Event-ID names; None if it names none."""
    known = last_id is not None and last_id.isascii() and last_id.isdigit() and len(last_id) < 16
    return int(last_id) if known and last_id else None


def _seats(show: FollowedShow, since: int | None) -> bytes:
    """Return the event that leads a client from a version to the present one."""
    assert show.history is not None
    states = show.history.now
    changes = None if since is None else show.history.since(since)
    if since is None or changes is None or len(changes) * CHANGE_BYTES > len(states.seats) // 3 + 100:
        body = states_json(show.show_id, states)
    else:
        body = changes_json(show.show_id, states, since, changes)
    return event("seats", orjson.dumps(body).decode(), str(show.version))


def _settings(show_id: int, settings: ShowSettings) -> str:
    body = {
        "show_id": show_id,
        "state": settings.state.value,
        "sales_open_at": iso(settings.sales_open_ms or None),
        "sales_close_at": iso(settings.sales_close_ms),
        "seats_per_user": settings.seats_per_user,
        "prices": dict(settings.prices),
    }
    return orjson.dumps(body).decode()
