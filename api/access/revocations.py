"""Revoked access tokens, as this process knows them: asked on each request, in memory.

Whoever revokes writes Postgres and, before COMMIT, Redis: so nothing that is told as revoked is unknown to the
apis. A thread of each process reads what is new from Redis each second. Redis may lose it, so Postgres is asked for
all of it: at the start, now and then, and whenever Redis was away or has lost what was read last.
docs/decisions/0010-revocation.md says why an older list is believed while both are away.
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
from core.settings import MAX_TOKEN_TTL_S
from db import revocations
from db.kv.rounds import Rounds
from db.postgres import sessions
from db.postgres.engine import transaction
from db.revocations import Revocation

log = logs.logger(__name__)

#: Seconds between two looks into Redis, and two into Postgres; the next one if that failed. The longer ones vary by a
#: fifth, so that processes started together do not ask together for ever.
TICK_S, LOOK_S, AGAIN_S = 1.0, 600.0, 5.0
#: Seconds until expired rows are deleted: the first time at most, then each time.
FIRST_PRUNE_S, PRUNE_S = 60.0, 3_600.0
#: Rows of each kind that one statement deletes: a few milliseconds' work. While there are more, so many each second.
PRUNED = 1_000
#: Seconds that a token may have been minted after its revocation, by a refresh under way.
MARGIN_S = 15


class Revocations:
    """The list of one process. `token_ttl_s`: how long an access token lives that is made now."""

    def __init__(self, rounds: Rounds, engine: Engine, token_ttl_s: int) -> None:
        self._rounds = rounds
        self._engine = engine
        self._stream_s = token_ttl_s + LEEWAY_S + MARGIN_S
        #: Session or user -> when the revocation need not be known any more; user -> the lowest good version.
        self._sessions: dict[str, int] = {}
        self._users: dict[UUID, tuple[int, int]] = {}
        self._cursor = "0"
        self._missed = True
        self._look_at = 0.0
        #: One reads at a time; one changes the dictionaries at a time, and never waits for a server meanwhile.
        self._reading, self._changing = threading.Lock(), threading.Lock()
        self._stopped = threading.Event()

    def covers(self, who: Identity) -> bool:
        """Whether this token was revoked."""
        return who.session in self._sessions or (
            bool(self._users) and who.version < self._users.get(who.user_id, (0, 0))[0]
        )

    @staticmethod
    def kept_s(left_s: int | None = None) -> int:
        """How long a revocation must be known, in seconds, of tokens the last of which ends in `left_s`.

        None: nobody knows when. Then as long as any token may live: JWT_EXPIRY_MINUTES may have been greater.
        """
        return (MAX_TOKEN_TTL_S if left_s is None else left_s) + LEEWAY_S + MARGIN_S

    def announce(self, made: Revocation) -> None:
        """Tell every api process. To be called inside the transaction that records it, as its last step.

        Raises: RedisUnavailable: nobody was told; roll back.
        """
        try:
            revocations.publish(self._rounds, made, now_s=time.time(), ttl_s=self._stream_s)
        except ResponseError as error:  # out of memory
            raise RedisUnavailable from error
        self._take([made])

    def refresh(self) -> None:
        """Read new revocations from Redis, and all of them from Postgres when that is due.

        Raises: RedisUnavailable, PostgresUnavailable.
        """
        with self._reading:
            try:
                self._read()
            except (RedisUnavailable, AcceptUnknown):
                self._missed = True  # whoever answers next may be a replica that lacks the last of it
                raise
            finally:
                if time.monotonic() >= self._look_at:
                    self._look()

    def prune(self) -> bool:
        """Delete from Postgres some of what is over: revocations, and sessions. Raises: PostgresUnavailable.

        Returns: whether there may be more.
        """
        with transaction(self._engine) as connection:
            gone = revocations.delete_expired(connection, PRUNED)
        with transaction(self._engine) as connection:
            over = sessions.delete_expired(connection, PRUNED)
        return PRUNED in (gone, over)

    def start(self) -> None:
        """Refresh at once, if the servers are there, and each second in a thread, as long as the process lives."""
        self._try("revocations_not_read", self.refresh)
        threading.Thread(target=self._follow, name="revocations", daemon=True).start()

    def stop(self) -> None:
        """End the thread, a tick later at the most."""
        self._stopped.set()

    def _follow(self) -> None:
        prune_at = time.monotonic() + random.uniform(0, FIRST_PRUNE_S)
        while not self._stopped.wait(TICK_S):
            self._try("revocations_not_read", self.refresh)
            if time.monotonic() >= prune_at:
                # While there is more, a piece each second: revocations are read meanwhile.
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
            # Nobody would start another follower: whatever it was, it is logged, and it goes on.
            log.exception("revocations_failed")
        return None

    def _read(self) -> None:
        """What the stream has beyond the cursor. If that is gone, or Redis was away, Postgres is asked next."""
        found = [Revocation()]
        while found:
            there, self._cursor, found = revocations.read(self._rounds, self._cursor)
            self._take(found)
            self._missed = self._missed or not there
        if self._missed:
            self._look_at, self._missed = min(self._look_at, time.monotonic()), False

    def _look(self) -> None:
        """Take all that Postgres has, and forget what has ended."""
        self._look_at = time.monotonic() + AGAIN_S
        with transaction(self._engine) as connection:
            self._take(revocations.list_live(connection))
        self._forget(time.time())
        self._look_at = time.monotonic() + _about(LOOK_S)

    def _take(self, found: Iterable[Revocation]) -> None:
        """Remember these: never for less long, nor of a lower version, than is known."""
        for one in found:
            with self._changing:
                if one.session:
                    self._sessions[one.session] = max(one.expires_s, self._sessions.get(one.session, 0))
                elif one.user_id:
                    user_id = UUID(one.user_id)
                    version, expires_s = self._users.get(user_id, (0, 0))
                    self._users[user_id] = (max(one.version, version), max(one.expires_s, expires_s))

    def _forget(self, now_s: float) -> None:
        """Drop those whose tokens have ended. New dictionaries: a request may be looking into the old ones."""
        with self._changing:
            self._sessions = {id_: expires_s for id_, expires_s in self._sessions.items() if expires_s > now_s}
            self._users = {id_: kept for id_, kept in self._users.items() if kept[1] > now_s}


def _about(seconds: float) -> float:
    return seconds * random.uniform(0.8, 1.2)


def current() -> Revocations:
    """The list of the application that answers the current request."""
    return cast(Revocations, current_app.extensions["onsale-revocations"])
