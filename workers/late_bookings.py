"""Alarms for bookings that are PENDING for longer than PENDING_ALARM_S. They decide nothing.

A queued operation waits for its lane; a hold whose deadline has passed waits for its Expire. Neither wait has a
bound, so operators must hear of long ones.
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

#: Seconds between two checks, and between two log lines about the same lane, or about holds.
LOOK_S = 2.0
REPEAT_S = 30.0


def watch_lanes(stores: Stores) -> None:
    """Log an error for each lane whose first entry is older than the bound. Repeat: checks once per LOOK_S."""
    if not stores.due("lanes", LOOK_S):
        return
    try:
        replies = stores.rounds.call(lanes.overview_commands(stores.settings.lanes), writes=False)
    except RedisUnavailable:
        return  # the sweeper logs it
    for lane in lanes.overview(replies):
        age_s = lane.oldest_age_ms / 1000
        if age_s > stores.settings.pending_alarm_s and stores.due(f"lane {lane.lane}", REPEAT_S):
            log.error("lane_late", lane=lane.lane, age_s=round(age_s), depth=lane.depth, drained_by=lane.drained_by)


def watch_holds(stores: Stores, connection: Connection, at_ms: int) -> None:
    """Count the holds whose deadline passed longer ago than the bound, and log an error if there are any.

    Repeat: checks once per LOOK_S.
    """
    if not stores.due("holds", LOOK_S):
        return
    bound = timedelta(seconds=stores.settings.pending_alarm_s)
    late = bookings.count_lapsed_holds(connection, at_ms - bound // timedelta(milliseconds=1))
    metrics.HOLDS_LATE.set(late)
    if late and stores.due("holds alarm", REPEAT_S):
        log.error("holds_late", holds=late, after_s=bound.total_seconds())
