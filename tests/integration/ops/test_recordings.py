"""Recordings of sales, and the files that a replay refuses, on real stores."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ops.rehearse.copies import Stores
from tests.support.commands import acts, run
from tests.support.stage import Stage

pytestmark = pytest.mark.usefixtures("empty_home")


def sold(stage: Stage) -> int:
    """Sell three seats of a show, and return its id."""
    show = stage.show(2, 4)
    held = stage.book(show, "A1", "A2", hold=True)
    stage.book(show, "A1", user=stage.bob)
    stage.book(show, quantity=1, user=stage.bob)
    stage.drain()
    stage.confirm(held)
    stage.drain()
    return show


def test_a_sale_is_recorded_from_the_journal(stage: Stage, tmp_path: Path) -> None:
    show, file = sold(stage), tmp_path / "sale.jsonl"
    sold(stage)  # another show, which is not recorded

    done = run("record", "--show", str(show), "--out", str(file))

    assert done.exit_code == 0, done.output
    header, *arrivals = map(json.loads, file.read_text().splitlines())
    assert header == {
        "onsale_record": 1,
        "show": show,
        "capacity": 8,
        "arrivals": 4,
        "buyers": 2,
        "sold": 3,
        "left_out": 0,
    }
    assert [(each["kind"], each["booking"], each.get("outcome")) for each in arrivals] == [
        ("BOOK", 1, "CONFIRMED"),
        ("BOOK", 2, "FAILED SEAT_TAKEN"),
        ("BOOK", 3, "CONFIRMED"),
        ("CONFIRM", 1, None),
    ]
    assert str(stage.alice) not in file.read_text()
    again = run("record", "--show", str(show), "--out", str(file))
    assert (again.exit_code, "exists already" in again.stderr) == (2, True)
    assert len(file.read_text().splitlines()) == 5


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("--show 999 --out {}/new", "There is no show 999"),
        ("--show {show} --out {}/new --to 2001-01-01T00:00:00Z", "No booking of this show"),
        ("--show {show} --out {}/missing/new", "cannot be written"),
        ("--show {show} --out {}/new --from 2030-01-01T00:00:00Z --to 2029-01-01T00:00:00Z", "must be before"),
        ("--show {show} --out {}/new --from 2030-01-01T00:00:00", "has no zone"),
        ("--show {show} --out {}/new --from soon", "Write a time such as"),
        ("--show 0 --out {}/new", "0 is not in the range"),
    ],
)
def test_what_cannot_be_recorded_is_an_error_and_no_file(stage: Stage, tmp_path: Path, words: str, says: str) -> None:
    show = sold(stage)

    done = run("record", *words.format(tmp_path, show=show).split())

    assert done.exit_code == 2
    assert says in done.stderr
    assert not (tmp_path / "new").exists()


def test_a_replay_needs_a_file_it_can_read_and_a_copy(stage: Stage, opened: Stores, tmp_path: Path) -> None:
    show, file, broken = sold(stage), tmp_path / "sale.jsonl", tmp_path / "broken.jsonl"
    assert run("record", "--show", str(show), "--out", str(file)).exit_code == 0
    broken.write_text(file.read_text().replace('"at_ms"', '"at"'))

    refusals = {
        "would buy its seats": (str(file), "--show", str(show)),
        "There is no show 999": (str(file), "--copy-of", "999"),
        f"{broken}: Line 2: at_ms must be": (str(broken), "--copy-of", str(show)),
        "missing cannot be read": (str(tmp_path / "missing"), "--copy-of", str(show)),
        "Give either --copy-of or --show": (str(file),),
        "no onsale up runs": (str(file), "--copy-of", str(show), "--workers", "3"),
    }

    for says, words in refusals.items():
        done = run("replay", *words)
        assert (done.exit_code, says in done.stderr) == (2, True), done.output
    assert acts(opened) == []
