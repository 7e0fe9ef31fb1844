"""docs/architecture.md: its reading lists are short and name existing files, and its rooms are those of the rules."""

from __future__ import annotations

import re

import pytest

from tests.support.rules import PROJECT, ROOMS

PAGE = (PROJECT / "docs" / "architecture.md").read_text()
#: Files in which one request can be followed from its arrival to its outcome, at most.
MOST = {"a booking": 8, "a confirm, a cancel": 8, "a status": 3, "an expiry": 8}
#: Pages that say where things are. Decisions may name files that are gone.
PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    "docs/architecture.md",
    "docs/lifecycle.md",
    "docs/locking.md",
    "docs/glossary.md",
)
PATH = re.compile(r"`((?:api|core|db|docs|ops|proof|tests|workers)/[\w./-]*)`")


def section(heading: str) -> str:
    return PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def reading_lists() -> dict[str, tuple[int, list[str]]]:
    """Per request: how many files its row announces, and the files of its list."""
    rows = re.findall(r"^\| ([\w, ]+) \((\d+)\) \| (.*) \|$", section("Which files to read"), re.M)
    found = {}
    for request, announced, text in rows:
        files = [f for f in PATH.findall(text.partition("With `?wait=`")[0]) if f.endswith((".py", ".lua"))]
        found[request] = (int(announced), files)
    return found


def test_each_request_has_a_reading_list():
    assert set(reading_lists()) == set(MOST)


@pytest.mark.parametrize("request_", ["a booking", "a status", "an expiry"])
def test_a_reading_list_is_as_long_as_announced_and_short(request_):
    announced, files = reading_lists()[request_]

    assert len(files) == len(set(files)) == announced <= MOST[request_]


def test_a_confirm_is_read_in_the_files_of_a_booking():
    [row] = re.findall(r"^\| a confirm, a cancel \(8\) \| (.*) \|$", PAGE, re.M)

    assert row.startswith("the same files:")
    assert reading_lists()["a booking"][0] == 8


@pytest.mark.parametrize("page", PAGES)
def test_every_path_that_is_named_exists(page):
    named = set(PATH.findall((PROJECT / page).read_text()))

    assert [path for path in sorted(named) if not (PROJECT / path).exists()] == []


def test_the_rooms_are_those_of_the_rules():
    rooms = re.findall(r"^\| (\d) (\w+) \|", section("Packages"), re.M)

    assert {name: int(number) for number, name in rooms} == ROOMS["api"]
