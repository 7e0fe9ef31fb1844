"""One case: arm one process, send the load until the point fires, wait until all is decided, check.

The unarmed worker is paused until then, so that the armed one does the work; it, or the unarmed api, takes over.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from core.crash_points import LEASES, Fault
from db.kv.rounds import Rounds
from ops.up.process import ProcessGroup
from proof.crash import checks
from proof.crash.cases import Case
from proof.crash.client import Client, wait_for_api
from proof.crash.load import Load
from proof.crash.shows import ROWS, forget_cards, make_shows
from proof.crash.system import LANES, LEASE_MS, START_S, System, answered
from proof.kit.waiting import TimedOut, until, within

#: Seconds between two waves of the load: as long as a few dozen operations take.
WAVE_S = 0.3


@dataclass(slots=True)
class Result:
    """The outcome of a case: what was wrong (empty if it passed), bookings requested, seconds taken."""

    case: Case
    wrong: list[str] = field(default_factory=list)
    asked: int = 0
    seconds: float = 0.0


def run(system: System, case: Case, folder: Path, known: set[str], wait_s: float) -> Result:
    """Run one case.

    Args:   folder: for the file in which the armed process notes what it did.  known: violations of earlier cases;
            this case's are added.  wait_s: seconds for the point to fire, and for everything to be decided after it.
    Raises: TimedOut, PostgresUnavailable, RedisUnavailable: a server, which no case touches, does not answer.
    """
    begun = time.monotonic()
    result = Result(case)
    proof = folder / f"{case.point}-{case.fault}"
    proof.unlink(missing_ok=True)
    rounds = Rounds(system.running.redis_url)
    try:
        with system.armed(case, proof) as (group, url):
            load = _load(system, case, rounds, url, wait_s)
            with contextlib.closing(load.client):
                unfinished = list(_send(system, case, load, group, proof, wait_s))
                result.wrong += answered(lambda: list(checks.record(load, system.running.database_url)))
                result.wrong += [*unfinished, *checks.emptied(system.running.redis_url), *checks.outcomes(load)]
                result.wrong += checks.repetition(load)
            result.wrong += _after(case, load, proof)
        result.asked = len(load.asked)
    finally:
        rounds.close()
    result.wrong += answered(lambda: checks.proven(system.running.database_url, known))
    result.wrong += system.ended()
    result.seconds = time.monotonic() - begun
    return result


def _load(system: System, case: Case, rounds: Rounds, url: str, wait_s: float) -> Load:
    """Return the load of the case. An armed api is the first address."""
    shows = answered(lambda: make_shows(system.running.database_url, rounds, LANES))
    armed = [url] if case.process == "api" else []
    urls = [*armed, system.running.base_url]
    for api in urls:
        if not wait_for_api(api, START_S):
            raise TimedOut(f"{api} does not answer.")
    client = Client(urls, system.running.jwt_secret, time.monotonic() + 2 * wait_s)
    return Load(client, shows, LANES, LEASE_MS, rounds)


def _send(system: System, case: Case, load: Load, group: ProcessGroup, proof: Path, wait_s: float) -> Iterator[str]:
    """Send waves until the point fires and one more, then wait until all is decided. Yields what is wrong."""
    silent = case.point in ("stalled lane found", "stalled lane drained")
    worker = case.process == "worker"
    with system.paused("worker") if worker else contextlib.nullcontext(lambda: None) as resume:
        deadline = time.monotonic() + wait_s
        while not _noted(proof, "fired"):
            if time.monotonic() > deadline:
                yield f"{case.point} was not reached {case.nth} times within {wait_s:.0f} s"
                break
            if case.point == "missing card published":
                forget_cards(load.rounds, load.shows, LANES)
            if load.waves < ROWS - 1 and not load.many_wait:
                load.wave(silent=silent)
            within(lambda: _noted(proof, "fired"), WAVE_S)
        resume()
        load.client.deadline = time.monotonic() + wait_s
        load.wave(silent=False)
        if case.fault is Fault.HANG:
            hang_s = LEASES * LEASE_MS / 1000 + wait_s
            until(lambda: _noted(proof, "resumed") or bool(group.look()), hang_s, "The end of the hang")
        yield from load.finish()


def _noted(proof: Path, what: str) -> bool:
    """Return whether the armed process has noted this in its file."""
    return proof.exists() and any(line.startswith(f"{what} ") for line in proof.read_text().splitlines())


def _lives(pid: int) -> bool:
    """Return whether the process runs; one that ended and was not reaped does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _after(case: Case, load: Load, proof: Path) -> Iterator[str]:
    """Yield what is wrong: only `exit` may end the armed process, only `raise` in an api may be answered 500."""
    if proof.exists():
        lives = _lives(int(proof.read_text().split()[1]))
        if lives == (case.fault is Fault.EXIT):
            yield f"the armed {case.process} {'runs, though it should have exited' if lives else 'did not survive'}"
    if load.client.faults and not (case.process == "api" and case.fault is Fault.RAISE):
        yield f"answers of 500 and above, other than 503: {dict(load.client.faults)}"
