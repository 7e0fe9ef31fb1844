"""The crash run finds what is planted into a copy of the project: bugs, and a point that is never reached."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.e2e.test_crash import PROJECT, crash

COPIED = ("api", "core", "db", "ops", "proof", "workers")


def change(copy: Path, file: str, *lines: tuple[str, str]) -> None:
    """Make a copy of the project in which each of these lines is another."""
    for package in COPIED:
        shutil.copytree(PROJECT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
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


@pytest.mark.timeout(300)
@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(bug: str, tmp_path: Path) -> None:
    line, planted, point, says = BUGS[bug]
    change(tmp_path, "workers/batch.py", (line, line + planted), TELLING)

    done = crash("--point", point, "--fault", "exit", "--seed", "1", "--wait", "12", project=tmp_path)

    assert done.returncode == 1, done.stdout + done.stderr
    assert any(each in done.stdout for each in says), done.stdout
    assert f"again: python -m proof.crash --point '{point}' --fault exit --seed 1" in done.stdout


@pytest.mark.timeout(300)
def test_a_point_that_does_not_fire_fails_the_run(tmp_path: Path) -> None:
    change(tmp_path, "workers/drain.py", ('            point("before publishing")\n', ""))

    done = crash("--point", "before publishing", "--fault", "exit", "--seed", "1", "--wait", "12", project=tmp_path)

    assert done.returncode == 1, done.stdout + done.stderr
    assert "before publishing was not reached" in done.stdout
