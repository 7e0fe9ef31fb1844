"""Late: an alarm for what is PENDING for longer than PENDING_ALARM_S. It decides nothing.

A queued operation waits for its lane; a hold whose deadline has passed waits for its Expire. Neither wait has a bound
of its own, so no wait may become long without somebody hearing of it.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection

from core import logs
from core.errors import RedisUnavailable
from db.kv import lanes
from db.postgres import bookings
from workers import metrics
from workers.stores import Stores

log = logs.logger(__name__)

#: Seconds between two looks, and between two lines of the log about the same lane, or about holds.
LOOK_S = 2.0
REPEAT_S = 30.0


def watch_lanes(stores: Stores) -> None:
    """Alarm for each lane whose first entry is older than the bound. Repeat: harmless, it looks once in LOOK_S."""
    if not stores.due("lanes", LOOK_S):
        return
    try:
        replies = stores.rounds.call(lanes.overview_commands(stores.settings.lanes), writes=False)
    except RedisUnavailable:
        return  # the sweeper says so
    for lane in lanes.overview(replies):
        age_s = lane.oldest_age_ms / 1000
        if age_s > stores.settings.pending_alarm_s and stores.due(f"lane {lane.lane}", REPEAT_S):
            log.error("lane_late", lane=lane.lane, age_s=round(age_s), depth=lane.depth, drained_by=lane.drained_by)


def watch_holds(stores: Stores, connection: Connection, at_ms: int) -> None:
    """Count the holds whose deadline was passed longer ago than the bound, and alarm if there are any.

    Repeat: harmless, it looks once in LOOK_S.
    """
    if not stores.due("holds", LOOK_S):
        return
    bound = timedelta(seconds=stores.settings.pending_alarm_s)
    late = bookings.count_lapsed_holds(connection, at_ms - bound // timedelta(milliseconds=1))
    metrics.HOLDS_LATE.set(late)
    if late and stores.due("holds alarm", REPEAT_S):
        log.error("holds_late", holds=late, after_s=bound.total_seconds())
