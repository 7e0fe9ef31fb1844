"""A cache of unchanging values for many threads: it keeps the most recently used, and makes each only once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """The most recently used values, up to a total weight. Threads may share it."""

    def __init__(self, most: int, weigh: Callable[[V], int] = lambda _: 1) -> None:
        """Args: most: max total weight; a single value that is heavier is still kept, alone."""
        self._most = most
        self._weigh = weigh
        self._values: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._weight = 0
        self._making: dict[K, Future[V]] = {}
        self._lock = threading.Lock()

    def get(self, key: K) -> V | None:
        """Return the value; None if it is not cached."""
        with self._lock:
            found = self._values.get(key)
            if found is None:
                return None
            self._values.move_to_end(key)
            return found[0]

    def put(self, key: K, value: V) -> None:
        """Cache a value; evict the least recently used ones to make room."""
        weight = self._weigh(value)
        with self._lock:
            _, before = self._values.pop(key, (None, 0))
            self._values[key] = value, weight
            self._weight += weight - before
            while self._weight > self._most and len(self._values) > 1:
                _, (_, least) = self._values.popitem(last=False)
                self._weight -= least

    def drop(self, key: K) -> None:
        """Forget a value, if it is cached."""
        with self._lock:
            _, weight = self._values.pop(key, (None, 0))
            self._weight -= weight

    def get_or_make(self, key: K, make: Callable[[], V]) -> V:
        """Return the value; if it is not cached, one thread makes it while the others wait.

        Raises: what `make` raises, in all threads that waited; the next call tries again.
        """
        value = self.get(key)
        if value is not None:
            return value
        with self._lock:
            making = self._making.get(key)
            if making is None:
                self._making[key] = Future()
        if making is not None:
            return making.result()
        try:
            value = self.get(key)  # another thread may have made it since the first check
            if value is None:
                value = make()
                self.put(key, value)
        except BaseException as error:
            self._end(key).set_exception(error)
            raise
        self._end(key).set_result(value)
        return value

    def _end(self, key: K) -> Future[V]:
        with self._lock:
            return self._making.pop(key)
