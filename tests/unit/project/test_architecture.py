"""The tree keeps its rules (CONTRIBUTING.md)."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.support import rules

#: Runs in a separate process that cannot connect to anything.
IMPORT_ALL = """
import importlib, socket, sys
import psycopg
tried = []
def refuse(*args, **kwargs):
    tried.append(args)
    raise OSError("a connection at import")
for place, name in (socket.socket, "connect"), (socket.socket, "connect_ex"), (psycopg.Connection, "connect"):
    setattr(place, name, refuse)
psycopg.connect = refuse
for module in sys.argv[1:]:
    try:
        importlib.import_module(module)
    except Exception as error:
        print(f"{module}: {type(error).__name__}: {error}")
    if tried:
        print(f"{module}: connects when it is imported")
        tried.clear()
"""


def connections_at_import(folder: Path, modules: Iterable[str]) -> list[str]:
    """Import a folder's modules where nothing can connect and no setting is set; return what goes wrong."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, *modules],
        cwd=folder,
        env={"PATH": os.defpath, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def findings():
    """What each rule finds in the tree. All of them look at a file when it is parsed, so that each is parsed once."""
    found = {rule.__name__: [] for rule in rules.RULES}
    for source in rules.sources(tests=True):
        for rule in rules.RULES:
            found[rule.__name__] += rule(source)
    return found


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_the_tree_keeps_the_rule(rule, findings):
    found = findings[rule.__name__]

    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize("rule", rules.TEXT_RULES, ids=lambda rule: rule.__name__)
def test_what_is_read_keeps_the_rule(rule):
    found = [finding for source in [*rules.sources(tests=True), *rules.documents()] for finding in rule(source)]

    assert not found, "\n" + "\n".join(found)


def test_the_documents_are_found():
    found = {source.path for source in rules.documents()}

    assert {"README.md", "docs/performance.md", "Makefile", "compose.yaml", ".env.example", ".ci/run"} <= found
    assert any(path.startswith("docs/decisions/") for path in found)


def test_nothing_connects_or_reads_settings_when_it_is_imported():
    paths = [Path(source.path) for source in rules.sources(tests=False) if source.path.endswith(".py")]
    modules = [".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in paths]

    assert len(modules) > 50
    for start in ("workers.main", "proof.bench.contenders.message_worker", "proof.bench.contenders.celery_worker"):
        modules.remove(start)  # its import is a worker's start, which needs settings
    assert connections_at_import(rules.PROJECT, modules) == []


@pytest.mark.parametrize(
    "text",
    [
        "import socket\nsocket.create_connection(('127.0.0.1', 9), 1)",
        "import psycopg\npsycopg.connect('host=127.0.0.1 port=9')",
        "import redis\ntry:\n    redis.Redis(port=9, retry=None).ping()\nexcept redis.RedisError:\n    pass",
        "from sqlalchemy import create_engine\ncreate_engine('postgresql+psycopg://h').connect()",
        "from core.settings import Settings\nSettings.from_env()",
    ],
)
def test_a_connection_at_import_is_seen(text, tmp_path):
    (tmp_path / "hasty.py").write_text(text)
    (tmp_path / "calm.py").write_text("import socket\nopen_later = socket.create_connection")

    found = connections_at_import(tmp_path, ["calm", "hasty"])

    assert found
    assert all(line.startswith("hasty: ") for line in found)
