"""A process group: a leader and the processes it forked, started, watched and killed as one.

Each leader has a session of its own, so a Ctrl-C in the terminal reaches the supervisor alone. On Linux
the kernel sends the leader its stop signal when the supervisor dies, even by kill -9. Start groups from
a thread that lives as long as the program: that signal follows the thread which started the leader.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from ops.up.account import Account

#: prctl(2): the signal to get when the parent dies.
PR_SET_PDEATHSIG = 1
#: Seconds for a leader that replaces its forks to do so. It does at once; a machine that is busy may take longer.
REPLACED_WITHIN_S = 5.0
#: prctl(2): become the parent of descendants whose own parent died, instead of init.
PR_SET_CHILD_SUBREAPER = 36

# Looked up here: between fork and exec nothing may be imported or loaded.
_prctl = ctypes.CDLL(None, use_errno=True).prctl if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How one process group is started. `forks`: how many children of the leader must live as long as it.

    `replaces`: the leader itself starts another fork when one ends; the rest of the group goes on meanwhile.
    `files`: file descriptors of ours that it inherits under the same numbers.
    """

    name: str
    command: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str]
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    forks: int = 0
    replaces: bool = False
    files: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Member:
    """One process. The time of its creation (epoch seconds) tells it from a later one of the same number."""

    pid: int
    created: float

    def process(self) -> psutil.Process | None:
        """The process if it is still this one and alive (a zombie is not), else None."""
        try:
            process = psutil.Process(self.pid)
            # The kernel's boot time, part of the sum, may be corrected by up to a second while it runs.
            if abs(process.create_time() - self.created) > 1.5 or process.status() == psutil.STATUS_ZOMBIE:
                return None
        except psutil.Error:
            return None
        return process


@dataclass(slots=True)
class ProcessGroup:
    """A running process group. Made by `start`; after `kill` it is of no more use."""

    launch: Launch
    leader: subprocess.Popen[bytes]
    started: float = field(default_factory=time.time)
    members: list[Member] = field(default_factory=list)
    _lost: Member | None = None
    _replaced_by: float = 0.0

    @property
    def pid(self) -> int:
        """The leader's process id, which is also the group's and the session's."""
        return self.leader.pid

    def look(self) -> str | None:
        """What is wrong with the group, None if nothing: its leader or one of its forks has ended.

        Where the leader replaces its forks, only one that is not replaced in time is wrong; the ended ones leave
        `members`. Finds the forks while they are still being started, so call it every now and then.
        """
        if self._leader_ended():
            return "the leader ended"
        if self.launch.forks > len(self.members) - 1:
            self._find_forks()
        ended = [member for member in self.members[1:] if member.process() is None]
        if not self.launch.replaces:
            return f"its fork {ended[0].pid} ended" if ended else None
        return self._unreplaced(ended)

    def stop(self) -> None:
        """Ask the leader to end in good order. Does not wait. Repeat: asks again."""
        if not self._leader_ended():
            self.leader.send_signal(self.launch.stop_signal)

    def ended(self) -> bool:
        """Whether the leader has ended. Its forks may still live: `kill` makes sure that they do not."""
        return self._leader_ended()

    def kill(self) -> int:
        """SIGKILL to every process of the group and reap the leader. Returns its exit code.

        The leader is reaped last, so its number cannot belong to somebody else while signals are sent.
        """
        family = self._descendants()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        for process in family:
            # Postgres gives each of its processes a session of its own.
            with suppress(psutil.Error):
                process.kill()
        return self.leader.wait()

    def output(self) -> bytes:
        """What the leader wrote to standard output, up to a pipe's 64 KB. For groups started to keep it."""
        return self.leader.stdout.read() if self.leader.stdout else b""

    def _leader_ended(self) -> bool:
        if self.leader.returncode is not None:
            return True
        # WNOWAIT: the zombie stays, and with it the number of the group, until `kill`.
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def _unreplaced(self, ended: list[Member]) -> str | None:
        """Take ended forks off the list; what is wrong if forks are still missing when their time is over."""
        now = time.monotonic()
        if ended:
            self.members = [member for member in self.members if member not in ended]
            self._lost, self._replaced_by = ended[0], now + REPLACED_WITHIN_S
        if self._lost is None or len(self.members) > self.launch.forks:
            self._lost = None
            return None
        return f"its fork {self._lost.pid} ended and was not replaced" if now >= self._replaced_by else None

    def _find_forks(self) -> None:
        known = {member.pid for member in self.members}
        with suppress(psutil.Error):
            for child in psutil.Process(self.pid).children():
                with suppress(psutil.Error, ProcessLookupError):
                    fork = Member(child.pid, child.create_time())
                    # A leader that replaces its forks may not have reaped the last one yet.
                    gone = self.launch.replaces and fork.process() is None
                    if child.pid not in known and not gone and os.getpgid(child.pid) == self.pid:
                        self.members.append(fork)

    def _descendants(self) -> list[psutil.Process]:
        found = [process for member in self.members[1:] if (process := member.process())]
        for root in [self.members[0].process(), *found]:
            with suppress(psutil.Error):
                found += root.children(recursive=True) if root else []
        return found


def start(launch: Launch, *, keep_output: bool = False) -> ProcessGroup:
    """Start a process group. Raises OSError if the program is not there.

    Its output goes where ours goes; with `keep_output`, standard output is kept for `output` instead.
    """
    leader = subprocess.Popen(
        launch.command,
        cwd=launch.cwd,
        env=dict(launch.env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if keep_output else None,
        start_new_session=True,
        preexec_fn=follow(launch.stop_signal),
        pass_fds=launch.files,
        **(launch.account.identity() if launch.account else {}),
    )
    try:
        created = psutil.Process(leader.pid).create_time()
    except psutil.Error:
        created = time.time()
    return ProcessGroup(launch, leader, members=[Member(leader.pid, created)])


def adopt_orphans() -> None:
    """Let processes whose leader died come to us instead of init, so that none is lost (Linux only)."""
    if _prctl is not None:
        _prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def kill_orphans(known: set[int]) -> int:
    """SIGKILL every child of ours that is not in `known`, and its descendants, and reap what has ended.

    Returns how many there were; call it again until there are none. Waits for nothing.
    """
    orphans = [child for child in psutil.Process().children() if child.pid not in known]
    for orphan in orphans:
        with suppress(psutil.Error):
            for process in [*orphan.children(recursive=True), orphan]:
                process.kill()
        with suppress(ChildProcessError):
            os.waitpid(orphan.pid, os.WNOHANG)
    return len(orphans)


def follow(stop_signal: signal.Signals) -> Callable[[], None] | None:
    """For `preexec_fn`: what makes a child get the signal when we die (Linux only).

    The child does it between fork and exec, when it already is the user it will be: a change of user would
    clear the setting, and subprocess keeps that order.
    """
    if _prctl is None:
        return None
    number, parent, prctl, getppid, leave = int(stop_signal), os.getpid(), _prctl, os.getppid, os._exit

    def ask_kernel() -> None:
        prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
        # The parent may have died before the call: then nobody will send the signal.
        if getppid() != parent:
            leave(1)

    return ask_kernel
