"""Republish: give a Redis that was wiped or replaced what accepting needs, before it is requested.

A show's card and its hall's plan are published when the show is made (api/catalogue/shows.py). A Redis that was
wiped, restored from an older file or replaced by another server may lack them, and then a show that has had no
request since could not be sold while Postgres is unavailable. So a thread in every worker checks once a second
whether Redis is still the instance (its run_id) in which everything was published; if not, one worker publishes the
cards of all shows that have not begun, the next one first, with the plans that they need.
"""

from __future__ import annotations

import secrets
import threading

import redis

from core import logs
from core.errors import AcceptUnknown, PostgresUnavailable, RedisUnavailable
from db import installation, rebuilt_cards
from db.kv import cards, keys
from db.postgres import halls, shows
from db.postgres.engine import transaction
from db.postgres.shows import ShowRow
from workers.stores import Stores

log = logs.logger(__name__)

TICK_S = 1.0
#: Seconds until the next attempt when one was interrupted.
REST_S = 5.0
#: Shows per transaction and round: they keep Redis busy for some milliseconds.
CHUNK = 200
#: Milliseconds for which a worker that was killed keeps others from publishing. Renewed with each chunk.
LEASE_MS = 15_000


def run_once(stores: Stores, stopped: threading.Event | None = None) -> int | None:
    """Publish all cards if Redis is a new instance; return how many, or None if there is nothing to do.

    It is also None if another worker is publishing.

    Raises: redis-py's errors, RedisUnavailable, AcceptUnknown, PostgresUnavailable: the next call begins again.
    Repeat: safe, also at the same time: a card is published unless a newer one is there.
    """
    client, token = stores.client, secrets.token_hex(6)
    life = str(client.info("server")["run_id"])
    if client.get(keys.REPUBLISHED) == life or not client.set(keys.REPUBLISHING, token, nx=True, px=LEASE_MS):
        return None
    try:
        published = _Run(stores).run(stopped or threading.Event())
        if published is None or not _note(client, token, life):
            return None
    finally:
        client.delete(keys.REPUBLISHING)
    log.info("republished", shows=published)
    return published


def _note(client: redis.Redis, token: str, life: str) -> bool:
    """Note that everything is published in this Redis; return False if it was wiped since the run began.

    What was published before the wipe is gone then. The lease is watched, so a wipe in between is noticed, too.
    """
    with client.pipeline() as pipe:
        try:
            pipe.watch(keys.REPUBLISHING)  # type: ignore[no-untyped-call]
            if pipe.get(keys.REPUBLISHING) != token:
                return False
            pipe.multi()
            pipe.set(keys.REPUBLISHED, life)
            pipe.execute()
        except redis.WatchError:
            return False
    return True


class _Run:
    """One run that publishes everything."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._halls = set[int]()

    def run(self, stopped: threading.Event) -> int | None:
        """Publish everything and return the number of cards; None if the lease was lost or the run was stopped."""
        stores, published, after = self._stores, 0, (0, 0)
        installation.publish(stores.rounds, stores.check_installation())
        while not stopped.is_set() and stores.client.pexpire(keys.REPUBLISHING, LEASE_MS):
            with transaction(stores.engine) as connection:
                rows = shows.upcoming(connection, after, CHUNK)
                rebuilt = rebuilt_cards.cards_of(connection, rows)
            if not rows:
                return published
            self._publish_plans(rows)
            commands = [
                command
                for show_id, card in rebuilt.items()
                for command in cards.publish_commands(show_id, card.fields, stores.settings.lanes, ttl_ms=card.ttl_ms)
            ]
            stores.rounds.call(commands, writes=True)
            published += len(rows)
            after = rows[-1].settings.starts_ms, rows[-1].id
        return None

    def _publish_plans(self, rows: list[ShowRow]) -> None:
        """Publish the plans of these shows' halls that Redis lacks."""
        new = {row.hall_id for row in rows} - self._halls
        for hall_id in cards.missing_plans(self._stores.rounds, new):
            with transaction(self._stores.engine) as connection:
                hall = halls.get_hall(connection, hall_id)
            if hall is not None:
                cards.publish_plan(self._stores.rounds, hall_id, hall.plan)
        self._halls |= new


class Republisher(threading.Thread):
    """Runs `run_once` each TICK_S until stopped."""

    def __init__(self, stores: Stores) -> None:
        super().__init__(name="republisher", daemon=True)
        self._stores = stores
        self._stopped = threading.Event()

    def run(self) -> None:
        wait_s = TICK_S
        while not self._stopped.wait(wait_s):
            wait_s = TICK_S
            try:
                run_once(self._stores, self._stopped)
            except (redis.RedisError, RedisUnavailable, AcceptUnknown, PostgresUnavailable) as error:
                log.warning("republish_interrupted", error=str(error))
                wait_s = REST_S
            except Exception:
                # Nobody else does this, so it must not end: it is logged, and tried again.
                log.exception("republish_failed")
                wait_s = REST_S

    def stop(self) -> None:
        """Stop after the chunk at hand. Returns when the thread has ended."""
        self._stopped.set()
        self.join(timeout=10)
