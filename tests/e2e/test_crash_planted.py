"""The crash run finds what is planted into a copy of the project: bugs, and a point that is never reached."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.crash import PROJECT, start

COPIED = ("api", "core", "db", "ops", "proof", "workers")


def change(copy: Path, file: str, *lines: tuple[str, str]) -> None:
    """Make a copy of the project, its compiled modules included, in which each of these lines is another."""
    half_written = shutil.ignore_patterns("*.pyc.*")
    for package in COPIED:
        shutil.copytree(PROJECT / package, copy / package, ignore=half_written)
    shutil.copy(PROJECT / "schema.sql", copy)
    text = (copy / file).read_text()
    for line, by in lines:
        assert text.count(line) == 1, "the line to change has changed by itself"
        text = text.replace(line, by)
    (copy / file).write_text(text)


#: bug -> the line of workers/batch.py after which it is planted, its code, the crash point that shows it, and the
#: messages of the run of which one must appear. A lost entry shows in what is checked first: its status is 404, or
#: its booking is still undecided when the case ends.
BUGS = {
    "trims before COMMIT": (
        '    point("lane head read", redis.ConnectionError)\n',
        "    if head.entries:\n"
        "        after = head.entries[-1].id._replace(seq=head.entries[-1].id.seq + 1)\n"
        '        stores.client.xtrim(f"onsale:{{{fence.lane}}}:lane", minid=str(after), approximate=False)\n',
        "batch decided",
        ("not decided, in time", "is not in Postgres, though its client saw", "was answered 404 no_such_booking"),
    ),
    "publishes before COMMIT": (
        "            _read_for_cards(stores, connection, batch)\n",
        "            from workers.publish import publish\n            publish(stores, batch, '', None)\n",
        "batch recorded",
        ("is not in Postgres, though its client saw",),
    ),
    "decides again what is committed": (
        "    decided = journal.decided(connection, fence.lane, fence.epoch, before) if before else set()\n",
        "    decided = set()\n",
        "batch committed",
        ("not decided, in time",),
    ),
}
#: A Book decided again changes nothing, a Cancel does: only a batch with one in it is killed after its COMMIT.
TELLING = (
    '        point("batch committed", PostgresUnavailable)\n',
    "        if any(entry.operation.booking_id and not isinstance(entry.operation, Book)\n"
    "               for entry in batch.fresh):\n"
    '            point("batch committed", PostgresUnavailable)\n',
)


#: The point that is removed from its line in workers/drain.py, and so is never reached.
REMOVED = "before publishing"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, subprocess.Popen[str]]]:
    """Return the run of each bug, and the one whose point is REMOVED: they wait most of the time, so all at once."""
    started: dict[str, subprocess.Popen[str]] = {}

    def begin(name: str, point: str, copy: Path) -> None:
        chosen = ("--point", point, "--fault", "exit", "--seed", "1", "--wait", "12")
        started[name] = start(*chosen, project=copy)

    try:
        for bug, (line, planted, point, _) in BUGS.items():
            copy = tmp_path_factory.mktemp("planted")
            change(copy, "workers/batch.py", (line, line + planted), TELLING)
            begin(bug, point, copy)
        copy = tmp_path_factory.mktemp("removed")
        change(copy, "workers/drain.py", (f'            point("{REMOVED}")\n', ""))
        begin(REMOVED, REMOVED, copy)
        yield started
    finally:
        for run in started.values():
            run.terminate()
            run.communicate()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(bug: str, runs: dict[str, subprocess.Popen[str]]) -> None:
    _, _, point, says = BUGS[bug]

    out, errors = runs[bug].communicate()

    assert runs[bug].returncode == 1, out + errors
    assert any(each in out for each in says), out
    assert f"again: python -m proof.crash --point '{point}' --fault exit --seed 1" in out


@pytest.mark.timeout(300)
def test_a_point_that_does_not_fire_fails_the_run(runs: dict[str, subprocess.Popen[str]]) -> None:
    out, errors = runs[REMOVED].communicate()

    assert runs[REMOVED].returncode == 1, out + errors
    assert f"{REMOVED} was not reached" in out
