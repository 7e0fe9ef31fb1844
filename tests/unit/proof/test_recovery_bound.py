"""The goal "a lane moves again within 5 s of any kill", from its parts at their defaults (docs/reliability.md)."""

from __future__ import annotations

import pytest

from core.settings import Settings
from ops.up import supervised, supervisor
from workers import sweep

GOAL_S = 5.0
#: Seconds, as docs/reliability.md counts them: a batch of 500 entries; what Postgres or Redis itself takes to start.
FULL_BATCH_S, START_S = 0.1, 0.5


@pytest.fixture
def defaults(monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name in ("LEASE_MS", "LANES"):
        monkeypatch.delenv(name, raising=False)
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.setenv(name, "unused://")
    monkeypatch.setenv("JWT_SECRET", "s" * 32)
    return Settings.from_env()


def test_the_longest_stall_after_a_kill_is_below_the_goal(defaults: Settings) -> None:
    restart_s = 2 * supervisor.TICK_S + supervised.FIRST_BACK_OFF_S + START_S
    rescue_s = defaults.lease_ms / 1000 + sweep.TICK_S + 2 * defaults.lanes * FULL_BATCH_S

    assert rescue_s < GOAL_S  # a worker
    assert restart_s < defaults.lease_ms / 1000  # redis: it is back before the lease lapses
    assert restart_s + rescue_s < GOAL_S  # postgres: a drain takes the lease just before it is back
