"""One case: arm one process, send the load until the point fires, let everything come to rest, check.

The standing worker is paused until then, so that the armed one does the work; it, or the standing api, takes over.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psutil

from core.crash_points import LEASES, Fault
from db.kv.rounds import Rounds
from ops.up.process import ProcessGroup
from proof.crash import checks
from proof.crash.cases import Case
from proof.crash.client import Client, answers
from proof.crash.ground import LANES, LEASE_MS, LOOK_S, START_S, Ground, answered, until
from proof.crash.load import Load
from proof.crash.shows import ROWS, forget_cards, make_shows

#: Seconds between two waves of the load: as long as a few dozen operations take.
WAVE_S = 0.3


@dataclass(slots=True)
class Result:
    """What became of a case: what was wrong (nothing: it is passed), and how long it took."""

    case: Case
    wrong: list[str] = field(default_factory=list)
    asked: int = 0
    seconds: float = 0.0


def run(ground: Ground, case: Case, folder: Path, known: set[str], wait_s: float) -> Result:
    """Run one case.

    Args:   folder: for its proof.  known: violations that are of earlier cases; grows.  wait_s: seconds for the
            point to fire once its process has been started, and for everything to be decided after that.
    Raises: CrashRunFailed, PostgresUnavailable, RedisUnavailable: the servers, which no case touches, do not answer.
    """
    begun = time.monotonic()
    result = Result(case)
    proof = folder / f"{case.point}-{case.fault}"
    proof.unlink(missing_ok=True)
    rounds = Rounds(ground.running.redis_url)
    try:
        with ground.armed(case, proof) as (group, url):
            load = _load(ground, case, rounds, url, wait_s)
            unfinished = list(_play(ground, case, load, group, proof, wait_s))
            result.wrong += answered(lambda: list(checks.record(load, ground.running.database_url)))
            result.wrong += [*unfinished, *checks.emptied(ground.running.redis_url), *checks.outcomes(load)]
            result.wrong += checks.repetition(load)
            result.wrong += _after(case, load, proof)
        result.asked = len(load.asked)
    finally:
        rounds.close()
    result.wrong += answered(lambda: checks.proven(ground.running.database_url, known))
    result.wrong += ground.fallen()
    result.seconds = time.monotonic() - begun
    return result


def _load(ground: Ground, case: Case, rounds: Rounds, url: str, wait_s: float) -> Load:
    """The load of the case: of an api that is armed, everybody asks it first."""
    shows = answered(lambda: make_shows(ground.running.database_url, rounds, LANES))
    armed = [url] if case.process == "api" else []
    if armed:
        until(partial(answers, url), START_S, "The armed api")
    until(partial(answers, ground.running.base_url), START_S, "The standing api")
    deadline = time.monotonic() + 2 * wait_s
    client = Client([*armed, ground.running.base_url], ground.running.jwt_secret, deadline)
    return Load(client, shows, LANES, LEASE_MS, rounds)


def _play(ground: Ground, case: Case, load: Load, group: ProcessGroup, proof: Path, wait_s: float) -> Iterator[str]:
    """Waves until the point fires, one more after it, and then rest. Yields what is wrong."""
    silent = case.point in ("stalled lane found", "stalled lane drained")
    worker = case.process == "worker"
    with ground.paused("worker") if worker else contextlib.nullcontext(lambda: None) as resume:
        deadline = time.monotonic() + wait_s
        while not _told(proof, "fired"):
            if time.monotonic() > deadline:
                yield f"{case.point} was not reached {case.nth} times within {wait_s:.0f} s"
                break
            if case.point == "missing card published":
                forget_cards(load.rounds, load.shows, LANES)
            if load.waves < ROWS - 1:
                load.wave(silent=silent)
            _pause(proof)
        resume()
        load.client.deadline = time.monotonic() + wait_s
        load.wave(silent=False)
        if case.fault is Fault.HANG:
            hang_s = LEASES * LEASE_MS / 1000 + wait_s
            until(lambda: _told(proof, "resumed") or bool(group.look()), hang_s, "The end of the hang")
        yield from load.finish()


def _pause(proof: Path) -> None:
    """Until the next wave, or until the point has fired."""
    deadline = time.monotonic() + WAVE_S
    while time.monotonic() < deadline and not _told(proof, "fired"):
        time.sleep(LOOK_S)


def _told(proof: Path, what: str) -> bool:
    """Whether the armed process has written this into its proof."""
    return proof.exists() and any(line.startswith(f"{what} ") for line in proof.read_text().splitlines())


def _lives(pid: int) -> bool:
    """Whether the process runs; one that ended and was not reaped does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _after(case: Case, load: Load, proof: Path) -> Iterator[str]:
    """Only `exit` may end the process, only `raise` in an api may be answered 500."""
    if proof.exists():
        lives = _lives(int(proof.read_text().split()[1]))
        if lives == (case.fault is Fault.EXIT):
            yield f"the armed {case.process} {'lives, though it was to exit' if lives else 'did not survive'}"
    if load.client.faults and not (case.process == "api" and case.fault is Fault.RAISE):
        yield f"answers that are neither an outcome nor 503: {dict(load.client.faults)}"
