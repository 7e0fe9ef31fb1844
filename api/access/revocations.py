"""Revoked access tokens, as known to this process: a list in memory that is checked on each request.

A revocation is written to Postgres and, before COMMIT, to Redis, so no revocation is confirmed before it has been
announced to the apis. A thread of each process reads new ones from Redis each second. Redis may lose some, so the
whole list is read from Postgres at the start, every ten minutes, and whenever Redis was unavailable or has lost the
entry read last. docs/decisions/0010-revocation.md says why an older list is trusted while both are unavailable.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable
from typing import cast
from uuid import UUID

from flask import current_app
from redis.exceptions import ResponseError
from sqlalchemy import Engine

from api.access.tokens import LEEWAY_S, Identity
from core import logs
from core.errors import AcceptUnknown, PostgresUnavailable, RedisUnavailable
from core.token_settings import MAX_TOKEN_TTL_S
from db import revocations
from db.kv.rounds import Rounds
from db.postgres import sessions
from db.postgres.engine import transaction
from db.revocations import Revocation

log = logs.logger(__name__)

#: Seconds between two reads from Redis; between two from Postgres; before Postgres is retried. LOOK_S varies by a
#: fifth at random, so that processes started together do not query together for ever.
TICK_S, LOOK_S, AGAIN_S = 1.0, 600.0, 5.0
#: Seconds that `stop` waits for the thread, which may be in a call to a store that does not answer.
STOP_S = 5.0
#: Seconds until expired rows are deleted: the first time at most, then each time.
FIRST_PRUNE_S, PRUNE_S = 60.0, 3_600.0
#: Max rows that one statement deletes, a few milliseconds' work; repeated each second while there are more.
PRUNED = 1_000
#: Seconds: a refresh under way may mint a token this long after its session was revoked.
MARGIN_S = 15


class Revocations:
    """The list of one process. `token_ttl_s`: lifetime of access tokens minted now, in seconds."""

    def __init__(self, rounds: Rounds, engine: Engine, token_ttl_s: int) -> None:
        self._rounds = rounds
        self._engine = engine
        self._stream_s = token_ttl_s + LEEWAY_S + MARGIN_S
        #: Session -> when its revocation may be forgotten (epoch s); user -> lowest valid version, and that time.
        self._sessions: dict[str, int] = {}
        self._users: dict[UUID, tuple[int, int]] = {}
        self._cursor = "0"
        self._missed = True
        self._reload_at = 0.0
        #: One thread reads at a time. `_changing` guards the dictionaries; it is never held during calls to a server.
        self._reading, self._changing = threading.Lock(), threading.Lock()
        self._stopped = threading.Event()
        self._follower: threading.Thread | None = None

    def covers(self, who: Identity) -> bool:
        """Return whether this token was revoked. Touches no store."""
        return who.session in self._sessions or (
            bool(self._users) and who.version < self._users.get(who.user_id, (0, 0))[0]
        )

    @staticmethod
    def kept_s(left_s: int | None = None) -> int:
        """Return for how many seconds a revocation must be kept whose last token expires in `left_s` seconds.

        None: unknown. Then the longest lifetime that settings allow counts: JWT_EXPIRY_MINUTES may have been greater.
        """
        return (MAX_TOKEN_TTL_S if left_s is None else left_s) + LEEWAY_S + MARGIN_S

    def announce(self, made: Revocation) -> None:
        """Announce a revocation to every api process. Call it as the last step of the transaction that records it.

        Raises: RedisUnavailable: it was not announced; roll back.
        """
        try:
            revocations.publish(self._rounds, made, now_s=time.time(), ttl_s=self._stream_s)
        except ResponseError as error:  # out of memory
            raise RedisUnavailable from error
        self._remember([made])

    def refresh(self) -> None:
        """Read new revocations from Redis, and all of them from Postgres when that is due.

        Raises: RedisUnavailable, PostgresUnavailable.
        """
        with self._reading:
            try:
                self._read()
            except (RedisUnavailable, AcceptUnknown):
                self._missed = True  # the next server may be a promoted replica that lacks the newest entries
                raise
            finally:
                if time.monotonic() >= self._reload_at:
                    self._reload()

    def prune(self) -> bool:
        """Delete up to PRUNED expired revocations and as many expired sessions from Postgres.

        Returns: whether there may be more.   Raises: PostgresUnavailable.
        """
        with transaction(self._engine) as connection:
            deleted = revocations.delete_expired(connection, PRUNED)
        with transaction(self._engine) as connection:
            deleted_sessions = sessions.delete_expired(connection, PRUNED)
        return PRUNED in (deleted, deleted_sessions)

    def start(self) -> None:
        """Refresh now, if the servers are available, and each second in a thread for as long as the process lives."""
        self._try("revocations_not_read", self.refresh)
        self._follower = threading.Thread(target=self._follow, name="revocations", daemon=True)
        self._follower.start()

    def stop(self) -> None:
        """End the thread, and wait until it has given back its connections, for STOP_S at most. Repeat: safe."""
        self._stopped.set()
        if self._follower is not None:
            self._follower.join(STOP_S)

    def _follow(self) -> None:
        prune_at = time.monotonic() + random.uniform(0, FIRST_PRUNE_S)
        while not self._stopped.wait(TICK_S):
            self._try("revocations_not_read", self.refresh)
            if time.monotonic() >= prune_at:
                # While there are more, delete some each second, so that revocations are still read in between.
                more = self._try("expired_not_deleted", self.prune)
                pause_s = {True: 0.0, False: PRUNE_S, None: FIRST_PRUNE_S}[more]
                prune_at = time.monotonic() + _about(pause_s)

    @staticmethod
    def _try(failure: str, step: Callable[[], bool | None]) -> bool | None:
        try:
            return step()
        except (RedisUnavailable, AcceptUnknown, PostgresUnavailable) as error:
            log.warning(failure, error=str(error))
        except Exception:
            # Never let this thread die: nothing would start another follower.
            log.exception("revocations_failed")
        return None

    def _read(self) -> None:
        """Read the stream beyond the cursor. If its entry is gone, or Redis was unavailable, make Postgres due."""
        found = [Revocation()]
        while found:
            there, self._cursor, found = revocations.read(self._rounds, self._cursor)
            self._remember(found)
            self._missed = self._missed or not there
        if self._missed:
            self._reload_at, self._missed = min(self._reload_at, time.monotonic()), False

    def _reload(self) -> None:
        """Read the whole list from Postgres, and forget expired revocations."""
        self._reload_at = time.monotonic() + AGAIN_S
        with transaction(self._engine) as connection:
            self._remember(revocations.list_live(connection))
        self._forget(time.time())
        self._reload_at = time.monotonic() + _about(LOOK_S)

    def _remember(self, found: Iterable[Revocation]) -> None:
        """Add these to the list. They never shorten a known revocation or lower its version."""
        for one in found:
            with self._changing:
                if one.session:
                    self._sessions[one.session] = max(one.expires_s, self._sessions.get(one.session, 0))
                elif one.user_id:
                    user_id = UUID(one.user_id)
                    version, expires_s = self._users.get(user_id, (0, 0))
                    self._users[user_id] = (max(one.version, version), max(one.expires_s, expires_s))

    def _forget(self, now_s: float) -> None:
        """Drop revocations whose tokens have expired. New dictionaries: requests may be reading the old ones."""
        with self._changing:
            self._sessions = {id_: expires_s for id_, expires_s in self._sessions.items() if expires_s > now_s}
            self._users = {id_: kept for id_, kept in self._users.items() if kept[1] > now_s}


def _about(seconds: float) -> float:
    return seconds * random.uniform(0.8, 1.2)


def current() -> Revocations:
    """Return the list of the application that serves the current request."""
    return cast(Revocations, current_app.extensions["onsale-revocations"])
