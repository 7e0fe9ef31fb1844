"""`make bench-scale`: does a booking cost the same with 1 show or 10,000, a short queue or a long one, a small
hall or a large one, an empty table of bookings or one with millions of rows?

The real accept script puts operations into the lanes, with a raised cap; one process, set up like a worker, drains
them. Each row of steps grows one thing only; its figure is the worst ratio of a larger step's cost to a smaller
one's.

CPU is judged: of the drain, Postgres and Redis together. Time is only reported, since it depends on what else the
machine and its disk do: the same step took 312 us once and 135 us minutes later, at 141 and 133 us of CPU.
The steps of a row are measured in turn, and the median of each counts. A step sells at least MEASURED bookings, if it
has the seats: a shorter queue is filled and drained several times.

Before the clock starts, the same process drains WARM_UP bookings of other shows, one show per lane, so that no step
pays for what happens once: the connections, the first reads of the lanes' journals, the six executions after which
psycopg prepares a statement and the five after which Postgres keeps its plan, and the plan of the hall, which these
shows share (100,000 seats: 0.1 s, once per worker). A short step would pay for all that with few bookings; since the
others are compared with it, cold costs would hide growth.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from statistics import median

import click
import redis

from core import gc_tuning, logs
from core.errors import OnsaleError
from core.local_settings import LocalSettings
from core.settings import Settings
from db.kv import keys
from db.kv.rounds import connection_pool
from ops.up import programs
from ops.up.home import metrics_folder
from ops.up.process import Launch
from proof.bench.command import main
from proof.bench.cpu import tree_s
from proof.bench.drain import empty, fill
from proof.bench.goals import judge
from proof.bench.halls import label
from proof.bench.report import LATEST, last_report, write_document
from proof.bench.servers import DATABASE, Servers, open_servers
from proof.bench.sql.tables import HISTORY, SOLD
from proof.kit.output import quiet
from workers.stores import open_stores

#: A million queued operations and their statuses need about 2 GB.
MAX_MEMORY = "8gb"
TIMEOUT_S = 1_800.0
#: How often a step is measured whose queue is at most SHORT operations long; longer ones are measured once.
REPEATS, SHORT = 3, 50_000
#: Least bookings that a step sells, if it has the seats; its queue is filled as often as that takes.
MEASURED = 10_000
#: Bookings before the clock starts, and the least seats of the halls that they are for.
WARM_UP, WARM_SEATS = 8_000, 1_000


@dataclass(frozen=True, slots=True)
class Step:
    """One measurement: the number of shows, seats of each, operations in the queue, and earlier bookings."""

    shows: int
    seats: int
    queued: int
    history: int = 0

    @property
    def fillings(self) -> int:
        """How often its queue is filled and drained in one measurement."""
        return max(1, min(MEASURED, self.shows * self.seats) // self.queued)


@dataclass(frozen=True, slots=True)
class Cost:
    """Microseconds per booking: CPU of the drain and the servers, and time."""

    cpu_us: float
    time_us: float


#: What grows, from the smallest step to the largest. Every step has a seat for each operation.
FULL: dict[str, list[Step]] = {
    "shows": [Step(1, 20_000, 20_000), Step(100, 200, 20_000), Step(10_000, 20, 20_000)],
    "queue": [Step(10, 100_000, 1_000), Step(10, 100_000, 50_000), Step(10, 100_000, 1_000_000)],
    "seats": [Step(20, 1_000, 10_000), Step(20, 10_000, 10_000), Step(20, 100_000, 10_000)],
    "history": [Step(1, 20_000, 20_000), Step(1, 20_000, 20_000, 1_000_000), Step(1, 20_000, 20_000, 10_000_000)],
}
QUICK: dict[str, list[Step]] = {
    "shows": [Step(1, 5_000, 5_000), Step(100, 50, 5_000), Step(1_000, 5, 5_000)],
    "queue": [Step(10, 2_000, 1_000), Step(10, 2_000, 20_000)],
    "seats": [Step(20, 250, 5_000), Step(20, 5_000, 5_000)],
    "history": [Step(1, 5_000, 5_000), Step(1, 5_000, 5_000, 200_000)],
}  # fmt: skip


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--quick", is_flag=True, help="Smaller steps.")
@click.option("--only", default="", help=f"Only these rows: {','.join(FULL)}. The others keep their last result.")
def grow(quick: bool, only: str) -> None:
    """Measure how the cost of a booking grows; adds it to proof/bench/latest.json."""
    rows = QUICK if quick else FULL
    wanted = [name.strip() for name in only.split(",") if name.strip()] or list(rows)
    if unknown := set(wanted) - set(rows):
        raise click.BadParameter(f"no such row: {', '.join(sorted(unknown))}", param_hint="--only")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    found = last_rows() if only else {}
    with quiet("bench") as (console, _), open_servers(LocalSettings.from_env().servers) as servers:
        for name in wanted:
            found[name] = measure(servers, name, rows[name])
            for what, costs in (("CPU", cpu_of(found[name])), ("time", [cost.time_us for cost in found[name]])):
                steps = ", ".join(f"{cost:,.0f}" for cost in costs)
                text = f"{name}: {steps} us of {what} per booking, growth {growth(costs):.2f}"
                console.print(text, highlight=False)
        value = max(growth(cpu_of(costs)) for costs in found.values())
        console.print(f"worst growth: {value:.2f}", highlight=False)
    keep(value, found)
    if not (quick or only) and (report := last_report()):
        write_document(report)


def cpu_of(costs: Sequence[Cost]) -> list[float]:
    """Return the CPU of each step, which is what is judged."""
    return [cost.cpu_us for cost in costs]


def growth(costs: Sequence[float]) -> float:
    """Return the worst ratio of a step's cost to a smaller step's; 1 for one step. `costs`: smallest step first."""
    return max((late / early for early, late in combinations(costs, 2)), default=1.0)


def last_rows() -> dict[str, list[Cost]]:
    """Return the last costs in latest.json, by row and step; {} if there are none."""
    latest = json.loads(LATEST.read_text()) if LATEST.exists() else {}
    rows = latest.get("scale", {}).get("costs", {})
    return {name: [Cost(**cost) for cost in costs] for name, costs in rows.items()}


def keep(value: float, found: dict[str, list[Cost]]) -> None:
    """Write the growth into latest.json, next to the bench's results."""
    latest = json.loads(LATEST.read_text()) if LATEST.exists() else {"goals": {}}
    latest["goals"] |= judge({"scale": [value]})
    costs = {name: [asdict(cost) for cost in costs] for name, costs in found.items()}
    latest["scale"] = {"value": value, "costs": costs}
    LATEST.write_text(json.dumps(latest, indent=1) + "\n")


def measure(servers: Servers, row: str, steps: Sequence[Step]) -> list[Cost]:
    """Measure the steps of a row in turn, and return the cost of each."""
    for number, step in enumerate(steps):
        template = f"scale_{row}_{number}"
        halls = [step.seats] * step.shows + [max(step.seats, WARM_SEATS)] * servers.lanes
        servers.template(template, halls)
        if step.history:
            servers.execute(HISTORY % step.history, template)
            servers.execute("VACUUM (ANALYZE) bookings", template)
    costs: list[list[Cost]] = [[] for _ in steps]
    for repeat in range(REPEATS):
        for number, step in enumerate(steps):
            if repeat == 0 or step.queued <= SHORT:
                costs[number].append(_cost(servers, f"scale_{row}_{number}", step))
    for number in range(len(steps)):
        servers.administer(f"DROP DATABASE scale_{row}_{number}")
    return [Cost(median(cost.cpu_us for cost in of), median(cost.time_us for cost in of)) for of in costs]


def _cost(servers: Servers, template: str, step: Step) -> Cost:
    servers.fresh(template)
    client = redis.Redis(connection_pool=connection_pool(servers.stores.redis_url, socket_timeout_s=5))
    client.config_set("maxmemory", MAX_MEMORY)
    client.close()
    settings = LocalSettings.from_env()
    env = programs.environment(settings, servers.running, metrics_folder(servers.home))
    pids = [servers.groups[name].pid for name in ("postgres", "redis") if name in servers.groups]
    arguments = (servers.shows[template][0], step.shows, step.queued, step.fillings, *pids)
    launch = Launch(
        name="scale",
        command=(sys.executable, "-m", "proof.bench.scale", "drain", *map(str, arguments)),
        cwd=programs.PROJECT,
        env=env,
    )
    cpu_s, time_s = map(float, servers.step(launch, TIMEOUT_S).split())
    bookings = step.queued * step.fillings
    [(sold,)] = servers.execute(SOLD, DATABASE)
    if sold != bookings + WARM_UP:
        raise OnsaleError(f"{sold} seats are sold, not {bookings + WARM_UP}.")
    return Cost(cpu_s / bookings * 1e6, time_s / bookings * 1e6)


def drain_all(first_show: int, shows: int, queued: int, fillings: int, *servers: int) -> tuple[float, float]:
    """Warm up; then fill the lanes, with shows in turn, and drain lane after lane, `fillings` times.

    Returns the seconds of draining: CPU of this process and of the servers (process ids), and time.
    """
    settings = Settings.from_env()
    logs.configure(process="scale", json=False, level="WARNING")
    gc_tuning.settle()
    stores = open_stores(settings)

    def sell(first_show: int, shows: int, first: int, count: int) -> tuple[float, float]:
        numbers = range(first, first + count)
        fill(stores, ((first_show + number % shows, label(number // shows)) for number in numbers), first=first)
        cpu_s, begun = _cpu_s(servers), time.perf_counter()
        for lane in range(settings.lanes):
            if stores.client.exists(keys.lane(lane)):
                empty(stores, lane, "published")
        return _cpu_s(servers) - cpu_s, time.perf_counter() - begun

    sell(first_show + shows, settings.lanes, 0, WARM_UP)
    times = [sell(first_show, shows, number * queued, queued) for number in range(fillings)]
    stores.close()
    return sum(cpu_s for cpu_s, _ in times), sum(time_s for _, time_s in times)


def _cpu_s(servers: Sequence[int]) -> float:
    return time.process_time() + sum(map(tree_s, servers))


if __name__ == "__main__":
    if sys.argv[1:2] == ["drain"]:  # the process that drains: FIRST_SHOW SHOWS QUEUED FILLINGS SERVER...
        print(*drain_all(*map(int, sys.argv[2:])))
    else:
        main(grow)
