"""Ctrl-C and SIGTERM during a rehearsal: the crowd ends at once, and everything around it is put in order first.

An exception in the middle of a transaction would break the connection with which the copy is closed. So a signal only
cancels the crowd, or is noticed at the next `check`; nothing interrupts the steps in between, which are short.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar

T = TypeVar("T")

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """Handles the signals while its block runs. In the main thread only; elsewhere it does nothing."""

    def __init__(self) -> None:
        self._asked = self._raises = False
        self._cancel: Callable[[], object] | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            # A command in the background ignores SIGINT, and continues to.
            numbers = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
            self._before = {number: signal.signal(number, self._signalled) for number in numbers}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def check(self) -> None:
        """Raise KeyboardInterrupt if a signal has arrived."""
        if self._asked:
            raise KeyboardInterrupt

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on a new event loop. Raises: KeyboardInterrupt, after a signal has cancelled it."""
        return asyncio.run(self._cancelled_by_signals(coroutine))

    @contextmanager
    def raising(self) -> Iterator[None]:
        """Let a signal interrupt the block anywhere: for work that leaves nothing to put in order."""
        self._raises = True
        try:
            self.check()
            yield
        finally:
            self._raises = False

    async def _cancelled_by_signals(self, coroutine: Coroutine[Any, Any, T]) -> T:
        loop, task = asyncio.get_running_loop(), asyncio.ensure_future(coroutine)
        self._cancel = lambda: loop.call_soon_threadsafe(task.cancel)
        try:
            if self._asked:
                task.cancel()
            return await task
        except asyncio.CancelledError:
            self.check()
            raise
        finally:
            self._cancel = None

    def _signalled(self, number: int, frame: FrameType | None) -> None:
        self._asked = True
        if self._cancel is not None:
            self._cancel()
        elif self._raises:
            self._raises = False
            raise KeyboardInterrupt
