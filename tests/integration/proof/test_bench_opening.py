"""The bench of an opening in a second, on real servers: everything but the times."""

from __future__ import annotations

import pytest

from proof.bench import opening


@pytest.mark.timeout(180)
def test_an_opening_is_sold_and_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    small = {"SECONDS": 0.5, "WARM_UP_S": 0.3, "OTHER_SEATS": 2_000, "MOST_PER_S": 2_000, "CONNECTIONS": 4}
    for name, value in small.items():
        monkeypatch.setattr(opening, name, value)
    told: list[str] = []

    [found] = opening.measure([3_000], told.append)

    assert set(found.codes) == {202}
    assert found.outcomes == {"CONFIRMED": 10}
    assert found.looks > 0
    for latencies in (found.first_ms, found.warm_ms, found.making_ms, found.looking_ms, found.other_ms):
        assert latencies
    assert found.best_ms > 0
    assert min(found.api_mb) > 0
    assert min(found.worker_mb) > 0
    assert len(told) == 2
