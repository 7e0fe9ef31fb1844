"""Expire: put an Expire operation into the lane of each show that has lapsed holds.

It decides nothing: the drain does, in the lane's order, so that a confirm accepted in time is never overtaken.
With nobody running this, nothing is wrong either: whoever takes a lapsed hold's seats expires it first.
"""

from __future__ import annotations

from collections.abc import Callable

from redis.exceptions import OutOfMemoryError

from core import logs
from core.crash_points import point
from core.errors import AcceptUnknown, PostgresUnavailable, RedisUnavailable
from core.ids import lane_of
from core.operations import Expire
from db.kv import keys, lanes
from db.postgres import bookings
from db.postgres.engine import transaction
from workers import late_bookings
from workers.stores import Stores

log = logs.logger(__name__)

#: Milliseconds for which a run keeps others from beginning; it ends earlier, or has been killed.
LEASE_MS = 10_000
#: Milliseconds after a run in which the sweepers do not run one: the scheduler asks for one each second.
DONE_MS = 5_000


def run_alone(stores: Stores, ring: Callable[[int], object], *, overdue: bool = False) -> int:
    """Do `run_once` unless a run is going on in any worker, or (`overdue`) one has ended in the last DONE_MS.

    A run over many shows takes longer than the second after which the next is asked for; it must not take the
    threads that drain, one after another. The lease only spares work: two runs at once are harmless.
    """
    try:
        if overdue and stores.rounds.call([("EXISTS", keys.EXPIRY_DONE)], writes=False) == [1]:
            return 0
        lease = ("SET", keys.EXPIRY_LEASE, "1", "NX", "PX", LEASE_MS)
        if stores.rounds.call([lease], writes=False) == [None]:
            return 0
        found = run_once(stores, ring)
        stores.rounds.call([("DEL", keys.EXPIRY_LEASE), ("SET", keys.EXPIRY_DONE, "1", "PX", DONE_MS)], writes=False)
        return found
    except (RedisUnavailable, OutOfMemoryError) as error:  # at maxmemory lanes take no Expire either
        log.warning("expire_interrupted", error=str(error))
        return 0


def run_once(stores: Stores, ring: Callable[[int], object]) -> int:
    """Accept one Expire per show with lapsed holds; returns for how many shows one is waiting now.

    Repeat: safe, also at the same time: accept.lua keeps one undecided Expire per show.
    """
    settings = stores.settings
    try:
        point("E2")
        stores.check_installation()
        [time] = stores.rounds.call([("TIME",)], writes=False)
        at_ms = int(time[0]) * 1000 + int(time[1]) // 1000
        with transaction(stores.engine) as connection:
            show_ids = bookings.shows_with_lapsed_holds(connection, at_ms)
            late_bookings.watch_holds(stores, connection, at_ms)
        point("E3", PostgresUnavailable)
        accepted = lanes.accept_all(
            stores.rounds,
            [Expire(show_id=show_id, limit=settings.batch) for show_id in show_ids],
            lanes=settings.lanes,
            cap=settings.lane_cap,
            lease_ms=settings.lease_ms,
        )
        point("E4", AcceptUnknown)
        asleep = [show_id for show_id, each in zip(show_ids, accepted, strict=True) if each.ring]
        for lane in sorted({lane_of(show_id, settings.lanes) for show_id in asleep}):
            ring(lane)
        point("E5")
        return len(show_ids)
    except (PostgresUnavailable, RedisUnavailable, AcceptUnknown) as error:
        log.warning("expire_interrupted", error=str(error))
        return 0
