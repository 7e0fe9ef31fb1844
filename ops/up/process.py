"""A process group: a leader and the processes it forked, started, watched and killed as one.

Each leader has its own session, so a Ctrl-C in the terminal reaches only the supervisor. On Linux the kernel sends
the leader its stop signal when the supervisor dies, even by kill -9. Start groups from a thread that lives as long as
the program: the kernel sends that signal when the starting thread ends.
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

#: prctl(2): the signal to receive when the parent dies.
PR_SET_PDEATHSIG = 1
#: Seconds within which a leader must replace a fork. It does so at once; a busy machine may take longer.
REPLACED_WITHIN_S = 5.0
#: prctl(2): become the parent of descendants whose own parent died, instead of init.
PR_SET_CHILD_SUBREAPER = 36

# Loaded here, because nothing may be imported or loaded between fork and exec.
_prctl = ctypes.CDLL(None, use_errno=True).prctl if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How one process group is started. `forks`: the number of children that the leader must always have.

    `replaces`: the leader itself replaces a fork that ends; the rest of the group continues meanwhile.
    `files`: file descriptors that it inherits under the same numbers.
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
    """One process. Its creation time (epoch seconds) distinguishes it from a later process with the same id."""

    pid: int
    created: float

    def process(self) -> psutil.Process | None:
        """Return the process if it is still the same one and alive (a zombie is not), else None."""
        try:
            process = psutil.Process(self.pid)
            # psutil adds the kernel's boot time, which may be corrected by up to a second meanwhile.
            if abs(process.create_time() - self.created) > 1.5 or process.status() == psutil.STATUS_ZOMBIE:
                return None
        except psutil.Error:
            return None
        return process


@dataclass(slots=True)
class ProcessGroup:
    """A running process group. Made by `start`; do not use it after `kill`."""

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
        """Return what is wrong with the group (its leader or one of its forks has ended), or None.

        If the leader replaces its forks, only one that is not replaced in time is wrong; ended ones are removed from
        `members`. Also finds forks that were started since the last call, so call it regularly.
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
        """Send the leader its stop signal. Does not wait. Repeat: sends it again."""
        if not self._leader_ended():
            self.leader.send_signal(self.launch.stop_signal)

    def ended(self) -> bool:
        """Return whether the leader has ended. Its forks may still be running; `kill` ends them."""
        return self._leader_ended()

    def kill(self) -> int:
        """Send SIGKILL to every process of the group and reap the leader; return its exit code.

        The leader is reaped last, so that no other process can get its id while signals are sent.
        """
        family = self._descendants()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        for process in family:
            # Each process of Postgres has its own session, so killpg does not reach it.
            with suppress(psutil.Error):
                process.kill()
        return self.leader.wait()

    def output(self) -> bytes:
        """Return the leader's standard output, at most a pipe's 64 KB; empty without `keep_output`."""
        return self.leader.stdout.read() if self.leader.stdout else b""

    def _leader_ended(self) -> bool:
        if self.leader.returncode is not None:
            return True
        # WNOWAIT: the zombie, and with it the group's id, stays until `kill`.
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def _unreplaced(self, ended: list[Member]) -> str | None:
        """Remove ended forks from `members`; return what is wrong if a fork is still missing after its time."""
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
                    # A leader that replaces its forks may not have reaped the ended one yet.
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
    """Start a process group. Raises OSError if the program does not exist.

    It inherits our output; with `keep_output`, its standard output is kept for `output` instead.
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
    """Become the parent of descendants whose parent dies, instead of init, so that none is lost (Linux only)."""
    if _prctl is not None:
        _prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def kill_orphans(known: set[int]) -> int:
    """Send SIGKILL to our children that are not in `known`, and to their descendants; reap those that have ended.

    Returns the number of such children; call it again until it is 0. Does not wait.
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
    """Return a `preexec_fn` after which the child gets `stop_signal` when we die (on Linux; elsewhere None).

    The child runs it between fork and exec, when subprocess has already changed its user: a later change of user
    would clear the setting.
    """
    if _prctl is None:
        return None
    number, parent, prctl, getppid, leave = int(stop_signal), os.getpid(), _prctl, os.getppid, os._exit

    def request_signal() -> None:
        prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
        # If the parent died before the call, the signal will never be sent.
        if getppid() != parent:
            leave(1)

    return request_signal
