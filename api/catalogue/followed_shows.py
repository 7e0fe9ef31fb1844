"""The shows that an api process follows: the states of their seats, kept current by what batches publish.

A show is followed while somebody has its events open, and for KEPT_S after its states were last read. Its states are
read from Postgres once, and then go from version to version by the messages of finish.lua (db/kv/seat_changes.py). A
message that does not continue the present version shows that another was lost: then Postgres is read again. So it is
when the connection to Redis was interrupted; and every CHECK_S Postgres says which versions are current, should a
message have been lost without a trace.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from api.catalogue.seat_map_cache import SeatMapCache, ShowSeats
from api.web.errors import NoSuchShow
from api.web.threads import Runs
from core import logs
from core.errors import OnsaleError
from core.seat_states import SeatHistory
from core.shows import ShowSettings
from db.kv import keys, seat_changes
from db.kv.channels import Channels, Heard
from db.kv.seat_changes import SeatChange

log = logs.logger(__name__)

#: Seconds between two comparisons with Postgres; seconds for which a show is followed without a reader.
CHECK_S, KEPT_S = 5.0, 30.0
#: Max bytes of all states and of what has changed, beyond which the shows that were read least recently are dropped.
MOST_BYTES = 32_000_000
#: Approximate bytes of a show besides one for each seat.
SHOW_BYTES = 10_000
#: Messages that are kept while the states are being read; reads in a row for which messages are still missing.
MOST_EARLY, MOST_READS = 200, 3
#: How often, and after how many seconds, a message that is on its way is looked for before Postgres is read.
ON_ITS_WAY, WAY_S = 5, 0.01

OpenChannels = Callable[[Heard, Callable[[], object]], Channels]
_CHANNEL = keys.seats(0)[:-1]


@dataclass(eq=False, slots=True)
class FollowedShow:
    """One show. `changed` is called after each change, on the loop. `readers`: how many have its events open."""

    show_id: int
    history: SeatHistory | None = None
    settings: ShowSettings | None = None
    used_s: float = field(default_factory=time.monotonic)
    readers: int = 0
    changed: Callable[[FollowedShow], object] | None = None
    #: The show is gone: it was deleted.
    gone: bool = False
    early: deque[SeatChange] = field(default_factory=lambda: deque(maxlen=MOST_EARLY))
    #: Whether a message was lost since the states were last read; the read under way.
    behind: bool = True
    reading: asyncio.Task[None] | None = None

    @property
    def version(self) -> int:
        """The newest known version; 0 if the states have not been read."""
        return self.history.version if self.history else 0

    @property
    def size(self) -> int:
        """Its approximate memory, in bytes."""
        return SHOW_BYTES + (len(self.history.now.seats) if self.history else 0)


class FollowedShows:
    """The followed shows of one api process. Everything runs on its event loop, except reads from Postgres."""

    def __init__(self, cache: SeatMapCache, threads: Runs, channels: OpenChannels) -> None:
        """Args: threads: where Postgres is called.   channels: makes the process's connection to Redis's pub/sub."""
        self._cache = cache
        self._threads = threads
        self._channels = channels(self.heard, self.interrupted)
        self._shows: dict[int, FollowedShow] = {}
        self._checking: asyncio.Task[None] | None = None

    async def follow(self, show_id: int) -> FollowedShow:
        """Return a show with its states, followed from now on.

        Raises: NoSuchShow, and PostgresUnavailable and Busy if they must be read and cannot.
        """
        show = self._shows.get(show_id)
        if show is None:
            show = self._shows[show_id] = FollowedShow(show_id)
        show.used_s = time.monotonic()
        if self._checking is None or self._checking.done():
            self._checking = asyncio.get_running_loop().create_task(self._check())
        if show.history is None or show.behind:
            try:
                await self.catch_up(show)
            except NoSuchShow:
                self._drop(show)
                raise
        return show

    async def catch_up(self, show: FollowedShow) -> None:
        """Read a show's states from Postgres again; calls at the same time share one read.

        Raises: NoSuchShow, PostgresUnavailable, Busy.
        """
        await asyncio.shield(self._begin_to_read(show))

    async def reach(self, show: FollowedShow, version: int) -> None:
        """Have a show's states at this version or a later one: it has been published, so its message is on its way.

        Raises: NoSuchShow, PostgresUnavailable, Busy.
        """
        for _ in range(ON_ITS_WAY):
            if show.version >= version:
                return
            await asyncio.sleep(WAY_S)
        for _ in range(2):  # a read that was under way may have begun too early
            if show.version < version:
                await self.catch_up(show)

    def heard(self, channel: str, message: str) -> None:
        """Take what a batch has published about a show."""
        show = self._shows.get(int(channel.removeprefix(_CHANNEL)))
        change = seat_changes.parse(message)
        if show is None or change is None:
            return
        if show.history is not None and show.history.advance(change.step):
            self._tell(show)
            if change.new_settings:
                self._refresh(show)
        elif change.step.version > show.version:
            show.early.append(change)
            if show.history is not None:
                self._refresh(show)

    def interrupted(self) -> None:
        """Read every followed show again: messages may have been lost."""
        for show in list(self._shows.values()):
            self._refresh(show)

    async def close(self) -> None:
        """Follow nothing any more."""
        tasks = [task for task in (self._checking, *(show.reading for show in self._shows.values())) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._shows.clear()
        await self._channels.close()

    # -- inside -----------------------------------------------------------------------------------------

    def _refresh(self, show: FollowedShow) -> None:
        show.behind = True
        self._begin_to_read(show)

    def _begin_to_read(self, show: FollowedShow) -> asyncio.Task[None]:
        if show.reading is None:
            show.reading = asyncio.get_running_loop().create_task(self._read(show))
            show.reading.add_done_callback(_seen)
        return show.reading

    async def _read(self, show: FollowedShow) -> None:
        try:
            # Listen first: what is published after this read of Postgres is heard.
            await self._channels.join(keys.seats(show.show_id))
            for _ in range(MOST_READS):
                show.behind, before = False, show.version
                found = await self._threads.run(self._cache.states, show.show_id)
                if found is None:
                    show.gone = True
                    raise NoSuchShow
                if not self._take(show, found, before):
                    show.behind = True
                if not show.behind:
                    break
        except BaseException:
            # Also if it is cancelled: what was heard is then incomplete.
            show.behind = True
            raise
        finally:
            show.reading = None
            if show.gone:
                self._drop(show)
                self._tell(show)

    def _take(self, show: FollowedShow, found: ShowSeats, before: int) -> bool:
        """Take states from Postgres, and what was heard meanwhile; return False if something is missing then.

        Args: before: the version before the read began.
        """
        if show.history is None:
            show.history = SeatHistory(found.states)
        elif not before <= found.states.version <= show.version:
            show.history.replace(found.states)
        # Else messages have led further during the read; or nothing has changed.
        show.settings = found.settings
        complete, early = True, list(show.early)
        show.early.clear()
        for change in early:
            if show.history.advance(change.step):
                complete = complete and not change.new_settings
            elif change.step.version > show.version:
                complete = False
        self._tell(show)
        return complete

    def _tell(self, show: FollowedShow) -> None:
        if show.changed is not None:
            show.changed(show)

    def _drop(self, show: FollowedShow) -> None:
        if self._shows.get(show.show_id) is show:
            del self._shows[show.show_id]
            self._channels.leave(keys.seats(show.show_id))

    async def _check(self) -> None:
        """Compare with Postgres every CHECK_S, and drop what nobody reads, until nothing is followed."""
        while self._shows:
            await asyncio.sleep(CHECK_S)
            self._tidy()
            before = {show.show_id: show.history.version for show in self._shows.values() if show.history}
            try:
                current = await self._threads.run(self._cache.versions, tuple(before))
            except OnsaleError as error:
                log.info("followed_shows_unchecked", error=str(error))
                continue
            for show_id, version in before.items():
                show = self._shows.get(show_id)
                # Later than what we have now; or earlier than what we had before we asked: Postgres went back.
                now = current.get(show_id)
                if show is not None and (now is None or not version <= now <= show.version or show.behind):
                    self._refresh(show)

    def _tidy(self) -> None:
        now_s, size = time.monotonic(), 0
        unread = [show for show in self._shows.values() if not show.readers and show.reading is None]
        for show in sorted(unread, key=lambda one: one.used_s, reverse=True):
            size += show.size
            if show.used_s + KEPT_S < now_s or size > MOST_BYTES:
                self._drop(show)


def _seen(task: asyncio.Task[None]) -> None:
    """Mark a task's error as seen: those who waited for it have it, and else `_check` tries again."""
    if not task.cancelled():
        task.exception()
