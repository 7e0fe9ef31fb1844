"""Bounded pools of threads for what an event loop must not wait for: Postgres, and Flask's views."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, Protocol, TypeVar

from api.web.errors import Busy

R = TypeVar("R")


class Runs(Protocol):
    """Runs a function where it may block, and awaits its result."""

    async def run(self, function: Callable[..., R], *arguments: Any) -> R:
        """Return what the function returns. Raises: Busy, and what the function raises."""

    async def once(self, function: Callable[..., R], *arguments: Any) -> R:
        """The same, but callers with equal arguments share a call that is under way."""


class Threads:
    """A pool of threads with a bounded queue: a call is refused when there is no room, or no thread in time."""

    def __init__(self, threads: int, *, waiting: int, patience_s: float, name: str) -> None:
        """Args: threads: how many calls run at once.   waiting: how many more may wait.

        patience_s: for how long each may wait: with a store that hangs, a queue must not become a minute long.
        """
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._most = threads + waiting
        self._patience_s = patience_s
        self._taken = 0
        self._lock = threading.Lock()
        self._under_way: dict[Hashable, asyncio.Task[Any]] = {}

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
        except BaseException:  # the pool has been closed: the place is free all the same
            self._give_back(None)
            raise
        future.add_done_callback(self._give_back)
        result = asyncio.wrap_future(future)
        try:
            done, _ = await asyncio.wait({result}, timeout=self._patience_s)
        except asyncio.CancelledError:
            result.cancel()
            raise
        if not done and future.cancel():  # it has not begun
            raise Busy
        return await result

    async def once(self, function: Callable[..., R], *arguments: Any) -> R:
        """Run a function in a thread, or share the result of an equal call that is under way.

        In the first instant of a sale thousands need the same hall: one asks for it. Raises: as `run`, for all.
        """
        key = function, arguments
        task = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = asyncio.create_task(self.run(function, *arguments))
            task.add_done_callback(partial(self._ended, key))
        result: R = await asyncio.shield(task)
        return result

    def _ended(self, key: Hashable, task: asyncio.Task[Any]) -> None:
        del self._under_way[key]
        if not task.cancelled():
            task.exception()  # looked at, even if all callers have gone away

    def close(self) -> None:
        """Drop what waits, and wait for what runs. Nothing may be run any more.   Repeat: nothing happens."""
        self._executor.shutdown(cancel_futures=True)

    def _give_back(self, _future: Future[Any] | None) -> None:
        with self._lock:
            self._taken -= 1
