"""One supervised process group: started, killed as a whole when one of its processes dies, started again.

A leader that replaces its own forks (the api's) may do so; if it does not in time, the group is killed.

`tick` does all of this; the supervisor calls it about ten times a second.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from core.logs import logger
from ops.up.process import Launch, ProcessGroup, start

#: Backoff before a dead group is started again, seconds: doubled each time, from the first to the longest.
FIRST_BACK_OFF_S = 0.1
LONGEST_BACK_OFF_S = 5.0
#: Seconds of running after which the backoff starts from the first again.
HEALTHY_S = 10.0

log = logger(__name__)


class State(StrEnum):
    """The state of a process group, as `onsale status` shows it."""

    RUNNING = "running"
    WAITING = "waiting"
    ENDING = "ending"
    ENDED = "ended"


@dataclass(slots=True)
class Supervised:
    """One process group. `wanted`: start it when it is not running."""

    launch: Launch
    wanted: bool = True
    group: ProcessGroup | None = None
    restarts: int = 0
    since: datetime = field(default_factory=lambda: datetime.now(UTC))
    _back_off_s: float = FIRST_BACK_OFF_S
    _start_at: float = 0.0
    _started_at: float = 0.0
    _kill_at: float | None = None

    @property
    def state(self) -> State:
        """The group's current state."""
        if self.group is None:
            return State.WAITING if self.wanted else State.ENDED
        return State.RUNNING if self._kill_at is None else State.ENDING

    def pids(self) -> list[int]:
        """Return the leader's process id, then its forks'; none if the group is not running."""
        return [member.pid for member in self.group.members] if self.group else []

    def tick(self, now: float | None = None) -> bool:
        """Start, watch, kill or restart the group, whichever is due. `now`: monotonic seconds.

        Returns whether its processes have changed: then the record of running processes must be written again.
        """
        now = time.monotonic() if now is None else now
        if self.group is None:
            if not self.wanted or now < self._start_at:
                return False
            self._start(now)
            return True
        if self._kill_at is not None:
            return self._ending(self.group, now)
        before = self.group.members.copy()
        trouble = self.group.look()
        if trouble is None:
            for member in before:
                if member not in self.group.members:
                    log.warning("fork_ended", group=self.launch.name, pid=member.pid)
            return self.group.members != before
        self._bury(self.group, trouble, now)
        return True

    @property
    def over(self) -> bool:
        """Whether it has ended for good."""
        return self.group is None and not self.wanted

    def want(self) -> None:
        """Keep it running; if it is ending, start it again afterwards."""
        self.wanted = True

    def unwant(self) -> None:
        """Do not start it again when it dies. It keeps running until `end`."""
        self.wanted = False

    def end(self, kill_at: float) -> None:
        """Send the stop signal; `tick` kills the group at `kill_at`. Repeat: no second signal, the earlier time."""
        self.wanted = False
        if self.group is None:
            return
        if self._kill_at is None:
            self.group.stop()
        self._kill_at = kill_at if self._kill_at is None else min(self._kill_at, kill_at)

    def _start(self, now: float) -> None:
        self._started_at = now
        self.since = datetime.now(UTC)
        try:
            self.group = start(self.launch)
        except OSError as error:
            self._put_off(now)
            log.error("start_failed", group=self.launch.name, error=str(error))
        else:
            log.info("started", group=self.launch.name, pid=self.group.pid)

    def _ending(self, group: ProcessGroup, now: float) -> bool:
        ended = group.ended()
        if not ended and now < (self._kill_at or 0.0):
            return False
        group.kill()
        self.group = None
        self._kill_at = None
        if not ended:
            log.warning("killed_late", group=self.launch.name)
        return True

    def _bury(self, group: ProcessGroup, trouble: str, now: float) -> None:
        """Kill the rest of a broken group and schedule its next start."""
        members = self.pids()
        code = group.kill()
        self.group = None
        if not self.wanted:
            return
        if now - self._started_at >= HEALTHY_S:
            self._back_off_s = FIRST_BACK_OFF_S
        after_s = self._put_off(now)
        log.warning(
            "group_killed",
            group=self.launch.name,
            reason=trouble,
            pids=members,
            exit_code=code,
            after_s=after_s,
        )

    def _put_off(self, now: float) -> float:
        after_s = self._back_off_s
        self.restarts += 1
        self.since = datetime.now(UTC)
        self._start_at = now + after_s
        self._back_off_s = min(2 * after_s, LONGEST_BACK_OFF_S)
        return after_s
