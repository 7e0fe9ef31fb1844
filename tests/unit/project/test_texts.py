"""The pages' texts name what the product has: every reason of a booking has one, and every problem's code exists."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from core.bookings import Reason
from tests.support.sources import PROJECT

PARTS = sorted((PROJECT / "web" / "languages" / "en").glob("*.json"))
#: Codes that the pages make themselves.
OWN = {"offline"}
SOURCES = "\n".join(path.read_text() for room in ("api", "core", "db") for path in (PROJECT / room).rglob("*.py"))


def keys(part: Path, prefix: str) -> set[str]:
    return {key.removeprefix(prefix) for key in json.loads(part.read_text()) if key.startswith(prefix)}


def test_every_reason_has_a_text() -> None:
    told = keys(PROJECT / "web/languages/en/storefront.json", "reason.")

    assert {reason.value for reason in Reason} <= told


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.stem)
def test_every_problem_that_has_a_text_exists(part: Path) -> None:
    unknown = {code for code in keys(part, "problem.") - OWN if not re.search(rf'"{code}"', SOURCES)}

    assert not unknown
