""".env.example lists every variable that core's settings modules read, with a sentence and the right default."""

from __future__ import annotations

import ast
import os
import re
from itertools import pairwise
from pathlib import Path

import pytest

from core.local_settings import LocalSettings
from core.server_settings import ServerSettings
from core.settings import Settings

PROJECT = Path(__file__).parents[3]
EXAMPLE = (PROJECT / ".env.example").read_text()
LINE = re.compile(r"^(# )?([A-Z][A-Z0-9_]*)=(.*)$")

SETTINGS = ("settings.py", "catalogue_settings.py", "token_settings.py", "server_settings.py", "local_settings.py")
#: Read by compose.yaml alone.
ELSEWHERE = {"POSTGRES_PASSWORD", "POSTGRES_API_PASSWORD", "POSTGRES_WORKER_PASSWORD"}
REQUIRED = {"DATABASE_URL": "postgresql+psycopg://db/onsale", "REDIS_URL": "redis://redis", "JWT_SECRET": "x" * 32}


def variables_read(source: str) -> set[str]:
    """Return the names in calls such as `env.int("PORT", 8000)`."""
    return {
        node.args[0].value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "env"
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    }


def listed(example: str) -> dict[str, tuple[str, bool]]:
    """Return each variable's value in an example, and whether its line is commented out."""
    found = [match for line in example.splitlines() if (match := LINE.match(line))]
    return {match[2]: (match[3], bool(match[1])) for match in found}


def without_sentence(example: str) -> list[str]:
    """Return the variables whose line does not follow a comment that ends with a full stop."""
    lines = ["", *example.splitlines()]
    pairs = [(before, match[2]) for before, line in pairwise(lines) if (match := LINE.match(line))]
    return [name for before, name in pairs if not re.match(r"# .*\.$", before) or LINE.match(before)]


def test_it_lists_the_settings_and_nothing_else():
    sources = [(PROJECT / "core" / name).read_text() for name in SETTINGS]
    read = set().union(*map(variables_read, sources))

    assert len(read) > 20
    assert set(listed(EXAMPLE)) - ELSEWHERE == read


def test_each_variable_has_a_sentence():
    assert without_sentence(EXAMPLE) == []


def test_no_variable_is_listed_twice():
    names = [match[2] for line in EXAMPLE.splitlines() if (match := LINE.match(line))]

    assert len(names) == len(set(names))


def test_only_those_without_a_default_are_to_be_filled_in():
    assert {name for name, (_, commented) in listed(EXAMPLE).items() if not commented} == {"JWT_SECRET", *ELSEWHERE}


@pytest.mark.parametrize("kind", [Settings, LocalSettings, ServerSettings])
def test_its_defaults_are_those_of_the_settings(kind, monkeypatch):
    for name in list(os.environ):
        monkeypatch.delenv(name)
    required = REQUIRED if kind is Settings else {}
    for name, value in required.items():
        monkeypatch.setenv(name, value)
    defaults = kind.from_env()

    for name, (value, commented) in listed(EXAMPLE).items():
        if commented and name not in required:
            monkeypatch.setenv(name, value)

    assert kind.from_env() == defaults


def test_a_variable_that_is_missing_or_lacks_its_sentence_is_seen():
    assert variables_read('env.int("NEW", 1, validate=x)\nother.int("OLD")\nenv.seal()') == {"NEW"}
    assert listed("# A sentence.\n# NEW=1\nSECRET=\n# Not one = 2") == {"NEW": ("1", True), "SECRET": ("", False)}
    assert without_sentence("# A=1\n\n# Half a sentence\n# B=1\n# Whole.\n# C=1\n# D=1") == ["A", "B", "D"]
