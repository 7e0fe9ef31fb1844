"""Waiters: requests with `?wait=` that sleep until their booking is published.

One thread per process listens to the channel on which finish.lua names what it has published, and wakes whom
it concerns. Places are bounded: a request that finds none is answered at once, with when to ask again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

import redis

from core import logs
from db import keys
from db.demotion import Questions
from db.rounds import connection_pool

log = logs.logger(__name__)

Wake = Callable[[], object]

#: Seconds. How often the listener looks whether it is still connected; and its pause before it connects again.
LISTEN_S = 1.0
#: Seconds that one connection is listened to. One that hears nothing cannot tell why, and may ask nothing else: a
#: server that has gone silent, or is no master any more, is found out by the next connection.
RENEW_S = 10.0


class Waiters:
    """The waiting requests of one process. The listener starts with the first of them."""

    def __init__(self, redis_url: str, places: int, questions: Questions | None = None) -> None:
        self._client = redis.Redis(
            connection_pool=connection_pool(redis_url, socket_timeout_s=2 * LISTEN_S, questions=questions)
        )
        self._places = places
        self._taken = 0
        self._lock = threading.Lock()
        self._waiting: dict[str, set[Wake]] = {}
        self._listener: threading.Thread | None = None

    def enter(self, booking_id: UUID, wake: Wake) -> bool:
        """Have `wake` called, from the listener's thread, at each publication of the booking; False: no place left.

        Whoever has entered must `leave`.
        """
        with self._lock:
            if self._taken >= self._places:
                return False
            self._taken += 1
            self._waiting.setdefault(booking_id.hex, set()).add(wake)
            if self._listener is None:
                self._listener = threading.Thread(target=self._listen, name="waiters", daemon=True)
                self._listener.start()
        return True

    def leave(self, booking_id: UUID, wake: Wake) -> None:
        """Give the place back."""
        with self._lock:
            self._taken -= 1
            self._waiting[booking_id.hex].discard(wake)
            if not self._waiting[booking_id.hex]:
                del self._waiting[booking_id.hex]

    @contextmanager
    def place(self, booking_id: UUID) -> Iterator[threading.Event | None]:
        """A place for one thread: an event set at each publication of the booking; None if all are taken."""
        event = threading.Event()
        if not self.enter(booking_id, event.set):
            yield None
            return
        try:
            yield event
        finally:
            self.leave(booking_id, event.set)

    def _listen(self) -> None:
        pause = threading.Event()
        while True:
            try:
                with self._client.pubsub() as channel:  # type: ignore[no-untyped-call]
                    channel.subscribe(keys.DECIDED)
                    renew_at = time.monotonic() + RENEW_S
                    while time.monotonic() < renew_at:
                        message = channel.get_message(timeout=LISTEN_S)
                        if message is None:
                            continue
                        if message["type"] == "subscribe":
                            self._wake_everybody()
                        else:
                            self._wake(message["data"].split(" "))
            except redis.RedisError as error:
                log.warning("waiters_interrupted", error=str(error))
                pause.wait(LISTEN_S)
            except Exception:
                # Nobody would start another listener: whatever it was, it is logged, and the listener goes on.
                log.exception("waiters_failed")
                pause.wait(LISTEN_S)

    def _wake(self, ids: list[str]) -> None:
        with self._lock:
            if self._waiting:
                for id_ in ids:
                    for wake in self._waiting.get(id_, ()):
                        wake()

    def _wake_everybody(self) -> None:
        """What was published while nobody listened is not known: all look again."""
        with self._lock:
            for wakes in self._waiting.values():
                for wake in wakes:
                    wake()
