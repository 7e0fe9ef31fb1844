"""The event loop of an api process, on which the booking service and its connection to Redis run.

Under the front (front.py) it is granian's. Under any WSGI server it runs in a thread that the first request starts,
so that it starts after the server has forked. Flask's views submit their calls to it and wait.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

import uvloop

R = TypeVar("R")


class EventLoop:
    """One event loop, used by the threads of a process."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def adopt(self, loop: asyncio.AbstractEventLoop) -> None:
        """Use a loop that the server runs. To be called before the first `run`."""
        self._loop = loop

    @property
    def own(self) -> bool:
        """Return whether the loop runs in our own thread, and is not the server's."""
        return self._thread is not None

    def run(self, work: Coroutine[Any, Any, R]) -> R:
        """Run a coroutine on the loop and return its result. Blocks; must not be called on the loop's thread."""
        return asyncio.run_coroutine_threadsafe(work, self._running()).result()

    def close(self) -> None:
        """Stop the loop if it is our own. The next `run` starts another.   Repeat: no effect."""
        with self._lock:
            loop, thread = self._loop, self._thread
            if loop is None or thread is None:
                return
            self._loop = self._thread = None
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    def _running(self) -> asyncio.AbstractEventLoop:
        loop = self._loop
        if loop is None:
            with self._lock:
                loop = self._loop
                if loop is None:
                    loop = self._loop = uvloop.new_event_loop()
                    self._thread = threading.Thread(target=loop.run_forever, name="event-loop", daemon=True)
                    self._thread.start()
        return loop
