"""Crash points: the registry matches the code, and an armed point has its effect once."""

from __future__ import annotations

import ast
import re
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from core import crash_points
from core.crash_points import FAULTS, POINTS, Fault, Injected, arm, faults_of, point
from core.errors import ConfigurationError

PROJECT = Path(__file__).parents[3]
#: Server -> the errors that mean that a call to it was not answered.
ERRORS = {
    "Redis": {"redis.ConnectionError", "AcceptUnknown", "RedisUnavailable"},
    "Postgres": {"PostgresUnavailable"},
}
ERRORS["broker"] = {"redis.ConnectionError"}
#: Files outside its own package that a process passes through.
PASSES = {"api": ("db/kv/async_rounds.py", "workers/actors.py"), "worker": (), "scheduler": ()}


@cache
def placed() -> dict[str, list[tuple[str, str]]]:
    """Return, per name in the code, the file and the error of a lost answer ("" if there is none); parsed once."""
    found = defaultdict(list)
    for package in ("api", "db", "workers"):
        for path in sorted((PROJECT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "point":
                    name, *lost = [ast.unparse(argument) for argument in node.args]
                    file = path.relative_to(PROJECT).as_posix()
                    found[ast.literal_eval(name)].append((file, lost[0] if lost else ""))
    return found


@pytest.fixture
def proof(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "proof"
    arm("", 0)


def test_every_point_is_in_the_code_and_every_name_there_is_a_point() -> None:
    assert set(placed()) == set(POINTS)


@pytest.mark.parametrize("name", POINTS)
def test_a_point_is_on_its_processes_path_and_loses_the_answer_of_its_server(name: str) -> None:
    for file, lost in placed()[name]:
        assert file in PASSES[POINTS[name].process] or file.startswith("api/") == (POINTS[name].process == "api")
        assert lost in ERRORS.get(POINTS[name].call, {""})


def test_the_document_lists_the_points_and_faults_as_they_are() -> None:
    text = (PROJECT / "docs" / "crash.md").read_text()
    rows = re.findall(r"^\| ([\w ]+) \| (\w+) \| (.*) \| (\w*) *\|$", text, re.M)

    assert rows == [(name, one.process, one.says, one.call) for name, one in POINTS.items()]
    assert re.findall(r"^- \*\*(\w+)\*\*: (.*)$", text, re.M) == [(fault, says) for fault, says in FAULTS.items()]


def test_a_point_that_is_not_armed_reads_one_name_and_nothing_else() -> None:
    assert point.__code__.co_names == ("_armed", "reach")
    assert crash_points._armed is None


@pytest.mark.parametrize(
    "plan",
    [
        "batch eaten:exit:1:f",
        "batch committed",
        "batch committed:exit",
        "batch committed:exit:1",
        "batch committed:exit:0:f",
        "batch committed:exit:x:f",
        "batch committed:burn:1:f",
        "request validated:lost:1:f",
        ":::",
    ],
)
def test_what_cannot_be_armed_is_refused(plan: str, proof: Path) -> None:
    with pytest.raises(ConfigurationError, match="ONSALE_CRASH"):
        arm(plan, 1)

    point("batch committed")


def test_a_point_raises_at_its_nth_passing_and_never_again(proof: Path) -> None:
    arm(f"batch committed:raise:3:{proof}", 1)
    point("batch committed")
    point("before publishing")
    point("batch committed")
    assert not proof.exists()

    with pytest.raises(Injected):
        point("batch committed")
    point("batch committed")

    assert re.fullmatch(r"fired \d+ raise batch committed\n", proof.read_text())


def test_a_lost_answer_is_the_error_that_the_caller_would_see(proof: Path) -> None:
    arm(f"operation accepted:lost:1:{proof}", 1)

    with pytest.raises(ConnectionResetError):
        point("operation accepted", ConnectionResetError)


def test_a_hang_lasts_longer_than_the_lease_and_ends(proof: Path) -> None:
    arm(f"batch decided:hang:1:{proof}", 0.01)
    begun = time.monotonic()

    point("batch decided")

    assert time.monotonic() - begun >= crash_points.LEASES * 0.01
    assert [line.split()[0] for line in proof.read_text().splitlines()] == ["fired", "resumed"]


def test_an_exit_runs_no_handler(proof: Path) -> None:
    program = f"""
from core.crash_points import arm, point
arm("request validated:exit:1:{proof}", 1)
try:
    point("request validated")
finally:
    open("{proof}", "a").write("cleaned up")
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, check=False)

    assert done.returncode == -signal.SIGKILL
    assert re.fullmatch(r"fired \d+ exit request validated\n", proof.read_text())


def test_an_answer_can_be_lost_only_where_a_call_was_made() -> None:
    assert faults_of("batch committed") == (Fault.EXIT, Fault.RAISE, Fault.HANG, Fault.LOST)
    assert faults_of("before publishing") == (Fault.EXIT, Fault.RAISE, Fault.HANG)
