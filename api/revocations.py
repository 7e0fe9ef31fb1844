"""Revoked access tokens, as this process knows them: asked on each request, in memory.

Whoever revokes writes Postgres and, before COMMIT, Redis: so nothing that is told as revoked is unknown to the
apis. A thread of each process reads what is new from Redis each second. docs/decisions/0010-revocation.md says why
an older list is believed while Redis is away.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import cast
from uuid import UUID

from flask import current_app
from redis.exceptions import ResponseError
from sqlalchemy import Engine

from api.tokens import LEEWAY_S, Identity
from core import logs
from core.errors import PostgresAway, RedisAway
from db import revocations, sessions
from db.engine import transaction
from db.revocations import Revocation
from db.rounds import Rounds

log = logs.logger(__name__)

#: Seconds between two looks; until the whole list is read again; and until expired rows are deleted.
TICK_S, AGAIN_S, PRUNE_S = 1.0, 60.0, 3_600.0
#: Rows that one pruning deletes: little enough for one statement.
PRUNED = 1_000
#: Seconds that a token may have been minted after its revocation, by a refresh under way.
MARGIN_S = 15


class Revocations:
    """The list of one process. `token_ttl_s`: how long an access token lives, so how long it must be kept."""

    def __init__(self, rounds: Rounds, engine: Engine, token_ttl_s: int) -> None:
        self._rounds = rounds
        self._engine = engine
        self._ttl_s = token_ttl_s + LEEWAY_S + MARGIN_S
        #: Session or user -> when the revocation need not be known any more; user -> the lowest good version.
        self._sessions: dict[str, int] = {}
        self._users: dict[UUID, tuple[int, int]] = {}
        self._cursor = "0"
        self._read_all_at = 0.0
        self._lock = threading.Lock()

    def covers(self, who: Identity) -> bool:
        """Whether this token was revoked."""
        return who.session in self._sessions or (
            bool(self._users) and who.version < self._users.get(who.user_id, (0, 0))[0]
        )

    @property
    def ttl_s(self) -> int:
        """How long a revocation made now must be known, in seconds."""
        return self._ttl_s

    def announce(self, *made: Revocation) -> None:
        """Tell every api process. To be called inside the transaction that records them, as its last step.

        Raises: RedisAway: nobody was told; roll back.
        """
        try:
            revocations.publish(self._rounds, made, now_s=time.time(), ttl_s=self._ttl_s)
        except ResponseError as error:  # out of memory
            raise RedisAway from error
        with self._lock:
            self._take(made)

    def refresh(self) -> None:
        """Read what is new. Raises: RedisAway, AcceptUnknown, and PostgresAway where Redis was wiped."""
        with self._lock:
            if time.monotonic() >= self._read_all_at:
                self._forget(time.time())
                self._cursor = "0"
            while True:
                exists, cursor, found = revocations.read(self._rounds, self._cursor)
                if not exists:
                    self._rebuild()
                    continue
                if self._cursor == "0":
                    self._read_all_at = time.monotonic() + AGAIN_S
                self._take(found)
                self._cursor = cursor
                if len(found) < revocations.PAGE:
                    return

    def prune(self) -> None:
        """Delete from Postgres what is over: revocations, and sessions. Raises: PostgresAway."""
        with transaction(self._engine) as connection:
            revocations.delete_expired(connection, PRUNED)
            sessions.delete_expired(connection, PRUNED)

    def start(self) -> None:
        """Refresh each second in a thread of its own, as long as the process lives."""
        threading.Thread(target=self._follow, name="revocations", daemon=True).start()

    def _follow(self) -> None:
        prune_at = time.monotonic() + PRUNE_S
        pause = threading.Event()
        while True:
            try:
                self.refresh()
                if time.monotonic() >= prune_at:
                    prune_at += PRUNE_S
                    self.prune()
            except (RedisAway, PostgresAway) as error:
                log.warning("revocations_not_read", error=str(error))
            except Exception:
                # Nobody would start another follower: whatever it was, it is logged, and it goes on.
                log.exception("revocations_failed")
            pause.wait(TICK_S)

    def _rebuild(self) -> None:
        """Redis lives anew: publish what Postgres has."""
        with transaction(self._engine) as connection:
            live = revocations.list_live(connection)
        revocations.publish(self._rounds, live, now_s=time.time(), ttl_s=self._ttl_s)
        log.info("revocations_rebuilt", count=len(live))

    def _take(self, found: Sequence[Revocation]) -> None:
        for one in found:
            if one.session:
                self._sessions[one.session] = one.expires_s
            elif one.user_id:
                user_id = UUID(one.user_id)
                version = max(one.version, self._users.get(user_id, (0, 0))[0])
                self._users[user_id] = (version, one.expires_s)

    def _forget(self, now_s: float) -> None:
        """Drop those whose tokens have ended. New dictionaries: a request may be looking into the old ones."""
        self._sessions = {id_: expires_s for id_, expires_s in self._sessions.items() if expires_s > now_s}
        self._users = {id_: kept for id_, kept in self._users.items() if kept[1] > now_s}


def current() -> Revocations:
    """The list of the application that answers the current request."""
    return cast(Revocations, current_app.extensions["onsale-revocations"])
