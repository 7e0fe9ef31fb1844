"""Bounded thread pools for calls that would block an event loop: to Postgres, and Flask's views."""

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
    """Runs functions where they may block, and awaits their results."""

    async def run(self, function: Callable[..., R], *arguments: Any) -> R:
        """Return what the function returns. Raises: Busy, and what the function raises."""

    async def once(self, function: Callable[..., R], *arguments: Any) -> R:
        """The same, but concurrent callers with equal arguments share one call."""


class Threads:
    """A thread pool with a bounded queue: rejects a call if the queue is full, or no thread is free in time."""

    def __init__(self, threads: int, *, waiting: int, patience_s: float, name: str) -> None:
        """Args: threads: max calls that run at once.   waiting: max further calls that wait.

        patience_s: max seconds that each waits, so that the queue stays short while a store hangs.
        """
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._most = threads + waiting
        self._patience_s = patience_s
        self._slots_in_use = 0
        self._lock = threading.Lock()
        self._under_way: dict[Hashable, asyncio.Task[Any]] = {}

    async def run(self, function: Callable[..., R], *arguments: Any) -> R:
        """Run a function in a thread. Raises: Busy, and what the function raises.

        Cancelling the caller removes its call from the queue; a call that already runs continues to its end.
        """
        with self._lock:
            if self._slots_in_use >= self._most:
                raise Busy
            self._slots_in_use += 1
        try:
            future = self._executor.submit(partial(function, *arguments))
        except BaseException:  # the pool has been closed; still free the slot
            self._free_slot(None)
            raise
        future.add_done_callback(self._free_slot)
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
        """Run a function in a thread, or share the result of an equal call under way.

        When a sale opens, thousands of requests need the same hall: only one reads it. Raises: as `run`, to all.
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
            task.exception()  # mark it as retrieved, even if all callers were cancelled

    def close(self) -> None:
        """Cancel calls that wait, and wait for those that run. No call may follow.   Repeat: no effect."""
        self._executor.shutdown(cancel_futures=True)

    def _free_slot(self, _future: Future[Any] | None) -> None:
        with self._lock:
            self._slots_in_use -= 1
