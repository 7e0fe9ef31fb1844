"""`onsale rehearse` and `onsale replay`: options, output, exit codes and the number of workers, without a server."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from core.errors import ConfigurationError, OnsaleError
from ops.rehearse import command, replay_command, workers
from ops.rehearse.recording import Arrival, Header, Recording, dump
from ops.rehearse.rehearsal import Crowd, Wish
from ops.rehearse.report import Report, Setting
from ops.rush.figures import Figures, Tally
from ops.up.running import RunningSystem

SALE = Recording(Header(3, 20, 2, 1, 5), (Arrival(0, "BOOK", 1, 1, {"quantity": 1}), Arrival(60_000, "CANCEL", 1)))


class Rehearsals:
    """A fake running system and rehearsal."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wishes: list[Wish] = []
        self.error: BaseException | None = None
        self.tally = Tally(1)
        self.tally.accept(0, 1, 2)
        self.tally.decide(None, 1, 3)
        for module in (command, replay_command):
            monkeypatch.setattr(module, "find_running", self.find_running)
            monkeypatch.setattr(module, "rehearse", self.rehearse)

    def find_running(self, home: Path | None = None) -> RunningSystem:
        return RunningSystem(
            database_url="d", redis_url="r", broker_url="b", jwt_secret="s" * 32, base_url="http://127.0.0.1:8000"
        )

    def rehearse(self, system: RunningSystem, home: Path, wish: Wish, crowd: Crowd) -> Report:
        self.wishes.append(wish)
        if self.error is not None:
            raise self.error
        setting = Setting(
            show_id=wish.show_id, copy_id=9, workers=2, eta_below_ms=wish.eta_below_ms, capacity=5, taken=1
        )
        return Report.of(setting, Figures.of(self.tally, seed=1, show_id=9))


@pytest.fixture
def rehearsals(monkeypatch: pytest.MonkeyPatch) -> Rehearsals:
    return Rehearsals(monkeypatch)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "sale.jsonl"
    path.write_text("".join(dump(SALE)))
    return path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command.command, arguments)


def test_options_become_the_wish(rehearsals: Rehearsals) -> None:
    words = "--show 3 --buyers 9 --workers 4 --eta-below 2.5 --ramp 30 --force --no-verify"

    assert run(*words.split()).exit_code == 0

    assert rehearsals.wishes == [
        Wish(show_id=3, workers=4, eta_below_ms=2_500, force=True, proves=False, limit_s=150.0)
    ]


def test_a_recorded_crowd_has_its_own_time_limit(rehearsals: Rehearsals, file: Path) -> None:
    assert run("--show", "3", "--crowd", str(file)).exit_code == 0

    [wish] = rehearsals.wishes
    assert (wish.crowd, wish.recorded, wish.limit_s, wish.speed) == ("sale.jsonl", 5, 180.0, 1.0)


def test_a_replay_sends_it_faster_to_a_copy_or_to_the_show_itself(rehearsals: Rehearsals, file: Path) -> None:
    for target in ("--copy-of", "--show"):
        done = CliRunner().invoke(replay_command.command, [str(file), target, "3", "--speed", "4"])
        assert done.exit_code == 0, done.output

    copies, itself = rehearsals.wishes
    assert (copies.copies, itself.copies) == (True, False)
    assert (copies.speed, copies.limit_s, copies.recorded, copies.show_id) == (4.0, 135.0, 5, 3)


def test_the_exit_code_is_the_verdict(rehearsals: Rehearsals) -> None:
    good = run("--show", "3", "--json")
    rehearsals.tally.violate("seat A1 twice")
    bad = run("--show", "3", "--json")

    assert (good.exit_code, json.loads(good.stdout)["holds"]) == (0, True)
    assert (bad.exit_code, json.loads(bad.stdout)["holds"]) == (1, False)
    assert "does not hold" in run("--show", "3").stdout


def test_an_interruption_is_no_verdict(rehearsals: Rehearsals) -> None:
    rehearsals.error = KeyboardInterrupt()

    done = run("--show", "3", "--json")

    assert (done.exit_code, done.stdout) == (130, "")
    assert "interrupted" in done.stderr


class Supervisor:
    """A fake `onsale up` whose workers follow at once, unless it is `stuck`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, stuck: bool = False) -> None:
        self.count, self.alive, self.stuck, self.asked = 2, 2, stuck, list[int]()
        monkeypatch.setattr(workers, "is_locked", lambda home: True)
        monkeypatch.setattr(workers, "ask", self.ask)
        monkeypatch.setattr(workers, "alive", lambda rounds: self.alive)
        monkeypatch.setattr(workers, "SCALED_S", 0.05)
        monkeypatch.setattr(workers, "TICK_S", 0.001)

    def ask(self, home: Path, request: dict[str, Any]) -> dict[str, Any]:
        if request["do"] == "scale":
            self.count = request["worker"]
            self.alive = self.alive if self.stuck else self.count
            self.asked.append(self.count)
        rows = [{"name": f"worker-{number}", "wanted": number <= self.count} for number in range(1, 6)]
        return {"processes": [{"name": "api", "wanted": True}, *rows]}


def interrupted() -> None:
    raise KeyboardInterrupt


def scaled(count: int | None, check: Callable[[], None] = lambda: None) -> Any:
    return workers.scaled(Path("home"), None, count, check)  # type: ignore[arg-type]


def test_workers_are_set_for_the_block_and_restored_whatever_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    up = Supervisor(monkeypatch)

    with scaled(4) as count:
        assert (count, up.count) == (4, 4)
    with pytest.raises(ConfigurationError), scaled(1):
        raise ConfigurationError

    assert up.asked == [4, 2, 1, 2]


def test_the_same_number_of_workers_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    up = Supervisor(monkeypatch)

    with scaled(2) as same, scaled(None) as none:
        assert (same, none) == (2, 2)

    assert up.asked == []


def test_workers_that_do_not_start_are_an_error_and_their_number_is_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    up = Supervisor(monkeypatch, stuck=True)

    with pytest.raises(OnsaleError, match="there are 2 workers, not 5"), scaled(5):
        raise AssertionError("not reached")
    with pytest.raises(KeyboardInterrupt), scaled(5, interrupted):
        raise AssertionError("not reached")

    assert up.asked == [5, 2, 5, 2]
