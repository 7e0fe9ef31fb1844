"""Expire: put an Expire operation into the lane of each show that has lapsed holds.

It decides nothing: the drain does, in the lane's order, so that a confirm accepted in time is never overtaken.
With nobody running this, nothing is wrong either: whoever takes a lapsed hold's seats expires it first.
"""

from __future__ import annotations

from collections.abc import Callable

from core import logs
from core.crashpoints import point
from core.errors import AcceptUnknown, PostgresAway, RedisAway
from core.ids import lane_of
from core.operations import Expire
from db import bookings, lanes
from db.engine import transaction
from workers import late
from workers.stores import Stores

log = logs.logger(__name__)


def run_once(stores: Stores, ring: Callable[[int], object]) -> int:
    """Accept one Expire per show with lapsed holds; returns for how many shows one is waiting now.

    Repeat: safe, also at the same time: accept.lua keeps one undecided Expire per show.
    """
    settings = stores.settings
    try:
        point("E2")
        stores.check_lanes()
        [time] = stores.rounds.call([("TIME",)], writes=False)
        at_ms = int(time[0]) * 1000 + int(time[1]) // 1000
        with transaction(stores.engine) as connection:
            show_ids = bookings.shows_with_lapsed_holds(connection, at_ms)
            late.watch_holds(stores, connection, at_ms)
        for show_id in show_ids:
            point("E3", PostgresAway)
            accepted = lanes.accept(
                stores.rounds,
                Expire(show_id=show_id, limit=settings.batch),
                lanes=settings.lanes,
                cap=settings.lane_cap,
                marker_ms=settings.marker_ms,
            )
            point("E4", AcceptUnknown)
            if accepted.ring:
                ring(lane_of(show_id, settings.lanes))
        point("E5")
        return len(show_ids)
    except (PostgresAway, RedisAway, AcceptUnknown) as error:
        log.warning("expire_interrupted", error=str(error))
        return 0
