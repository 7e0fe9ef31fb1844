"""The command `onsale rush`: options, output and exit codes, without a server."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from ops.rush import command
from ops.rush.figures import Figures, Tally
from ops.rush.plan import Mix, Plan


class Stage:
    """A fake running system, rush and verify."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.plans: list[Plan] = []
        self.homes: list[Path | None] = []
        self.verified: list[str] = []
        self.tally = Tally(1)
        self.tally.refused["sold_out"] += 1
        self.base_url = "http://127.0.0.1:8000"
        self.violations: list[str] = []
        running, verify = ModuleType("ops.up.running"), ModuleType("ops.verify")
        running.find_running = self.find_running  # type: ignore[attr-defined]
        verify.verify = self.verify  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "ops.up.running", running)
        monkeypatch.setitem(sys.modules, "ops.verify", verify)
        monkeypatch.setattr(command, "run_rush", self.run_rush)

    def find_running(self, home: Path | None = None) -> SimpleNamespace:
        self.homes.append(home)
        return SimpleNamespace(database_url="postgresql://db", jwt_secret="s" * 32, base_url=self.base_url)

    def verify(self, database_url: str) -> SimpleNamespace:
        self.verified.append(database_url)
        return SimpleNamespace(violations=self.violations)

    async def run_rush(self, plan: Plan, watch: object = None) -> Figures:
        self.plans.append(plan)
        return Figures.of(self.tally, seed=plan.seed, show_id=7)

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(command.rush, arguments)


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(monkeypatch)


def test_options_become_the_plan(stage: Stage) -> None:
    words = (
        "--buyers 9 --show 3 --mix best=1 --group 2-4 --ramp 1.5 --holds 0.5 --connections 3 --seed 11 --timeout 9"
    )

    result = stage.run(*words.split(), "--home", "somewhere")

    assert result.exit_code == 0, result.output
    assert stage.homes == [Path("somewhere")]
    (plan,) = stage.plans
    assert (plan.buyers, plan.show_id, plan.mix, plan.group) == (9, 3, Mix(0, 0, 1), (2, 4))
    assert (plan.ramp_s, plan.holds, plan.connections, plan.seed, plan.timeout_s) == (1.5, 0.5, 3, 11, 9)


def test_by_default_2500_buyers_want_a_thousand_seats(stage: Stage) -> None:
    stage.run()

    (plan,) = stage.plans
    assert (plan.buyers, plan.show_id, plan.seats, plan.mix) == (2500, None, 1000, Mix())
    assert stage.verified == ["postgresql://db"]


def test_json_is_one_object_with_the_seed(stage: Stage) -> None:
    result = stage.run("--json")

    assert json.loads(result.stdout)["seed"] == stage.plans[0].seed
    assert json.loads(result.stdout)["refused"] == {"sold_out": 1}


def test_what_verify_finds_is_added_and_is_a_failure(stage: Stage) -> None:
    stage.violations = ["seat A1 belongs to two"]

    result = stage.run("--json")

    assert result.exit_code == 1
    assert json.loads(result.stdout)["violations"] == 1
    assert json.loads(result.stdout)["found"] == ["verify: seat A1 belongs to two"]


def test_no_verify_does_not_verify(stage: Stage) -> None:
    assert stage.run("--no-verify").exit_code == 0
    assert stage.verified == []


def test_an_undecided_request_is_a_failure(stage: Stage) -> None:
    stage.tally.buyers = 2
    stage.tally.accept(0, 0, 1)

    assert stage.run("--no-verify").exit_code == 1


def test_another_machine_is_refused_without_anywhere(stage: Stage) -> None:
    stage.base_url = "http://10.1.2.3:8000"

    refused, allowed = stage.run(), stage.run("--anywhere")

    assert refused.exit_code == 1
    assert "--anywhere" in refused.stderr
    assert allowed.exit_code == 0
    assert len(stage.plans) == 1


@pytest.mark.parametrize(
    "words", ["--mix warm=1", "--group 0-3", "--show 1 --seats 5", "--buyers 0", "--holds 2", "--timeout 0"]
)
def test_wrong_options_are_usage_errors(stage: Stage, words: str) -> None:
    assert stage.run(*words.split()).exit_code == 2
    assert stage.plans == []
