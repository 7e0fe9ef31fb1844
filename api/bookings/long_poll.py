"""Long polls: requests with `?wait=` that sleep until their booking is published.

One thread per process subscribes to the channel on which finish.lua announces what it has published, and wakes the
requests for these bookings. Slots are bounded: a request that gets none is answered at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from itertools import islice
from typing import Any
from uuid import UUID

import redis

from core import logs
from db.kv import keys
from db.kv.demotion import Questions
from db.kv.rounds import connection_pool

log = logs.logger(__name__)

Wake = Callable[[], object]

#: Max seconds of one blocking read of the listener; also its pause before it reconnects.
LISTEN_S = 1.0
#: Seconds after which the subscription moves to a new connection. A silent one may have a dead server behind it, or a
#: demoted master, and a subscriber can send no other command to find out: connecting checks the server.
RENEW_S = 10.0
#: After an interruption all waiting requests check again: this many at a time, with a pause in seconds in between.
AT_A_TIME, PAUSE_S = 200, 0.02


class LongPolls:
    """The waiting requests of one process. The listener starts with the first of them."""

    def __init__(self, redis_url: str, slots: int, questions: Questions | None = None) -> None:
        self._client = redis.Redis(
            connection_pool=connection_pool(redis_url, socket_timeout_s=2 * LISTEN_S, questions=questions)
        )
        self._slots = slots
        self._slots_in_use = 0
        self._lock = threading.Lock()
        self._waiting: dict[str, set[Wake]] = {}
        self._listener: threading.Thread | None = None
        self._closed = threading.Event()
        #: The process is about to end: no request may wait any more.
        self.leaving = False

    def take_slot(self, booking_id: UUID, wake: Wake) -> bool:
        """Take a slot: `wake` is called, from the listener's thread, at each publication of the booking.

        Returns: False if no slot is free. After True the caller must `free_slot`.
        """
        with self._lock:
            if self.leaving or self._slots_in_use >= self._slots:
                return False
            self._slots_in_use += 1
            self._waiting.setdefault(booking_id.hex, set()).add(wake)
            if self._listener is None:
                self._listener = threading.Thread(target=self._listen, name="long-polls", daemon=True)
                self._listener.start()
        return True

    def free_slot(self, booking_id: UUID, wake: Wake) -> None:
        """Free the slot that `take_slot` gave."""
        with self._lock:
            self._slots_in_use -= 1
            self._waiting[booking_id.hex].discard(wake)
            if not self._waiting[booking_id.hex]:
                del self._waiting[booking_id.hex]

    def end(self) -> None:
        """Wake all waiting requests, and let no others wait: the process is about to end.   Repeat: safe."""
        self.leaving = True
        self._wake_everybody()

    def close(self) -> None:
        """End the listener. `take_slot` returns False from then on.   Repeat: no effect."""
        self.leaving = True
        self._closed.set()
        if self._listener is not None:
            self._listener.join()

    def _listen(self) -> None:
        channel = None
        while not self._closed.is_set():
            try:
                # Subscribe before the old connection is closed, so that nothing is missed in between.
                fresh = self._subscribe()
                if channel is None:
                    # We may have missed messages while disconnected; wake every waiter to re-check.
                    self._wake_everybody(self._closed)
                else:
                    while self._hear(channel, 0.0):
                        pass
                    channel.close()
                channel = fresh
                renew_at = time.monotonic() + RENEW_S
                while time.monotonic() < renew_at and not self._closed.is_set():
                    self._hear(channel, LISTEN_S)
            except Exception as error:
                # Never let this thread die: nothing would start another listener.
                if isinstance(error, redis.RedisError):
                    log.warning("long_polls_interrupted", error=str(error))
                else:
                    log.exception("long_polls_failed")
                if channel is not None:
                    channel.close()
                channel = None
                self._closed.wait(LISTEN_S)
        if channel is not None:
            channel.close()

    def _subscribe(self) -> Any:
        """Return a new, subscribed connection. Raises: redis-py's errors."""
        channel = self._client.pubsub()  # type: ignore[no-untyped-call]
        try:
            channel.subscribe(keys.DECIDED)
            if channel.get_message(timeout=2 * LISTEN_S) is None:
                raise redis.TimeoutError("Redis does not confirm the subscription")
        except BaseException:  # nothing else would close this connection
            channel.close()
            raise
        return channel

    def _hear(self, channel: Any, timeout_s: float) -> bool:
        """Wait for the next message and wake its bookings' requests. Returns False if none arrived in time."""
        message = channel.get_message(timeout=timeout_s)
        if message is None:
            return False
        if message["type"] == "message":
            self._wake(message["data"].split(" "))
        return True

    def _wake(self, ids: list[str]) -> None:
        with self._lock:
            if self._waiting:
                for id_ in ids:
                    for wake in self._waiting.get(id_, ()):
                        wake()

    def _wake_everybody(self, pause: threading.Event | None = None) -> None:
        """Wake all waiting requests; with `pause` in groups, so that thousands do not query Redis at once."""
        with self._lock:
            wakes = iter([wake for each in self._waiting.values() for wake in each])
        while some := list(islice(wakes, AT_A_TIME)):
            for wake in some:
                wake()
            if pause is not None:
                pause.wait(PAUSE_S)
