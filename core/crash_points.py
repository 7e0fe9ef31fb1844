"""Crash points: named places between the steps of the path at which a test lets one process fail, once.

In production nothing is armed, and `point` is an empty call. ONSALE_CRASH arms one point in one process
(core/settings.py reads it); `make crash` arms each of them in turn, and docs/crash.md lists them.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, NamedTuple

from core import logs
from core.errors import ConfigurationError

log = logs.logger(__name__)

#: How long a hang lasts, in lives of a lease: another drain has taken over long before it ends.
LEASES = 4


class Fault(StrEnum):
    """What happens at an armed point."""

    EXIT = "exit"
    RAISE = "raise"
    HANG = "hang"
    LOST = "lost"


#: What each fault means, for docs/crash.md.
FAULTS: dict[Fault, str] = {
    Fault.EXIT: "SIGKILL to itself: nothing is cleaned up, no handler runs.",
    Fault.RAISE: "An unexpected exception.",
    Fault.HANG: f"The thread stops for {LEASES} lives of a lease, then continues: a zombie.",
    Fault.LOST: "The call before the point was carried out, but its caller gets a connection error.",
}


class Point(NamedTuple):
    """One point. `call`: the server whose answer can be lost there; empty if no call has just been made."""

    process: Literal["api", "worker", "scheduler"]
    says: str
    call: Literal["", "Redis", "Postgres", "broker"] = ""


#: Every point, in the order of the path: accept, a round of calls to Redis, drain, expire, sweep.
POINTS: dict[str, Point] = {
    "request validated": Point("api", "The request is validated; nothing has been sent to Redis."),
    "missing card published": Point(
        "api", "The show's missing card is published; the operation is not accepted yet.", "Redis"
    ),
    "operation accepted": Point("api", "accept.lua ran; the doorbell is not rung.", "Redis"),
    "doorbell sent": Point("api", "The doorbell is sent; the sender does not know it yet.", "broker"),
    "before the 202": Point("api", "Accepted, the doorbell on its way; the answer to the client is not written."),
    "calls collected": Point("api", "A round of calls is collected; nothing of it is sent."),
    "calls sent": Point("api", "A round is sent; no reply is read.", "Redis"),
    "replies read": Point("api", "All replies of a round are read; none is handed to its caller."),
    "drain begins": Point("worker", "A drain begins; the lease is not taken."),
    "lease taken": Point("worker", "The lease is taken; the lane's row is not locked.", "Redis"),
    "lane row locked": Point("worker", "The lane's row is locked; its head is not read.", "Postgres"),
    "lane head read": Point("worker", "The lane's head is read; no show is locked.", "Redis"),
    "shows loaded": Point(
        "worker", "The shows are locked, what decide reads is loaded; nothing is decided.", "Postgres"
    ),
    "batch decided": Point("worker", "The batch is decided; nothing is written."),
    "batch recorded": Point("worker", "Everything is written; COMMIT is not sent.", "Postgres"),
    "batch committed": Point("worker", "COMMIT was carried out; the drain does not know it yet.", "Postgres"),
    "before publishing": Point(
        "worker", "The batch is known to be committed; nothing is published, nothing trimmed."
    ),
    "batch published": Point(
        "worker", "finish.lua ran: published and trimmed; the drain does not know it yet.", "Redis"
    ),
    "before waiting": Point("worker", "The lane looked empty; the drain is about to sleep on it."),
    "wait over": Point("worker", "An entry came, or the lease was renewed; the drain does not know it yet.", "Redis"),
    "turn over": Point("worker", "The drain's turn is over; the lease is still its own."),
    "lease released": Point("worker", "The lease is given back; the doorbell for what is left is not sent.", "Redis"),
    "drain over": Point("worker", "The drain is over; the doorbell's message is not acknowledged."),
    "expiry due": Point("scheduler", "It is time to expire holds; nobody is told."),
    "expiry message sent": Point(
        "scheduler", "The message to expire holds is sent; the scheduler does not know it yet.", "broker"
    ),
    "expiry begins": Point("worker", "The message to expire holds has come; nothing is read."),
    "lapsed holds read": Point("worker", "The shows with lapsed holds are read; no Expire is accepted.", "Postgres"),
    "expires accepted": Point("worker", "The shows' Expires are accepted; no doorbell is rung.", "Redis"),
    "expiry over": Point("worker", "Every show's Expire is accepted; the message is not acknowledged."),
    "sweep begins": Point("worker", "The sweeper wakes up; it has not looked at the lanes."),
    "stalled lane found": Point("worker", "A stalled lane is found; its rescue has not begun.", "Redis"),
    "stalled lane drained": Point("worker", "A stalled lane has been drained; its rescue has not ended."),
}


class Injected(RuntimeError):
    """The exception of the fault `raise`. The product does not handle it."""


@dataclass
class _Armed:
    """One fault, which happens once: when its point is reached for the nth time in this process."""

    name: str
    fault: Fault
    nth: int
    proof: str
    hang_s: float
    _reached: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def reach(self, name: str, lost: type[Exception] | None) -> None:
        if name != self.name:
            return
        with self._lock:
            self._reached += 1
            if self._reached != self.nth:
                return
        self._write("fired")
        if self.fault is Fault.EXIT:
            os.kill(os.getpid(), signal.SIGKILL)
        elif self.fault is Fault.HANG:
            time.sleep(self.hang_s)
            self._write("resumed")
        elif self.fault is Fault.LOST and lost is not None:
            raise lost(f"The answer was lost at {name}.")
        else:
            raise Injected(f"A fault was armed at {name}.")

    def _write(self, what: str) -> None:
        """Write one line to the proof, a file outside this process, before the fault happens."""
        file = os.open(self.proof, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(file, f"{what} {os.getpid()} {self.fault} {self.name}\n".encode())
        finally:
            os.close(file)


_armed: _Armed | None = None


def point(name: str, lost: type[Exception] | None = None) -> None:
    """A named place between two steps. Does nothing, unless it is armed in this process.

    Args: lost: what the caller of the call just made sees when its answer is lost; None: no call was made.
    """
    if _armed is not None:
        _armed.reach(name, lost)


def arm(plan: str, lease_s: float) -> None:
    """Arm one point in this process, or none if `plan` is empty. Called by start functions alone.

    Args:   plan: `point:fault:nth:file`; the file gets a line when the point fires.  lease_s: a lease's life.
    Raises: ConfigurationError: there is no such point, or it cannot fail so.
    """
    global _armed
    _armed = None
    if not plan:
        return
    name, fault, nth, proof = (*plan.split(":", 3), "", "", "")[:4]
    if name not in POINTS:
        raise ConfigurationError(f"ONSALE_CRASH: There is no point {name}.")
    if fault not in faults_of(name):
        raise ConfigurationError(
            f"ONSALE_CRASH: {name} knows {', '.join(faults_of(name))}, not {fault or 'nothing'}."
        )
    if not (nth.isdecimal() and int(nth) and proof):
        raise ConfigurationError(
            "ONSALE_CRASH: Must be point:fault:nth:file, such as batch committed:exit:1:/tmp/fired."
        )
    _armed = _Armed(name, Fault(fault), int(nth), proof, LEASES * lease_s)
    log.warning("crash_point_armed", point=name, fault=fault, nth=int(nth))


def faults_of(name: str) -> tuple[Fault, ...]:
    """Return the faults that a point can have: an answer is lost only where a call has just been made."""
    return tuple(fault for fault in Fault if POINTS[name].call or fault is not Fault.LOST)
