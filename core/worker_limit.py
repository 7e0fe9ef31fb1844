"""How many workers a Postgres bears: each worker keeps a connection for every lane that it drains."""

from __future__ import annotations

#: Max workers of one supervisor, whatever Postgres allows.
MOST_WORKERS = 64
#: Connections of an api process, and those of a worker beside one per lane (its sweeper, its expiry runs).
PER_API_PROCESS, PER_WORKER = 5, 2
#: Left for commands, such as verify and status, and for an operator's psql.
SPARE = 7


def most_workers(connections: int, api_processes: int, lanes: int) -> int:
    """Return for how many workers that drain all lanes at once the connections suffice: 1 to MOST_WORKERS.

    Args: connections: how many Postgres allows to those that are not superusers.
    """
    left = connections - SPARE - api_processes * PER_API_PROCESS
    return max(1, min(MOST_WORKERS, left // (lanes + PER_WORKER)))
