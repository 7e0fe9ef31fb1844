"""Contender pgbench: the transaction of sql/booking.sql, the best of 1, 4 and 16 clients."""

from __future__ import annotations

import os
import re
from pathlib import Path

from core.local_settings import LocalSettings
from ops.up.binaries import find_postgres
from ops.up.postgres import USER
from ops.up.process import Launch
from proof.bench.halls import ROW
from proof.bench.servers import DATABASE, BenchFailed, Servers
from proof.bench.sql.tables import SOLD

SCRIPT = Path(__file__).parent / "sql" / "booking.sql"
CLIENTS = (1, 4, 16)
TIMEOUT_S = 120.0


def best(servers: Servers, template: str, count: int) -> tuple[float, int]:
    """Return the best rate in transactions per second, and its number of clients. Each has a fresh database."""
    found = []
    for clients in CLIENTS:
        servers.fresh(template)
        found.append((_run(servers, servers.shows[template][0], clients, count // clients), clients))
    return max(found)


def _run(servers: Servers, show_id: int, clients: int, each: int) -> float:
    """Run `each` transactions per client, all of which book. Returns transactions per second."""
    pgbench = find_postgres(LocalSettings.from_env().servers).beside("pgbench")
    host = re.search(r"host=([^&]+)", servers.stores.database_url)
    if host is None or not pgbench.is_file():
        raise BenchFailed("pgbench, or the socket of Postgres, was not found.")
    values = {"show": show_id, "per_client": each, "done": 0, "row": ROW}
    # fmt: off
    command = (
        str(pgbench), "--host", host[1], "--port", "5432", "--username", USER,
        "--no-vacuum", "--protocol", "prepared", "--client", str(clients), "--jobs", str(min(2, clients)),
        "--transactions", str(each), "--file", str(SCRIPT),
        *(f"--define={name}={value}" for name, value in values.items()),
        DATABASE,
    )
    # fmt: on
    launch = Launch(name="pgbench", command=command, cwd=Path("/"), env={"LC_ALL": "C", "PATH": os.defpath})
    rate = tps(servers.step(launch, TIMEOUT_S).decode())
    [(sold,)] = servers.execute(SOLD)
    if sold != clients * each:
        raise BenchFailed(f"pgbench: {sold} seats are sold, not {clients * each}.")
    return rate


def tps(report: str) -> float:
    """Return the transactions per second in pgbench's report. Raises BenchFailed."""
    found = re.search(r"tps = ([0-9.]+)", report)
    if found is None:
        raise BenchFailed(f"pgbench reported no rate: {report[-500:]}")
    return float(found[1])
