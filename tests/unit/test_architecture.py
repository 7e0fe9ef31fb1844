"""The tree keeps its rules (CONTRIBUTING.md), and each rule's checker sees what breaks it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests import rules
from tests.rules import Source

#: Runs in a process of its own that cannot connect.
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
    """What goes wrong when a folder's modules are imported where nothing can connect and no setting is set."""
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
def findings() -> dict[str, list[str]]:
    """What each rule finds in the tree. All of them look at a file when it is parsed, so that each is parsed once."""
    found: dict[str, list[str]] = {rule.__name__: [] for rule in rules.RULES}
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
    for start in ("workers.main", "bench.contenders.message_worker", "bench.contenders.celery_worker"):
        modules.remove(start)  # its import is a worker's start, which needs settings
    assert connections_at_import(rules.PROJECT, modules) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("core/decide.py", "import sqlalchemy"),
        ("core/decide.py", "from environs import Env"),
        ("core/decide.py", "def f():\n    from db import seats"),
        ("core/settings.py", "from marshmallow import Schema"),
        ("core/logs.py", "import environs"),
        ("db/seats.py", "from workers import drain"),
        ("db/seats.py", "import flask"),
        ("workers/drain.py", "from api.app import create_app"),
        ("workers/drain.py", "import flask"),
        ("api/bookings/routes.py", "from workers import actors, drain"),
        ("api/bookings/routes.py", "import workers"),
        ("api/bookings/routes.py", "import workers.drain as actors"),
        ("api/bookings/routes.py", "from local.running import running"),
        ("api/shows.py", "from flask_jwt_extended import jwt_required"),
        ("api/shows.py", "import flask_jwt_extended"),
        ("api/tokens.py", "def f():\n    from flask_jwt_extended import decode_token"),
        ("api/tokens.py", "import jwt"),
        ("rush/run.py", "from local.running import running"),
        ("rush/run.py", "def f():\n    from workers import drain"),
        ("db/seats.py", "from . import shows"),
        ("bench/command.py", "from chaos.run import run"),
        ("bench/command.py", "def f():\n    import aiohttp"),
        ("workers/drain.py", "from bench.series import figure"),
        ("local/up.py", "from tests.servers import start_servers"),
        ("chaos/run.py", "def f():\n    from tests import stage"),
    ],
)
def test_a_wrong_import_is_seen(path, text):
    assert len(list(rules.imports(Source(path, text)))) == 1


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("core/decide.py", "import json\nfrom collections.abc import Iterator\nfrom core.seats import pick"),
        ("core/settings.py", "from environs import FileAwareEnv\nfrom marshmallow import ValidationError"),
        ("db/seats.py", "from sqlalchemy import text\nfrom core import ids"),
        ("api/bookings/routes.py", "from workers.actors import ring\nfrom workers import actors"),
        ("rush/run.py", "async def f():\n    from local.running import running"),
        ("local/up.py", "import anything"),
        ("bench/contenders/celery_app.py", "from celery import Celery\nfrom bench.sql import transaction"),
        ("tests/unit/test_seats.py", "from tests.stage import Stage\nimport bench.goals"),
    ],
)
def test_a_right_import_is_not(path, text):
    assert list(rules.imports(Source(path, text))) == []


@pytest.mark.parametrize(
    "text",
    [
        'text("SELECT 1")',
        'run("""\n    INSERT INTO seats (id) VALUES (1)""")',
        'sql = f"UPDATE seats SET owner = {owner}"',
        "sql = 'DELETE FROM seats'",
        "sql = 'WITH new AS (SELECT 1) SELECT * FROM new'",
        "sql = b'SELECT count(*) FROM seats'",
        "from sqlalchemy import text",
    ],
)
def test_sql_outside_db_is_seen(text):
    assert len(list(rules.sql(Source("workers/load.py", text)))) == 1
    assert len(list(rules.sql(Source("bench/load.py", text)))) == 1
    assert len(list(rules.sql(Source("bench/contenders/load.py", text)))) == 1
    assert list(rules.sql(Source("db/load.py", text))) == []
    assert list(rules.sql(Source("bench/sql/load.py", text))) == []


def test_a_file_of_sql_outside_db_is_seen():
    assert len(list(rules.sql(Source("bench/contenders/booking.sql", "")))) == 1
    for path in ("schema.sql", "db/migrations/0001_first.sql", "bench/sql/booking.sql"):
        assert list(rules.sql(Source(path, "SELECT 1"))) == []


def test_a_sentence_is_no_sql():
    assert list(rules.sql(Source("api/seats.py", '"Select seats. Update them later. DELETE of a CONFIRMED"'))) == []


@pytest.mark.parametrize(
    "text", ["import os\nos.environ['A']", "import os\nos.getenv('A')", "from os import environ"]
)
def test_a_look_into_the_environment_is_seen(text):
    assert len(list(rules.environment(Source("api/app.py", text)))) == 1
    assert list(rules.environment(Source("core/settings.py", text))) == []


@pytest.mark.parametrize(
    "text",
    [
        "datetime.utcnow()",
        "datetime.datetime.now()",
        "datetime.fromtimestamp(1)",
        "datetime.utcfromtimestamp(1)",
        "date.today()",
        "at.replace(tzinfo=None)",
    ],
)
def test_a_naive_time_is_seen(text):
    assert len(list(rules.naive_times(Source("core/times.py", text)))) == 1


@pytest.mark.parametrize("text", ["datetime.now(UTC)", "datetime.fromtimestamp(1, tz=UTC)", "at.replace(tzinfo=UTC)"])
def test_an_aware_time_is_not(text):
    assert list(rules.naive_times(Source("core/times.py", text))) == []


def test_a_file_of_301_lines_is_seen_whatever_its_language():
    for name in ("core/long.py", "db/lua/long.lua", "db/migrations/0009_long.sql"):
        assert list(rules.long_files(Source(name, "\n" * 300))) == []
        assert len(list(rules.long_files(Source(name, "\n" * 301)))) == 1


def test_a_function_of_41_lines_is_seen_also_inside_another_thing():
    def source(lines: int) -> Source:
        return Source("core/a.py", "class A:\n    async def f():\n" + "        pass\n" * (lines - 1))

    assert list(rules.long_functions(source(40))) == []
    assert list(rules.long_functions(source(41))) == ["core/a.py:2: f has 41 lines, more than 40"]


@pytest.mark.parametrize(
    "path", ["core/utils.py", "db/helpers/seats.py", "api/common.py", "local/manager.py", "tests/service.py"]
)
def test_a_name_that_says_nothing_is_seen(path):
    assert len(list(rules.names(Source(path, "")))) == 1


def test_a_service_may_be_called_so_in_a_folder_that_says_whose():
    assert list(rules.names(Source("api/bookings/service.py", ""))) == []
    assert len(list(rules.names(Source("api/service/bookings.py", "")))) == 1


@pytest.mark.parametrize(
    "path", ["db/redis.py", "core/types.py", "workers/queue.py", "api/flask.py", "local/click.py"]
)
def test_a_name_of_somebody_else_is_seen(path):
    assert len(list(rules.names(Source(path, "")))) == 1


# The samples of the next three have a ~ that is taken out, or this file would break the rules itself.
@pytest.mark.parametrize(
    "text",
    [
        "The desi~gn said prefetch 1.",
        "# as the desi~gn\n# asks",
        "what the desi~gn notes promise",
        "(fac~ts: three)",
        "require~ments row 19",
        "the plan, sec~tion 6",
        "see design.m~d",
        "[the page](docs/nowhere.m~d)",
    ],
)
def test_a_pointer_to_a_paper_that_is_not_here_is_seen(text):
    assert len(list(rules.papers(Source("docs/decisions/any", text.replace("~", ""))))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "RFC 7518 section 3.2, and RFC 9110, section 8",
        "The designs that people would otherwise build; the synchronous design says it at once.",
        "docs/locking.md, reliability.md#faults, 0010-revocation.m~d, ../operations.m~d",
    ],
)
def test_a_place_that_a_reader_can_go_to_is_not(text):
    assert list(rules.papers(Source("docs/decisions/any", text.replace("~", "")))) == []


@pytest.mark.parametrize("text", ["P~1 is missed", "see P~12_cpu", "so that\nP~10 holds"])
def test_a_goal_that_is_named_without_its_page_is_seen(text):
    text = text.replace("~", "")

    assert len(list(rules.goals(Source("api/hotpath.py", text)))) == 1
    assert list(rules.goals(Source("api/hotpath.py", f"{text} (docs/performance.md)"))) == []
    for place in ("bench/goals.py", "docs/performance.md", "tests/unit/test_bench_goals.py"):
        assert list(rules.goals(Source(place, text))) == []


def test_what_only_looks_like_a_goal_is_not():
    assert list(rules.goals(Source("api/hotpath.py", "its p99, P13, TOP1 and P100"))) == []


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
