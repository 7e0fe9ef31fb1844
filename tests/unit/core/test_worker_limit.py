from __future__ import annotations

import pytest

from core.worker_limit import MOST_WORKERS, most_workers


@pytest.mark.parametrize(
    ("connections", "api_processes", "lanes", "most"),
    [
        (97, 2, 8, 8),  # 97 - 7 spare - 10 of the api: 8 workers of 8 + 2
        (96, 2, 8, 7),
        (97, 2, 78, 1),
        (20, 2, 8, 1),  # never none, whatever is configured
        (10_000, 2, 8, MOST_WORKERS),
    ],
)
def test_workers_are_bounded_by_postgres_connections(
    connections: int, api_processes: int, lanes: int, most: int
) -> None:
    assert most_workers(connections, api_processes, lanes) == most
