"""The baton: of many threads one goes at a time, and hands back at each point; so a schedule is repeatable."""

from __future__ import annotations

import threading
from collections.abc import Callable
from enum import Enum
from typing import Any

#: Seconds in which a thread comes to its next point. Only a hang takes longer.
HANG_S = 60.0


class Fate(Enum):
    """What happens to a thread at the point where it stands."""

    GO = "goes on"
    FAIL = "is failed by the store"
    CRASH = "crashes"


class Crashed(BaseException):
    """The thread's process is gone. No code of the product may catch it."""


class Hangs(Exception):
    """A thread did not come to its next point."""


class Job(threading.Thread):
    """One piece of work of an actor. It goes only between `resume` and its next `point`."""

    def __init__(self, name: str, work: Callable[[], object]) -> None:
        super().__init__(name=name, daemon=True)
        self.at = "its beginning"
        self.ended = False
        self.error: Exception | None = None
        #: How many turns of the schedule it sleeps.
        self.sleeps = 0
        self._work = work
        self._dead = False
        self._fate = Fate.GO
        self._turn, self._back = threading.Lock(), threading.Lock()
        self._turn.acquire()
        self._back.acquire()
        self.start()

    def run(self) -> None:
        try:
            self._wait()
            self._work()
        except Crashed:
            pass
        except Exception as error:  # noqa: BLE001 - the oracle judges it
            self.error = error
        self.ended = True
        self._back.release()

    def resume(self, fate: Fate = Fate.GO) -> None:
        """Let it go on to its next point, or to its end. Raises: Hangs."""
        self._fate = fate
        self._turn.release()
        if not self._back.acquire(timeout=HANG_S):
            raise Hangs(f"{self.name} hangs after {self.at}")

    def reach(self, at: str) -> Fate:
        """The thread itself: hand the baton back, and wait for a turn. Raises: Crashed."""
        if self._dead:
            return Fate.GO  # what it does on its way out, the servers would do for a dead process
        self.at = at
        self._back.release()
        return self._wait()

    def _wait(self) -> Fate:
        self._turn.acquire()
        if self._fate is Fate.CRASH:
            self._dead = True
            raise Crashed
        return self._fate


def point(at: str) -> Fate:
    """Hand the baton back here. Outside of jobs nothing happens."""
    job = threading.current_thread()
    return job.reach(at) if isinstance(job, Job) else Fate.GO


def through(name: str, call: Callable[[], Any], unsent: Exception, lost: Exception) -> Any:
    """A call to a store, with a point on either side. Raises: `unsent` or `lost` where it is to fail."""
    if point(f"before {name}") is Fate.FAIL:
        raise unsent
    answer = call()
    if point(f"after {name}") is Fate.FAIL:
        raise lost
    return answer
