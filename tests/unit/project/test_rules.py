"""Each rule of the tree (tests/support/rules.py) finds a sample that breaks it, and passes one that does not."""

from __future__ import annotations

import pytest

from tests.support import rules
from tests.support.rules import Source


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("core/decide.py", "import sqlalchemy"),
        ("core/decide.py", "from environs import Env"),
        ("core/decide.py", "def f():\n    from db import seats"),
        ("core/settings.py", "from marshmallow import Schema"),
        ("core/logs.py", "import environs"),
        ("db/postgres/seats.py", "from workers import drain"),
        ("db/postgres/seats.py", "import flask"),
        ("workers/drain.py", "from api.app import create_app"),
        ("workers/drain.py", "import flask"),
        ("api/bookings/routes.py", "from workers import actors, drain"),
        ("api/bookings/routes.py", "import workers"),
        ("api/bookings/routes.py", "import workers.drain as actors"),
        ("api/bookings/routes.py", "from ops.up.running import running"),
        ("api/catalogue/shows.py", "from flask_jwt_extended import jwt_required"),
        ("api/catalogue/shows.py", "import flask_jwt_extended"),
        ("api/access/tokens.py", "def f():\n    from flask_jwt_extended import decode_token"),
        ("api/access/tokens.py", "import jwt"),
        ("ops/rush/run.py", "from ops.up.running import running"),
        ("ops/rush/run.py", "def f():\n    from workers import drain"),
        ("db/postgres/seats.py", "from . import shows"),
        ("proof/bench/command.py", "from proof.chaos.run import run"),
        ("proof/bench/command.py", "def f():\n    import aiohttp"),
        ("workers/drain.py", "from proof.bench.series import figure"),
        ("ops/up/command.py", "from proof.kit.servers import start_servers"),
        ("proof/chaos/run.py", "def f():\n    from tests import stage"),
    ],
)
def test_a_wrong_import_is_seen(path, text):
    assert len(list(rules.imports(Source(path, text)))) == 1


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("core/decide.py", "import json\nfrom collections.abc import Iterator\nfrom core.seats import pick"),
        ("core/settings.py", "from environs import FileAwareEnv\nfrom marshmallow import ValidationError"),
        ("db/postgres/seats.py", "from sqlalchemy import text\nfrom core import ids"),
        ("api/bookings/routes.py", "from workers.actors import ring\nfrom workers import actors"),
        ("ops/rush/run.py", "async def f():\n    from ops.up.running import running"),
        ("ops/up/command.py", "import anything"),
        (
            "proof/bench/contenders/celery_app.py",
            "from celery import Celery\nfrom proof.bench.sql import transaction",
        ),
        ("tests/unit/core/test_seats.py", "from tests.support.stage import Stage\nimport proof.bench.goals"),
    ],
)
def test_a_right_import_is_not(path, text):
    assert list(rules.imports(Source(path, text))) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("api/web/problems.py", "from api.bookings import service"),
        ("api/web/problems.py", "from api.app import create_app"),
        ("api/bookings/routes.py", "from api.catalogue import shows"),
        ("api/accounts/auth.py", "def f():\n    from api.catalogue.shows import blueprint"),
        ("db/kv/lanes.py", "from db.postgres import seats"),
        ("ops/up/command.py", "from ops.verify import verify"),
    ],
)
def test_an_import_of_a_room_that_is_not_below_is_seen(path, text):
    assert len(list(rules.rooms(Source(path, text)))) == 1


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("api/app.py", "from api.bookings import routes"),
        ("api/catalogue/shows.py", "from api.bookings import intake\nfrom api.catalogue import movies"),
        ("api/web/backend.py", "if TYPE_CHECKING:\n    from api.bookings.service import BookingService"),
        ("db/guard.py", "from db.kv import keys\nfrom db.postgres import engine"),
        ("ops/up/programs.py", "import ops"),
    ],
)
def test_an_import_of_a_room_below_is_not(path, text):
    assert list(rules.rooms(Source(path, text))) == []


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
    assert len(list(rules.sql(Source("workers/load_state.py", text)))) == 1
    assert len(list(rules.sql(Source("proof/bench/load.py", text)))) == 1
    assert len(list(rules.sql(Source("proof/bench/contenders/load.py", text)))) == 1
    assert list(rules.sql(Source("db/load.py", text))) == []
    assert list(rules.sql(Source("proof/bench/sql/load.py", text))) == []


def test_a_file_of_sql_outside_db_is_seen():
    assert len(list(rules.sql(Source("proof/bench/contenders/booking.sql", "")))) == 1
    for path in ("schema.sql", "db/postgres/migrations/0001_first.sql", "proof/bench/sql/booking.sql"):
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
    for name in ("core/long.py", "db/kv/lua/long.lua", "db/postgres/migrations/0009_long.sql"):
        assert list(rules.long_files(Source(name, "\n" * 300))) == []
        assert len(list(rules.long_files(Source(name, "\n" * 301)))) == 1


def test_a_function_of_41_lines_is_seen_also_inside_another_thing():
    def source(lines: int) -> Source:
        return Source("core/a.py", "class A:\n    async def f():\n" + "        pass\n" * (lines - 1))

    assert list(rules.long_functions(source(40))) == []
    assert list(rules.long_functions(source(41))) == ["core/a.py:2: f has 41 lines, more than 40"]


@pytest.mark.parametrize(
    "path", ["core/utils.py", "db/helpers/seats.py", "api/common.py", "ops/manager.py", "tests/service.py"]
)
def test_a_name_that_says_nothing_is_seen(path):
    assert len(list(rules.names(Source(path, "")))) == 1


def test_a_service_may_be_called_so_in_a_folder_that_says_whose():
    assert list(rules.names(Source("api/bookings/service.py", ""))) == []
    assert len(list(rules.names(Source("api/service/bookings.py", "")))) == 1


@pytest.mark.parametrize("path", ["db/redis.py", "core/types.py", "workers/queue.py", "api/flask.py", "ops/click.py"])
def test_a_name_of_somebody_else_is_seen(path):
    assert len(list(rules.names(Source(path, "")))) == 1


# In the next samples a ~ is removed before the check; otherwise this file would break the rules itself.
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
    for place in ("proof/bench/goals.py", "docs/performance.md", "tests/unit/proof/test_bench_goals.py"):
        assert list(rules.goals(Source(place, text))) == []


def test_what_only_looks_like_a_goal_is_not():
    assert list(rules.goals(Source("api/hotpath.py", "its p99, P13, TOP1 and P100"))) == []


@pytest.mark.parametrize(
    "text",
    [
        "The counts start an~ew.",
        "Wait for so m~any seconds.",
        "# how so\n# m~any of them",
        "It was asked in va~in.",
        "The program is men~ded.",
        "who~ever comes first",
        "A decision stan~ds for ever.",
        "The confirm is tak~en back.",
        "The client is to~ld so.",
        "A drain sha~ll end.",
        "while the two are par~ted",
        "refused at the d~oor",
        "a connection of on~e's own",
        "The broker is aw~ay.",
        "the log-i~n at Postgres",
    ],
)
def test_a_word_that_is_not_the_fields_is_seen(text):
    assert len(list(rules.dialect(Source("docs/any", text.replace("~", ""))))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "A hold is renewed as many times as it is requested; a partitioned server is unavailable.",
        "It recommends a door, an amendment and a shallow copy; the log-in is far away from Postgres.",
    ],
)
def test_an_ordinary_sentence_is_not(text):
    assert list(rules.dialect(Source("docs/any", text))) == []
