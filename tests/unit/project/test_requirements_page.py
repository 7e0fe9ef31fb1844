"""docs/requirements.md has every row once, in order, with its state and what that state needs; every test exists."""

from __future__ import annotations

import re

import pytest

from tests.support.rules import PROJECT

PAGE = (PROJECT / "docs/requirements.md").read_text()
TABLES, _, FURTHER = PAGE.partition("## Further wishes")
TESTS = {
    name
    for path in (PROJECT / "tests").rglob("test_*.py")
    for name in re.findall(r"^ *def (test_\w+)", path.read_text(), re.M)
}


def rows(text: str, start: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if re.match(start, line)]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


ROWS, WISHES = rows(TABLES, r"\| \d"), rows(FURTHER, r"\| (?!wish )")


def test_every_row_is_there_once() -> None:
    assert [int(row[0]) for row in ROWS] == list(range(1, 61))


@pytest.mark.parametrize("cells", [*(row[1:] for row in ROWS), *WISHES], ids=lambda cells: cells[0][:40])
def test_a_row_says_what_its_state_needs(cells: list[str]) -> None:
    wanted, state, how = cells

    assert len(wanted) > 10
    assert state in ("done", "settled otherwise", "later")
    if state == "done":
        proven = re.search(r"`test_\w+`", how) or "(performance.md)" in how
        assert proven, "names no test and no measurement"
    if state == "settled otherwise":
        assert len(how) > 60, "gives no reason"


def test_every_test_that_is_named_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE))

    assert len(named) > 40
    assert named - TESTS == set()
