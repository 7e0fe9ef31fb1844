"""Drain one lane, batch after batch, for a few seconds; then other lanes get their turn.

1. Take the lease; return if another drain has it.   2. Run batches: commit, then publish.
3. Lane empty: wait for an entry in a blocking read, outside any transaction.
4. Release the lease; if entries are left, send the doorbell. If that fails, continue with 1.
Killed anywhere, a drain leaves a lease that lapses and entries that are still there: the sweeper rescues the lane.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from contextlib import suppress

import redis

from core import logs
from core.crash_points import point
from core.errors import AcceptUnknown, LaneBusy, LaneStopped, PostgresUnavailable, RedisUnavailable, UnknownVersion
from core.operations import StreamId
from db.kv import lanes
from db.kv.finish import Pace
from workers import metrics
from workers.batch import Batch, Poison, log_decisions, run_batch
from workers.publish import publish
from workers.stores import Stores

log = logs.logger(__name__)

#: A lane is busy if its next entry arrives within this many seconds after a batch.
BUSY_S = 0.02
#: The longest blocking read, ms: the socket's timeout is 5 s.
LONGEST_WAIT_MS = 2_000
#: Up to this many entries a batch takes about as long as one with a single entry: the statements are the cost.
FLAT_TO = 50


def drain(stores: Stores, lane: int, ring: Callable[[int], object], *, for_s: float | None = None) -> int:
    """Drain one lane for `for_s` seconds (default Settings.drain_s); return how many decisions were made.

    Args:    ring: sends the lane's doorbell; called if entries are left at the end. If it returns False, the doorbell
             was not sent, and the lane gets another turn.
    Raises:  nothing. Troubles that pass (Postgres or Redis unavailable, another drain) are logged, the entries stay,
             and the sweeper rescues the lane.
    Repeat:  safe, also at the same time: the lease, and behind it the lane's row lock, admit one.
    """
    token, settings = secrets.token_hex(6), stores.settings
    decided = 0
    try:
        stores.check_installation()
        while True:
            point("drain begins")
            if not lanes.take(stores.client, lane, token, settings.lease_ms):
                return decided
            point("lease taken", redis.ConnectionError)
            decided += _Drain(stores, lane, token).run(settings.drain_s if for_s is None else for_s)
            point("turn over")
            left = lanes.release(stores.client, lane, token, settings.lease_ms)
            point("lease released", redis.ConnectionError)
            if not left or ring(lane) is not False or stores.stopping.is_set():
                return decided
    except LaneBusy:
        # The other drain continues without the lease; if it dies, the sweeper takes over when "rung" is RUNG_MS old.
        with suppress(redis.RedisError):  # then the lease lapses by itself
            lanes.release(stores.client, lane, token, settings.lease_ms)
    except (PostgresUnavailable, RedisUnavailable, AcceptUnknown, redis.RedisError) as error:
        # The lease stays until it lapses: that is the back-off.
        log.warning("drain_interrupted", lane=lane, error=str(error))
    except (UnknownVersion, LaneStopped) as error:
        log.error("drain_stopped", lane=lane, why=error.code)
    except Exception:
        # No error of one lane may end the thread that drains the others; the entries stay.
        log.exception("drain_failed", lane=lane)
    return decided


class _Drain:
    """One turn at a lane whose lease is ours."""

    def __init__(self, stores: Stores, lane: int, token: str) -> None:
        self._stores = stores
        self._lane = lane
        self._token = token
        self._last = StreamId(0, 0)

    def run(self, for_s: float) -> int:
        deadline = time.monotonic() + for_s
        decided = 0
        self._stores.activity.begin(self._lane, self._token)
        try:
            while True:
                batch = self._batch()
                if batch is not None:
                    decided += len(batch.decisions)
                    self._last = batch.upto
                left_s = deadline - time.monotonic()
                if left_s <= 0 or self._stores.stopping.is_set():
                    return decided
                # Not full: the lane was empty behind it, and waiting there is cheaper than a transaction.
                full = batch is not None and batch.entry_count >= self._stores.settings.batch
                if not full and not self._wait(left_s):
                    return decided
        finally:
            self._stores.busy_lanes.discard(self._lane)
            self._stores.activity.end(self._lane, self._token)

    def _batch(self) -> Batch | None:
        """Decide, commit and publish one batch; None if the lane is empty."""
        started = time.monotonic()
        batch = self._run_batch()
        if batch is not None:
            metrics.drained(self._lane, batch.entry_count)
            self._note(batch)
            pace = pace_of(batch.entry_count, time.monotonic() - started)
            point("before publishing")
            publish(self._stores, batch, self._token, pace)
            point("batch published", redis.ConnectionError)
            log_decisions(batch)
        return batch

    def _note(self, batch: Batch) -> None:
        activity, rows = self._stores.activity, batch.rows.values()
        activity.batch(self._lane, batch.entry_count, len(batch.decisions), rows, batch.sold_before)

    def _run_batch(self) -> Batch | None:
        """Run one batch. If it is poisoned, halve it until the operation is alone, and have that one parked.

        A batch that Postgres abandoned (a timeout, or it became unavailable) leaves a smaller size for the next try.
        """
        sizes, most = self._stores.batch_sizes, self._stores.settings.batch
        size, poison = sizes.get(self._lane, most), None
        while True:
            try:
                batch = run_batch(self._stores, self._lane, size, poison=poison)
            except PostgresUnavailable:
                sizes[self._lane] = max(1, size // 2)
                raise
            except Poison as error:
                if poison is not None and poison.head == error.head:
                    raise LaneStopped(str(error)) from error
                poison = error if size == 1 else None
                size = max(1, size // 2)
            else:
                if batch is not None:
                    sizes[self._lane] = min(most, 2 * sizes.get(self._lane, most))
                return batch

    def _wait(self, left_s: float) -> bool:
        """Block until the lane has an entry, for at most half a lease's life. A busy lane gets time to fill a batch.

        Returns False if no entry arrived and the lease could not be renewed: it is another drain's.
        """
        stores, settings = self._stores, self._stores.settings
        timeout_ms = int(min(left_s * 1000, settings.lease_ms / 2, LONGEST_WAIT_MS))
        started = time.monotonic()
        point("before waiting")
        if not lanes.wait_for_entry(stores.client, self._lane, self._last, timeout_ms):
            stores.busy_lanes.discard(self._lane)
            ours = lanes.take(stores.client, self._lane, self._token, settings.lease_ms)
            point("wait over", redis.ConnectionError)
            return ours
        point("wait over", redis.ConnectionError)
        if time.monotonic() - started > BUSY_S:
            stores.busy_lanes.discard(self._lane)
        else:
            # A small batch costs as much as a large one, and lanes that are busy at the same time would make small
            # ones. A single hot lane fills its batches by itself.
            stores.busy_lanes.add(self._lane)
            time.sleep(settings.linger_ms * (len(stores.busy_lanes) - 1) / 1000)
        return True


def pace_of(entries: int, seconds: float) -> Pace:
    """Return the pace of a batch. In the time of a small one, FLAT_TO entries would have been decided."""
    return Pace(max(entries, FLAT_TO) / max(seconds, 0.001), entries > FLAT_TO)
