"""One run: start the system, run load and nemesis, wait for rest, let the oracle judge."""

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
from ops.up.servers import prepare_servers
from proof.chaos import disk, record
from proof.chaos.afterwards import Afterwards, changes_lost_by_wipe, lost_by_wipe, refused, wait_for_rest
from proof.chaos.ages import Age, Ages
from proof.chaos.bounds import overdue
from proof.chaos.deployment import HOST, Deployment
from proof.chaos.evidence import TOKEN_HEAD, Evidence, collect
from proof.chaos.harness_lag import HarnessLag
from proof.chaos.job import Job
from proof.chaos.load import MOST_UNDER_WAY
from proof.chaos.nemesis import Fired, Nemesis
from proof.chaos.oracle import Verdict, judge
from proof.chaos.plan import Plan
from proof.chaos.recovery import Stall, stalls
from proof.chaos.run_shows import GENERATION_S, HOLD_S, RunShows, make_shows
from proof.chaos.system import LANES, STATUS_TTL_S

USERS = 300
#: Seconds for which final statuses stay in Redis when it is short of memory (workers/stores.py).
SHORT_TTL_S = 1.0
#: Seconds for the load to end after it was told to stop.
LOAD_ENDS_S = 30.0
#: Seconds for which statuses may be stale after Redis was set back: the life of a hold or a final status, and more.
STALE_S = max(HOLD_S, STATUS_TTL_S) + 10.0


@dataclass
class Result:
    """A run: its plan, what happened, and the verdict."""

    plan: Plan
    verdict: Verdict
    evidence: Evidence
    fired: list[Fired]
    stalls: list[Stall]
    #: (accepted, recorded) of every decision, in seconds since 1970.
    waits: list[tuple[float, float]]
    load: dict[str, int]
    seconds: float
    folder: Path
    lags: list[tuple[float, float]]
    samples: list[Age]
    notes: dict[str, int] = field(default_factory=dict)


def run(plan: Plan, folder: Path, say: Callable[[str], None]) -> Result:
    """Carry out a run. The folder keeps the record and the log; the system's data are removed.

    Raises: OnsaleError: the system or the load did not start, and nothing was judged.
    """
    home = (folder / "home").resolve()
    home.mkdir(parents=True)
    servers = tuple(name for name in disk.SERVERS if f"full disk {name}" in plan.drawn)
    prepare_servers(home, choice=LocalSettings.from_env().servers)
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
    async with HarnessLag() as watch, Deployment(home, log, plan.seed) as deployment:
        shows = await make_shows(deployment, plan.seconds, plan.steady_rate)
        count = sum(map(len, shows.groups)) + len(shows.steady)
        say(f"{count} shows, {len(plan.drawn)} faults selected; started in {time.time() - begun:.1f} s")
        job = _job(plan, deployment, shows, folder / "record.jsonl")
        nemesis = Nemesis(deployment, plan, say)
        with Ages(deployment.running.redis_url, LANES) as ages:
            load = await _under_load(job, nemesis)
        say("all faults healed; waiting for the system to come to rest")
        with record.Record(folder / "afterwards.jsonl") as noted:
            evidence = await _afterwards(deployment, watch, job, noted, nemesis, log)
        times = await asyncio.to_thread(_decision_times, deployment.running.database_url)
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


def _job(plan: Plan, deployment: Deployment, shows: RunShows, path: Path) -> Job:
    """Return the load's parameters: the steady stream gets its part of the rate, the mix the rest."""
    return Job(
        host=HOST, port=deployment.port, secret=deployment.running.jwt_secret, seed=plan.seed, path=str(path),
        users=USERS, rate=plan.rate - plan.steady_rate, generations=shows.groups, generation_s=GENERATION_S,
        labels=shows.labels, premium=shows.premium, admin=shows.admin,
        steady_rate=plan.steady_rate, steady=shows.steady, steady_labels=shows.steady_labels,
        token_ttl_s=int(plan.seconds) + 3600,
    )  # fmt: skip


async def _under_load(job: Job, nemesis: Nemesis) -> dict[str, int]:
    """Run load and faults at the same time. Returns the load's own counts."""
    load = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "proof.chaos.load", cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert load.stdin is not None
    assert load.stdout is not None
    try:
        load.stdin.write(job.to_json().encode() + b"\n")
        await load.stdin.drain()
        await nemesis.run()
        load.stdin.write(b"stop\n")
        async with asyncio.timeout(LOAD_ENDS_S):
            said = await load.stdout.readline()
            await load.wait()
    finally:
        if load.returncode is None:
            load.kill()
            await load.wait()
    if not said:
        raise OnsaleError("The load failed; its output above says why.")
    counts: dict[str, int] = json.loads(said)
    return {**counts, "most_under_way": MOST_UNDER_WAY}


async def _afterwards(
    deployment: Deployment, watch: HarnessLag, job: Job, noted: record.Record, nemesis: Nemesis, log: Path
) -> Evidence:
    """Wait for rest, repeat what a wipe lost, read every outcome again, and collect the evidence."""
    url, wipes = deployment.running.database_url, (*nemesis.wipes, *deployment.went_back)
    calls = await asyncio.to_thread(record.read, Path(job.path))
    after = Afterwards(deployment, noted, job.seed)
    await after.leave()
    unfinished = await wait_for_rest(deployment, watch)
    rested_at = time.time()
    losses: dict[str, Any] = {"wipes": wipes, "ahead": frozenset(deployment.ahead), "stale_s": STALE_S}
    evidence = replace(await asyncio.to_thread(collect, url, calls, secrets={}), **losses)
    lost = lost_by_wipe(evidence)
    firsts = {id_: taken[0] for id_, taken in evidence.accepted()}
    missing = [firsts[id_] for id_ in lost if id_ not in evidence.outcomes]
    changes = changes_lost_by_wipe(evidence)
    again = await after.repeat([*missing, *changes])
    await after.leave()
    unfinished += await wait_for_rest(deployment, watch)
    # Statuses may be stale for a while after Redis was set back; after that they must be right.
    await asyncio.sleep(max(0.0, evidence.stale_until(0.0) - time.time()))
    await after.look(evidence, lost | {call.booking for call in changes}, watch)
    unfinished += await wait_for_rest(deployment, watch)
    secrets = {**asdict(kept_secrets(deployment.home)), "a token": TOKEN_HEAD}
    everything = await asyncio.to_thread(
        collect, url, [*calls, *noted.calls], logs=[log], secrets=secrets
    )  # fmt: skip
    short = any(each.fault == "full memory redis" for each in nemesis.fired)
    ttl_s = SHORT_TTL_S if short else STATUS_TTL_S
    return replace(
        everything, **losses, unrefused=tuple(deployment.unrefused), unfinished=unfinished, rested_at=rested_at,
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
    """Count the events in the log that are no violations, but worth checking."""
    text = log.read_text(errors="replace")
    return {what: text.count(what) for what in ("Traceback", "event=lane_stopped", "event=parked", "lane_rescued")}
