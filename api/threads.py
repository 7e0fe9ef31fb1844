"""Bounded pools of threads for what an event loop must not wait for: Postgres, and Flask's views."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, Protocol, TypeVar

from api.errors import Busy

R = TypeVar("R")


class Runs(Protocol):
    """Runs a function where it may block, and awaits its result."""

    async def run(self, function: Callable[..., R], *arguments: Any) -> R:
        """Return what the function returns. Raises: Busy, and what the function raises."""


class Threads:
    """A pool of threads with a bounded queue: what finds no room is refused at once instead of waiting for ever."""

    def __init__(self, threads: int, *, waiting: int, name: str) -> None:
        """Args: threads: how many calls run at once.   waiting: how many more may wait for a thread."""
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._most = threads + waiting
        self._taken = 0
        self._lock = threading.Lock()

    async def run(self, function: Callable[..., R], *arguments: Any) -> R:
        """Run a function in a thread. Raises: Busy, and what the function raises.

        A caller that is cancelled takes its call out of the queue; one that already runs goes on to its end.
        """
        with self._lock:
            if self._taken >= self._most:
                raise Busy
            self._taken += 1
        try:
            future = self._executor.submit(partial(function, *arguments))
        except BaseException:
            self._give_back(None)
            raise
        future.add_done_callback(self._give_back)
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Drop what waits, and wait for what runs. Nothing may be run any more.   Repeat: nothing happens."""
        self._executor.shutdown(cancel_futures=True)

    def _give_back(self, _future: Future[Any] | None) -> None:
        with self._lock:
            self._taken -= 1
