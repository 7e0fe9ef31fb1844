"""The nemesis on a simulated clock: every drawn fault has its turn in time, however slowly the system heals."""

from __future__ import annotations

import asyncio
import random
import selectors
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from proof.chaos import nemesis
from proof.chaos.faults import FAULTS, WIPE, Fault
from proof.chaos.nemesis import Fired, Nemesis
from proof.chaos.plan import ATTEMPTS, Steps, make_plan


class FastLoop(asyncio.SelectorEventLoop):
    """A loop whose clock jumps to the next timer instead of waiting for it."""

    def __init__(self) -> None:
        super().__init__(Jumping())

    def time(self) -> float:
        return self._selector.now  # type: ignore[attr-defined,no-any-return]


class Jumping(selectors.DefaultSelector):
    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:  # a thread is at work
            return super().select()
        self.now += max(timeout, 0.0)
        return super().select(0)


class StillScene:
    """A system that never recovers: its lanes stay stalled."""

    def lanes(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(oldest_age_ms=60_000)]

    async def answers(self) -> bool:
        return False


def slow(fault: Fault, fires_at: int = 1) -> Fault:
    """Return the fault, taking all the time that it may. It fires from the `fires_at`th try on."""
    tries = 0

    @asynccontextmanager
    async def harm(_deployment: Any, _draws: random.Random) -> AsyncIterator[str]:
        nonlocal tries
        tries += 1
        await asyncio.sleep(fault.takes_s)
        yield "done" if tries >= fires_at else ""

    return replace(fault, harm=harm)


def fired(
    minutes: float, seed: int, monkeypatch: pytest.MonkeyPatch, **late: int
) -> tuple[Nemesis, float, list[str]]:
    """Run a whole plan; return the nemesis, the seconds it took on its clock, and what it printed."""
    plan, said = make_plan(minutes, seed, 300), []
    faults = {name: slow(each, late.get(name.replace(" ", "_"), 1)) for name, each in FAULTS.items()}

    async def wipe(self: Nemesis) -> None:
        self.fired.append(Fired(WIPE, "", 0.0, 0.0, combined=False))

    monkeypatch.setattr(nemesis, "FAULTS", faults)
    monkeypatch.setattr(Nemesis, "_wipe", wipe)
    monkeypatch.setattr(Steps, "_seconds", lambda _self, _name: 10.0)
    harmer = Nemesis(StillScene(), plan, said.append)  # type: ignore[arg-type]
    with asyncio.Runner(loop_factory=FastLoop) as runner:
        runner.run(harmer.run())
        return harmer, runner.get_loop().time(), said


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_drawn_fault_fires_within_ten_minutes_although_nothing_ever_heals(seed, monkeypatch):
    harmer, seconds, _ = fired(10, seed, monkeypatch)

    assert {each.fault for each in harmer.fired} == set(make_plan(10, seed, 300).drawn)
    assert 600 <= seconds < 601 + max(each.takes_s for each in FAULTS.values()) + 10


def test_three_seeds_fire_every_fault_together(monkeypatch):
    runs = [fired(10, seed, monkeypatch)[0] for seed in (1, 2, 3)]

    assert {each.fault for run in runs for each in run.fired} == {*FAULTS, WIPE}


def test_a_fault_that_found_nothing_to_do_is_told_and_tried_again(monkeypatch):
    harmer, _, said = fired(30, 2, monkeypatch, kill_postgres_backend=2)

    assert "kill postgres backend" in {each.fault for each in harmer.fired}
    assert any("kill postgres backend did not fire" in line for line in said)


def test_a_fault_that_never_fires_is_given_up(monkeypatch):
    monkeypatch.setattr(nemesis, "CALM_WITHIN_S", 0.0)
    harmer, _, said = fired(10, 2, monkeypatch, kill_postgres_backend=1_000_000)

    assert "kill postgres backend" not in {each.fault for each in harmer.fired}
    assert len([line for line in said if "kill postgres backend did not fire" in line]) >= ATTEMPTS
