"""One run: plan, system, load, nemesis, rest, oracle. Everything it makes lies in one folder."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from core.errors import OnsaleError
from core.local_settings import LocalSettings
from db.postgres import audit
from db.postgres.engine import make_engine, transaction
from ops.up.folders import open_folders, remove
from ops.up.home import kept_secrets
from ops.up.programs import PROJECT
from ops.up.servers import prepare
from proof.chaos import disk, record
from proof.chaos.afterwards import Afterwards, changes_lost_by_wipe, lost_by_wipe, refused, restless
from proof.chaos.ages import Age, Ages
from proof.chaos.bounds import overdue
from proof.chaos.crowd import MOST_UNDER_WAY, Job
from proof.chaos.evidence import TOKEN_HEAD, Evidence, collect
from proof.chaos.nemesis import Fired, Nemesis
from proof.chaos.oracle import Verdict, judge
from proof.chaos.plan import Plan
from proof.chaos.recovery import Stall, stalls
from proof.chaos.scene import HOST, Scene
from proof.chaos.stage import GENERATION_S, HOLD_S, Stage, make_shows
from proof.chaos.system import LANES, STATUS_TTL_S
from proof.chaos.watch import Watch

USERS = 300
#: What a worker of short memory leaves final statuses for, seconds (workers/stores.py).
SHORT_TTL_S = 1.0
CROWD_ENDS_S = 30.0
#: After Redis went back, statuses may be as old as it for a hold's time, or a final status's life.
STALE_S = max(HOLD_S, STATUS_TTL_S) + 10.0


@dataclass
class Result:
    """What a run was and what came of it."""

    plan: Plan
    verdict: Verdict
    evidence: Evidence
    fired: list[Fired]
    stalls: list[Stall]
    #: Of every decision: when its operation was accepted, and when it was recorded.
    waits: list[tuple[float, float]]
    load: dict[str, int]
    seconds: float
    folder: Path
    lags: list[tuple[float, float]]
    samples: list[Age]
    notes: dict[str, int] = field(default_factory=dict)


def run(plan: Plan, folder: Path, say: Callable[[str], None]) -> Result:
    """Do it. Raises: OnsaleError: the system or the load did not start; nothing was judged.

    The folder keeps record and log; the system's data are removed.
    """
    home = (folder / "home").resolve()
    home.mkdir(parents=True)
    servers = tuple(name for name in disk.SERVERS if f"full disk {name}" in plan.drawn)
    prepare(home, choice=LocalSettings.from_env().servers)
    mounted = disk.mount(open_folders(home).data, servers)
    try:
        return asyncio.run(_run(plan, folder, home, say))
    finally:
        disk.unmount(mounted)
        remove(home)
        shutil.rmtree(home, ignore_errors=True)


async def _run(plan: Plan, folder: Path, home: Path, say: Callable[[str], None]) -> Result:
    begun = time.time()
    log = folder / "system.log"
    async with Watch() as watch, Scene(home, log, plan.seed) as scene:
        stage = await make_shows(scene, plan.seconds, plan.steady_rate)
        shows = sum(map(len, stage.groups)) + len(stage.steady)
        say(f"{shows} shows, {len(plan.drawn)} faults drawn; up after {time.time() - begun:.1f} s")
        job = _job(plan, scene, stage, folder / "record.jsonl")
        nemesis = Nemesis(scene, plan, say)
        with Ages(scene.running.redis_url, LANES) as ages:
            load = await _under_load(job, nemesis)
        say("healed; waiting for rest")
        with record.Record(folder / "afterwards.jsonl") as noted:
            evidence = await _afterwards(scene, watch, job, noted, nemesis, log)
        times = await asyncio.to_thread(_decision_times, scene.running.database_url)
    say("judging")
    fired = nemesis.fired
    loaded = [call for call in evidence.calls if call.sent_at < nemesis.ended]
    late = overdue(nemesis.tried, ages.samples, loaded, watch.lags)
    evidence = replace(evidence, overdue=[(each.text, each.at) for each in late])
    waits = [(accepted_ms / 1000, recorded_ms / 1000) for _, accepted_ms, recorded_ms in times]
    return Result(
        plan,
        judge(evidence, fired),
        evidence,
        fired,
        stalls(times),
        waits,
        load,
        time.time() - begun,
        folder,
        watch.lags,
        ages.samples,
        _notes(log),
    )


def _job(plan: Plan, scene: Scene, stage: Stage, path: Path) -> Job:
    """What the crowd is to do: the steady stream's part of the rate, and the mix with the rest."""
    return Job(
        host=HOST, port=scene.port, secret=scene.running.jwt_secret, seed=plan.seed, path=str(path), users=USERS,
        rate=plan.rate - plan.steady_rate, generations=stage.groups, generation_s=GENERATION_S, labels=stage.labels,
        steady_rate=plan.steady_rate, steady=stage.steady, steady_labels=stage.steady_labels,
        token_ttl_s=int(plan.seconds) + 3600,
    )  # fmt: skip


async def _under_load(job: Job, nemesis: Nemesis) -> dict[str, int]:
    """Load and faults at the same time. Returns the load's own counts."""
    crowd = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "proof.chaos.crowd", cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert crowd.stdin is not None
    assert crowd.stdout is not None
    try:
        crowd.stdin.write(job.to_json().encode() + b"\n")
        await crowd.stdin.drain()
        await nemesis.run()
        crowd.stdin.write(b"stop\n")
        async with asyncio.timeout(CROWD_ENDS_S):
            said = await crowd.stdout.readline()
            await crowd.wait()
    finally:
        if crowd.returncode is None:
            crowd.kill()
            await crowd.wait()
    if not said:
        raise OnsaleError("The load failed; its own lines above say why.")
    counts: dict[str, int] = json.loads(said)
    return {**counts, "most_under_way": MOST_UNDER_WAY}


async def _afterwards(
    scene: Scene, watch: Watch, job: Job, noted: record.Record, nemesis: Nemesis, log: Path
) -> Evidence:
    """Rest, repetition of what a wipe lost, last looks, and everything collected."""
    url, wipes = scene.running.database_url, (*nemesis.wipes, *scene.went_back)
    calls = await asyncio.to_thread(record.read, Path(job.path))
    unrest = await restless(scene, watch)
    rested_at = time.time()
    losses: dict[str, Any] = {"wipes": wipes, "ahead": frozenset(scene.ahead), "stale_s": STALE_S}
    evidence = replace(await asyncio.to_thread(collect, url, calls, secrets={}), **losses)
    lost = lost_by_wipe(evidence)
    after = Afterwards(scene, noted, job.seed)
    firsts = {id_: taken[0] for id_, taken in evidence.accepted()}
    missing = [firsts[id_] for id_ in lost if id_ not in evidence.outcomes]
    changes = changes_lost_by_wipe(evidence)
    again = await after.repeat([*missing, *changes])
    unrest += await restless(scene, watch)
    # What Redis said after it went back may be old for a while; then it must be true.
    await asyncio.sleep(max(0.0, evidence.stale_until(0.0) - time.time()))
    await after.look(evidence, lost | {call.booking for call in changes}, watch)
    unrest += await restless(scene, watch)
    secrets = {**asdict(kept_secrets(scene.home)), "a token": TOKEN_HEAD}
    everything = await asyncio.to_thread(
        collect, url, [*calls, *noted.calls], logs=[log], secrets=secrets
    )  # fmt: skip
    short = any(each.fault == "full memory redis" for each in nemesis.fired)
    ttl_s = SHORT_TTL_S if short else STATUS_TTL_S
    return replace(
        everything, **losses, unrefused=tuple(scene.unrefused), restless=unrest, rested_at=rested_at,
        lost_by_wipe=lost, refused_again=refused(again, evidence), status_ttl_s=ttl_s,
    )  # fmt: skip


def _decision_times(database_url: str) -> list[tuple[int, int, int]]:
    engine = make_engine(database_url, pool_size=1, statement_timeout_ms=0, idle_timeout_ms=0)
    try:
        with transaction(engine) as connection:
            return list(audit.decision_times(connection))
    finally:
        engine.dispose()


def _notes(log: Path) -> dict[str, int]:
    """What the log tells that is no violation, and worth a look."""
    text = log.read_text(errors="replace")
    return {what: text.count(what) for what in ("Traceback", "event=lane_stopped", "event=parked", "lane_rescued")}
