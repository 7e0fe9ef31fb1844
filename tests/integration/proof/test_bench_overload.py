"""The bench of overload in a few seconds, on real servers: everything but the times."""

from __future__ import annotations

import pytest

from proof.bench import api_overload, worker_overload
from proof.bench.generator import Generator
from proof.bench.servers import open_servers


@pytest.mark.timeout(180)
def test_overload_fills_the_lanes_refuses_the_rest_and_loses_nothing(monkeypatch):
    # Enough buyers that none of them meets a limit of users (429), however unevenly a busy machine sends.
    for name, value in {"CAP": 40, "BUYERS": 2_000, "SEATS_PER_S": 40, "COMMIT_US": 50_000}.items():
        monkeypatch.setattr(worker_overload, name, value)
    small = {"STEPS": (2, 4), "STEP_S": 0.5, "BEFORE_S": 1, "AFTER_S": 1, "MOST_PER_S": 1_000}
    for name, value in small.items():
        monkeypatch.setattr(api_overload, name, value)
    told: list[str] = []

    with open_servers("wheels", lanes=worker_overload.SHOWS) as servers, Generator() as generator:
        of_workers = worker_overload.overload_workers(servers, generator, 3.0, told.append)
        of_api = api_overload.overload_api(servers, generator, 1.0, told.append)
        delay = servers.execute("SHOW commit_delay", "postgres")

    assert len(of_workers.peaks) == 2
    assert min(of_workers.peaks) > 0
    assert of_workers.codes[503] == len(of_workers.refused_ms) > 0
    assert {202, 503} <= set(of_workers.codes) <= {202, 409, 503}  # 409: a user has all the seats he may have
    assert len(of_workers.late_ms) == of_workers.codes.total()
    assert max(max(each.waiting) for each in of_workers.samples) <= 40
    assert of_workers.accepted >= worker_overload.SHOWS * 40 / 2
    assert (of_workers.lost, of_workers.broken, of_workers.violations) == (0, 0, [])
    assert delay == [("0",)], "the throttle stays in place"
    assert of_api.connections in (10, 20)
    assert set(of_api.codes) <= {202, 503}
    assert of_api.codes.total() > 0
    assert (of_api.broken, of_api.crashed, of_api.violations) == (0, False, [])
    assert of_api.rss_mb > 0
    assert 0 < of_api.memory <= of_api.memory_limit
    assert len(told) >= 6
