"""Each rule of docs/locking.md has a race test and a negative control, found by their marks.

`pytest -m rule` and `pytest -m without_rule` run the tests that are checked here.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.rules import PROJECT

PAGE = (PROJECT / "docs" / "locking.md").read_text()
KINDS = ("rule", "without_rule")


class Mark(NamedTuple):
    """One mark of one test. `number` is None unless its only argument is `number=N`."""

    where: str
    kind: str
    number: int | None


def numbers(page: str) -> list[int]:
    """Return the rules' numbers, in the page's order."""
    return [int(number) for number in re.findall(r"^(\d+)\. \*\*", page, re.M)]


def marks(path: str, source: str) -> Iterator[Mark]:
    """Yield the marks of a file's test functions; on other functions, marks have no effect."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            for decorator in node.decorator_list:
                call = decorator if isinstance(decorator, ast.Call) else None
                kind = ast.unparse(call.func if call else decorator).removeprefix("pytest.mark.")
                if kind in KINDS:
                    yield Mark(f"{path}::{node.name}", kind, _number(call))


def _number(call: ast.Call | None) -> int | None:
    if call is None or call.args or [each.arg for each in call.keywords] != ["number"]:
        return None
    value = call.keywords[0].value
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, int) else None


def faults(rules: Iterable[int], found: Iterable[Mark]) -> list[str]:
    """Return what is wrong: a rule without one of the marks, a mark without a rule, a test as its own control."""
    rules, found = list(rules), list(found)
    wrong = [f"{mark.where}: {mark.kind} names no rule of the page" for mark in found if mark.number not in rules]
    for kind in KINDS:
        shown = {mark.number for mark in found if mark.kind == kind}
        wrong += [f"rule {number} has no test marked {kind}" for number in rules if number not in shown]
    shows, controls = ({(mark.where, mark.number) for mark in found if mark.kind == kind} for kind in KINDS)
    return wrong + [f"{where}: cannot be its own control" for where, _ in sorted(shows & controls)]


def of_the_tree() -> list[Mark]:
    paths = sorted((PROJECT / "tests").rglob("test_*.py"), key=Path.as_posix)
    return [mark for path in paths for mark in marks(path.relative_to(PROJECT).as_posix(), path.read_text())]


def test_each_rule_of_the_page_has_a_test_and_a_negative_control() -> None:
    assert numbers(PAGE) == list(range(1, len(numbers(PAGE)) + 1))
    assert len(numbers(PAGE)) >= 13

    found = faults(numbers(PAGE), of_the_tree())

    assert not found, "\n" + "\n".join(found)


BOTH = """
@pytest.mark.rule(number=1)
@pytest.mark.parametrize("x", [1])
def test_it_holds(x): pass

class TestControls:
    @pytest.mark.without_rule(number=1)
    async def test_without_it(self): pass
"""


def test_a_rule_with_both_is_in_order() -> None:
    assert faults([1], marks("test_a.py", BOTH)) == []


@pytest.mark.parametrize(
    ("rules", "source", "fault"),
    [
        ([1, 2], BOTH, "rule 2 has no test marked rule"),
        ([1, 2], BOTH, "rule 2 has no test marked without_rule"),
        ([1], BOTH.replace("without_rule(number=1)", "rule(number=1)"), "rule 1 has no test marked without_rule"),
        ([1], BOTH.replace("def test_it_holds", "def it_holds"), "rule 1 has no test marked rule"),
        ([1], BOTH.replace(".rule(number=1)", ".rule(number=14)"), "::test_it_holds: rule names no rule of the page"),
        ([1], BOTH.replace(".rule(number=1)", ".rule(1)"), "::test_it_holds: rule names no rule of the page"),
        ([1], BOTH.replace(".rule(number=1)", ".rule"), "::test_it_holds: rule names no rule of the page"),
        ([1], BOTH.replace("parametrize(", "without_rule(number=1) #"), "::test_it_holds: cannot be its own control"),
    ],
)
def test_what_is_not_in_order_is_seen(rules: list[int], source: str, fault: str) -> None:
    assert any(found.endswith(fault) for found in faults(rules, marks("test_a.py", source)))
