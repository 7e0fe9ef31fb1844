"""`make bench-scale`: does a booking cost the same with 1 show or 10,000, a short queue or a long one, a small
hall or a large one, an empty table of bookings or one with millions of rows?

Operations go straight into the lanes by the real accept script, caps raised; one process drains them. Each
row of steps grows one thing alone; its figure is the most that a larger step costs beside a smaller one. A step that
takes seconds is measured three times, and its median counts.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median

import click
import redis

from bench.command import main, quiet
from bench.drain import empty, fill
from bench.goals import judge
from bench.ground import DATABASE, Ground, open_ground
from bench.halls import label
from bench.report import LATEST
from core import logs
from core.errors import OnsaleError
from core.settings import LocalSettings, Settings
from db import keys
from db.rounds import connection_pool
from local import programs
from local.home import metrics_folder
from local.process import Launch
from workers.stores import open_stores

#: A million queued operations and their statuses need about 2 GB.
MAX_MEMORY = "8gb"
TIMEOUT_S = 1_800.0
#: So often a step is measured that queues no more than so many.
REPEATS, SHORT = 3, 50_000
#: Bookings of a table's history are decided ones of a show that is not sold here.
HISTORY = """
    INSERT INTO bookings (id, show_id, user_id, status, fingerprint, seats, amount_cents, version, last_operation,
                          accepted_at, decided_at, confirmed_at)
    SELECT ('00000001-0000-8000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 1, gen_random_uuid(), 'CONFIRMED', 'f',
           ARRAY['A' || n], 1200, 1, '{"kind": "BOOK"}', now(), now(), now()
      FROM generate_series(1, %d) AS n
"""


@dataclass(frozen=True, slots=True)
class Step:
    """One measurement: so many shows of so many seats, so many queued operations, and earlier bookings."""

    shows: int
    seats: int
    queued: int
    history: int = 0


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
@click.option("--only", default="", help=f"Some rows: {','.join(FULL)}. The others stay as they were found last.")
def grow(quick: bool, only: str) -> None:
    """Measure how the cost of a booking grows; adds P10 to bench/latest.json."""
    rows = QUICK if quick else FULL
    wanted = [name.strip() for name in only.split(",") if name.strip()] or list(rows)
    if unknown := set(wanted) - set(rows):
        raise click.BadParameter(f"no such row: {', '.join(sorted(unknown))}", param_hint="--only")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    found: dict[str, list[float]] = last_rows() if only else {}
    with quiet() as (console, _), open_ground(LocalSettings.from_env().servers) as ground:
        for name in wanted:
            steps = rows[name]
            found[name] = [measure(ground, f"scale_{name}_{number}", step) for number, step in enumerate(steps)]
            told = ", ".join(f"{cost:,.0f}" for cost in found[name])
            console.print(f"{name}: {told} us per booking, growth {growth(found[name]):.2f}", highlight=False)
        value = max(growth(costs) for costs in found.values())
        console.print(f"P10: {value:.2f}", highlight=False)
    keep(value, found)


def growth(costs: Sequence[float]) -> float:
    """The most that a step costs beside a smaller one; 1 if none costs more. The smallest step comes first."""
    return max((late / early for early, late in combinations(costs, 2)), default=1.0)


def last_rows() -> dict[str, list[float]]:
    """What was found last, microseconds per booking by row and step; nothing if nothing was."""
    latest = json.loads(LATEST.read_text()) if LATEST.exists() else {}
    rows: dict[str, list[float]] = latest.get("scale", {}).get("us_per_booking", {})
    return rows


def keep(value: float, found: dict[str, list[float]]) -> None:
    """Put P10 into latest.json, beside what the bench wrote there."""
    latest = json.loads(LATEST.read_text()) if LATEST.exists() else {"goals": {}}
    latest["goals"] |= judge({"scale": [value]})
    latest["scale"] = {"value": value, "us_per_booking": found}
    LATEST.write_text(json.dumps(latest, indent=1) + "\n")


def measure(ground: Ground, template: str, step: Step) -> float:
    """Microseconds of the drain's time per booking."""
    shows = ground.template(template, [step.seats] * step.shows)
    if step.history:
        ground.execute(HISTORY % step.history, template)
        ground.execute("VACUUM (ANALYZE) bookings", template)
    times = REPEATS if step.queued <= SHORT else 1
    costs = [_cost(ground, template, shows, step) for _ in range(times)]
    ground.administer(f"DROP DATABASE {template}")
    return median(costs)


def _cost(ground: Ground, template: str, shows: Sequence[int], step: Step) -> float:
    ground.fresh(template)
    client = redis.Redis(connection_pool=connection_pool(ground.stores.redis_url, socket_timeout_s=5))
    client.config_set("maxmemory", MAX_MEMORY)
    client.close()
    settings = LocalSettings.from_env()
    env = programs.environment(settings, ground.running, metrics_folder(ground.home))
    arguments = (str(shows[0]), str(len(shows)), str(step.queued))
    launch = Launch(
        name="scale",
        command=(sys.executable, "-m", "bench.scale", "drain", *arguments),
        cwd=programs.PROJECT,
        env=env,
    )
    seconds = float(ground.step(launch, TIMEOUT_S))
    [(sold,)] = ground.execute("SELECT sum(sold)::bigint FROM shows", DATABASE)
    if sold != step.queued:
        raise OnsaleError(f"{sold} seats are sold, not {step.queued}.")
    return seconds / step.queued * 1e6


def drain_all(first_show: int, shows: int, queued: int) -> float:
    """Fill the lanes, show after show in turn, then empty lane after lane; seconds of the emptying."""
    settings = Settings.from_env()
    logs.configure(process="scale", json=False, level="WARNING")
    stores = open_stores(settings)

    def picks() -> Iterator[tuple[int, str]]:
        for number in range(queued):
            yield first_show + number % shows, label(number // shows)

    fill(stores, picks())
    begun = time.perf_counter()
    for lane in range(settings.lanes):
        if stores.client.exists(keys.lane(lane)):
            empty(stores, lane, "published")
    seconds = time.perf_counter() - begun
    stores.close()
    return seconds


if __name__ == "__main__":
    if sys.argv[1:2] == ["drain"]:  # the process that drains: FIRST_SHOW SHOWS QUEUED; it prints seconds
        print(drain_all(*map(int, sys.argv[2:])))
    else:
        main(grow)
