"""SECURITY.md has every row of OWASP's list, with a control, and with files and tests that exist."""

from __future__ import annotations

import re

import pytest

from tests.support.rules import PROJECT

PAGE = (PROJECT / "SECURITY.md").read_text()
ROWS = {match[1]: match[0] for match in re.finditer(r"^\| (API\d+) .*\|$", PAGE, re.M)}
TESTS = {
    name
    for path in (PROJECT / "tests").rglob("test_*.py")
    for name in re.findall(r"^ *def (test_\w+)", path.read_text(), re.M)
}


def cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_every_row_of_the_list_is_there_once() -> None:
    assert list(ROWS) == [f"API{number}" for number in range(1, 11)]


@pytest.mark.parametrize("name", [f"API{number}" for number in range(1, 11)])
def test_a_row_has_a_control_files_and_tests(name: str) -> None:
    title, control, files, tests = cells(ROWS[name])

    assert len(title) > len(name) + 5
    assert len(control) > 30
    assert re.findall(r"`([^`]+)`", files)
    assert re.findall(r"`(test_\w+)`", tests)


def test_every_file_that_is_named_exists() -> None:
    named = {name for name in re.findall(r"`([\w./-]+)`", PAGE) if "/" in name or name.endswith((".sql", ".yaml"))}
    named = {name for name in named if not name.startswith("/")}

    assert len(named) > 25
    assert [name for name in sorted(named) if not (PROJECT / name).exists()] == []


def test_every_test_that_is_named_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE))

    assert len(named) > 30
    assert named - TESTS == set()


def test_it_says_how_to_report() -> None:
    assert "## How to report" in PAGE
    assert "private" in PAGE
