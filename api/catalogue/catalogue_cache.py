"""The catalogue's cache in Redis, shared by all api processes. It only serves readers: no decision consults it.

A change drops what it makes outdated after its COMMIT (`changed`), for every process. If that gets lost (Redis is
unavailable, or the process ends just then), others see the old catalogue for CATALOGUE_CACHE_S at most; this process
sends it again before it next reads from the cache. Bodies with counts of free seats are current for COUNTS_MS alone,
those of a single show also only while its card in Redis has no later version. They stay in Redis longer, and are
served while Postgres is unavailable, as all others are. Without Redis everything is read from Postgres.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import cast

from flask import current_app
from redis.exceptions import ResponseError

from api.catalogue.pages import Body
from api.web import metrics
from api.web.serializers import as_bytes
from core import logs
from core.errors import PostgresUnavailable, RedisUnavailable
from db.kv import catalogue_pages
from db.kv.catalogue_pages import Found, Kind, Page
from db.kv.rounds import Command, Rounds

log = logs.logger(__name__)

#: How old a count of free seats may be, ms.
COUNTS_MS = 1_000
#: Seconds for which Redis is not asked after a failure, so that an outage of it costs few requests a wait.
REST_S = 1.0
#: Seconds to wait for Redis.
PATIENCE_S = 0.25


@dataclass(frozen=True, slots=True)
class Answer:
    """A body, and for how many seconds it stays current."""

    body: bytes
    left_s: float


class CatalogueCache:
    """The cache as one application uses it, from all its threads. Connects at the first use."""

    def __init__(self, rounds: Rounds, ttl_s: float) -> None:
        """Args: rounds: a connection of its own, with a short timeout.   ttl_s: 0: nothing is cached."""
        self._rounds = rounds
        self._ttl_ms = round(ttl_s * 1000)
        self._rests_until_s = 0.0
        #: Kinds that have changed without Redis knowing it, each with a mark of its last change.
        self._unsent: dict[Kind, object] = {}
        self._turn = Lock()

    def read(self, page: Page, make: Callable[[], Body | None]) -> Answer | None:
        """Return a body from the cache, or made by `make` from Postgres; None if `make` returns None.

        Raises: PostgresUnavailable if the cache does not have it, and what else `make` raises.
        """
        found = self._look(page)
        if found and found.body is not None and (left_ms := self._current_ms(page, found)) > 0:
            metrics.catalogue_read("redis")
            return Answer(found.body, left_ms / 1000)
        try:
            made = make()
        except PostgresUnavailable:
            if found is None or found.body is None:
                raise
            metrics.catalogue_read("outage")
            return Answer(found.body, min(found.left_ms, COUNTS_MS) / 1000)
        metrics.catalogue_read("postgres" if found else "bypass")
        if made is None:
            return None
        body = as_bytes(made)
        if found and found.token:
            version = int(made.get("version", 0))
            keep = catalogue_pages.keep_command(page, found.token, body, version, self._ttl_ms)
            if keep:
                self._send([keep])
        return Answer(body, COUNTS_MS / 1000)

    def changed(self, *kinds: Kind) -> bool:
        """Drop the bodies of these kinds, for all processes; to be called after COMMIT.

        Return whether Redis has done it. If not, it is sent again before this process next reads from the cache.
        """
        if not self._ttl_ms:
            return True
        with self._turn:
            self._unsent |= dict.fromkeys(kinds, object())
        sent = self._send_changes()
        if not sent:
            log.warning("catalogue_not_dropped", kinds=[kind.value for kind in kinds])
        return sent

    def close(self) -> None:
        """Close the connection."""
        self._rounds.close()

    # -- inside -----------------------------------------------------------------------------------------

    def _look(self, page: Page) -> Found | None:
        """Return what Redis has of a page; None if Redis is not to be asked, or does not answer."""
        if not self._ttl_ms or time.monotonic() < self._rests_until_s or not self._send_changes():
            return None
        replies = self._send(catalogue_pages.look_commands(page))
        if replies is None:
            return None
        found = catalogue_pages.parse(page, replies)
        if found.token is None:
            made = self._send(catalogue_pages.token_commands(page.kind))
            return Found(str(made[-1]), card_version=found.card_version) if made else None
        return found

    def _current_ms(self, page: Page, found: Found) -> int:
        """Return for how long a body is current, ms; 0 or less if it is not."""
        if page.kind is not Kind.SHOWS:
            return found.left_ms
        if page.card and (found.card_version is None or found.card_version > found.version):
            return 0
        return min(COUNTS_MS - found.age_ms, found.left_ms)

    def _send_changes(self) -> bool:
        """Send the changes that Redis does not know; return whether none is left."""
        with self._turn:
            unsent = dict(self._unsent)
        if not unsent:
            return True
        if self._send([catalogue_pages.drop_command(unsent)]) is None:
            return False
        with self._turn:
            for kind, mark in unsent.items():
                if self._unsent.get(kind) is mark:
                    del self._unsent[kind]
        return True

    def _send(self, commands: list[Command]) -> list[object] | None:
        """Return the replies; None if there are none, or Redis refuses a command, as it does while it is full."""
        try:
            return self._rounds.call(commands, writes=False)  # all may be repeated
        except RedisUnavailable:
            self._rests_until_s = time.monotonic() + REST_S
        except ResponseError as error:
            log.debug("catalogue_cache_refused", error=str(error))
        return None


def catalogue_cache() -> CatalogueCache:
    """Return the cache of the application that serves the current request."""
    return cast(CatalogueCache, current_app.extensions["onsale-catalogue"])
