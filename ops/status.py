"""`onsale status`: the processes of a running `onsale up`, its lanes, and the seats of its upcoming shows.

For a system that was started otherwise (compose; addresses from the environment), it shows only lanes and seats. It
is called often, so it reads the shows' counters, and neither seats nor bookings.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from core.errors import OnsaleError
from db import installation
from db.kv import lanes
from db.kv.rounds import Rounds
from db.postgres import shows
from db.postgres.engine import make_engine, transaction
from ops.up.control import ask
from ops.up.home import is_locked
from ops.up.running import RunningSystem, find_running

Row = dict[str, Any]


def show(home: Path, *, as_json: bool) -> None:
    """Print the status of this home's system; for a store that is unavailable, print the error instead.

    Raises ConfigurationError if there is no system, or its `onsale up` does not answer.
    """
    processes: list[Row] = ask(home, {"do": "status"})["processes"] if is_locked(home) else []
    found = {"processes": processes, **stores(find_running(home))}
    if as_json:
        print(json.dumps(found))
        return
    console = Console()
    if processes:
        console.print(_processes(processes))
    console.print(_lanes(found["lanes"]))
    console.print(_seats(found["seats"]))


def stores(where: RunningSystem) -> dict[str, Any]:
    """Return the lanes and the seats by state, or the error's text for a store that is unavailable."""
    return {"lanes": _or_error(lambda: _read_lanes(where)), "seats": _or_error(lambda: _read_seats(where))}


def _read_lanes(where: RunningSystem) -> list[Row]:
    rounds = Rounds(where.redis_url)
    try:
        kept = installation.published(rounds)
        if kept is None:
            return []
        states = lanes.overview(rounds.call(lanes.overview_commands(kept.lanes), writes=False))
        return [{name: value for name, value in asdict(state).items() if name != "meter"} for state in states]
    finally:
        rounds.close()


def _read_seats(where: RunningSystem) -> dict[str, int]:
    engine = make_engine(where.database_url, pool_size=1, writes=False)
    try:
        with transaction(engine) as connection:
            return shows.count_upcoming(connection)
    finally:
        engine.dispose()


def _or_error(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except OnsaleError as error:
        return str(error)


def _processes(rows: list[Row]) -> Table:
    table = Table("process", "state", "pids", "restarts", "in state for", title="Processes", title_justify="left")
    for row in rows:
        pids = " ".join(map(str, row["pids"]))
        table.add_row(row["name"], row["state"], pids, str(row["restarts"]), _duration_since(row["since"]))
    return table


def _lanes(rows: list[Row] | str) -> Table | str:
    if isinstance(rows, str):
        return f"Lanes: {rows}"
    table = Table("lane", "depth", "oldest", "drained by", "decided/s", title="Lanes", title_justify="left")
    for row in rows:
        oldest = f"{row['oldest_age_ms'] / 1000:.1f} s" if row["depth"] else ""
        table.add_row(str(row["lane"]), str(row["depth"]), oldest, row["drained_by"] or "none", f"{row['rate']:.0f}")
    return table


def _seats(counts: dict[str, int] | str) -> Table | str:
    if isinstance(counts, str):
        return f"Seats: {counts}"
    table = Table("state", "seats", title="Seats of upcoming shows", title_justify="left")
    for state, count in counts.items():
        table.add_row(state, str(count))
    return table


def _duration_since(since: str) -> str:
    seconds = int((datetime.now(UTC) - datetime.fromisoformat(since)).total_seconds())
    minutes, seconds = divmod(max(seconds, 0), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"
