"""Jobs: threads of which one runs at a time, from one point to the next, so that a schedule can be repeated."""

from __future__ import annotations

import threading
from collections.abc import Callable
from enum import Enum
from typing import Any

#: Seconds within which a job reaches its next point. Only a hang takes longer.
HANG_S = 60.0


class Fate(Enum):
    """What happens to a job at the point that it has reached."""

    GO = "continues"
    FAIL = "gets an error from the store"
    CRASH = "crashes"


class Crashed(BaseException):
    """The job's process has crashed. No code of the product may catch it."""


class Hangs(Exception):
    """A job did not reach its next point in time."""


class Job(threading.Thread):
    """One piece of work of a process. It runs only from `resume` to its next `point`."""

    def __init__(self, name: str, work: Callable[[], object]) -> None:
        super().__init__(name=name, daemon=True)
        self.at = "its beginning"
        self.ended = False
        self.error: Exception | None = None
        #: Turns of the schedule during which it sleeps.
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
        """Let it run to its next point, or to its end. Raises: Hangs."""
        self._fate = fate
        self._turn.release()
        if not self._back.acquire(timeout=HANG_S):
            raise Hangs(f"{self.name} hangs after {self.at}")

    def reach(self, at: str) -> Fate:
        """Stop at a point, in the job's thread, until it is resumed. Raises: Crashed."""
        if self._dead:
            return Fate.GO  # what it does while it ends, the servers would do for a dead process
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
    """Stop the calling job here until it is resumed. Outside of jobs, do nothing."""
    job = threading.current_thread()
    return job.reach(at) if isinstance(job, Job) else Fate.GO


def through(name: str, call: Callable[[], Any], unsent: Exception, lost: Exception) -> Any:
    """Call a store, with a point before and after. Raises: `unsent` or `lost` if it fails at one of them."""
    if point(f"before {name}") is Fate.FAIL:
        raise unsent
    answer = call()
    if point(f"after {name}") is Fate.FAIL:
        raise lost
    return answer
