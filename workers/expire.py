"""Expire: put an Expire operation into the lane of each show that has something to end.

That is lapsed holds, a waiting list after the sale, or the bookings of a cancelled show, each up to a batch at a
time; the next run continues. It decides nothing: the drain does, in the lane's order, so a confirm that was accepted
in time always wins. If this never runs, no buyer loses a seat: a Book that takes a lapsed hold's seats expires the
hold first.
"""

from __future__ import annotations

from collections.abc import Callable

from redis.exceptions import OutOfMemoryError

from core import logs
from core.crash_points import point
from core.errors import AcceptUnknown, PostgresUnavailable, RedisUnavailable
from core.ids import lane_of
from core.operations import Expire
from db.kv import admission, keys
from db.postgres import bookings, waiting
from db.postgres.engine import transaction
from workers import late_bookings
from workers.stores import Stores

log = logs.logger(__name__)

#: For how long a run keeps others from starting: milliseconds, and with short leases of lanes this number of their
#: lives. A run ends earlier, unless it is killed.
LEASE_MS, LEASES = 10_000, 5
#: Milliseconds after a run in which the sweepers start none: the scheduler requests one per second.
DONE_MS = 5_000


def run_alone(stores: Stores, ring: Callable[[int], object], *, overdue: bool = False) -> int:
    """Call `run_once` unless a run is in progress in any worker, or (`overdue`) one has ended in the last DONE_MS.

    A run over many shows takes longer than the second after which the next is requested, and must not occupy all
    threads that drain. The lease only saves work: two runs at once are harmless.
    """
    try:
        if overdue and stores.rounds.call([("EXISTS", keys.EXPIRY_DONE)], writes=False) == [1]:
            return 0
        for_ms = min(LEASE_MS, LEASES * stores.settings.lease_ms)
        lease = ("SET", keys.EXPIRY_LEASE, "1", "NX", "PX", for_ms)
        if stores.rounds.call([lease], writes=False) == [None]:
            return 0
        found = run_once(stores, ring)
        stores.rounds.call([("DEL", keys.EXPIRY_LEASE), ("SET", keys.EXPIRY_DONE, "1", "PX", DONE_MS)], writes=False)
        return found
    except (RedisUnavailable, OutOfMemoryError) as error:  # at maxmemory lanes take no Expire either
        log.warning("expire_interrupted", error=str(error))
        return 0


def run_once(stores: Stores, ring: Callable[[int], object]) -> int:
    """Accept one Expire per show with something to end; return the number of these shows.

    Repeat: safe, also at the same time: accept.lua keeps one undecided Expire per show.
    """
    settings = stores.settings
    try:
        point("expiry begins")
        stores.check_installation()
        [time] = stores.rounds.call([("TIME",)], writes=False)
        at_ms = int(time[0]) * 1000 + int(time[1]) // 1000
        with transaction(stores.engine) as connection:
            show_ids = bookings.shows_with_lapsed_holds(connection, at_ms)
            show_ids += set(waiting.shows_to_expire(connection, at_ms)) - set(show_ids)
            late_bookings.watch_holds(stores, connection, at_ms)
        point("lapsed holds read", PostgresUnavailable)
        accepted = admission.accept_all(
            stores.rounds,
            [Expire(show_id=show_id, limit=settings.batch) for show_id in show_ids],
            lanes=settings.lanes,
            cap=settings.lane_cap,
            lease_ms=settings.lease_ms,
        )
        point("expires accepted", AcceptUnknown)
        asleep = [show_id for show_id, each in zip(show_ids, accepted, strict=True) if each.ring]
        for lane in sorted({lane_of(show_id, settings.lanes) for show_id in asleep}):
            ring(lane)
        point("expiry over")
        return len(show_ids)
    except (PostgresUnavailable, RedisUnavailable, AcceptUnknown) as error:
        log.warning("expire_interrupted", error=str(error))
        return 0
