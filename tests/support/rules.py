"""The rules of the tree, as functions over one file; each yields `path:line: what is wrong`.

tests/unit/project/test_architecture.py applies them to the tree (those in TEXT_RULES to the documents too), and
test_rules.py to samples. `python -m tests.support.rules` prints all findings, also of files longer than the goal.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache, partial
from importlib.metadata import packages_distributions
from pathlib import Path

from tests.support.sources import PROJECT, Source, documents, sources

#: What each package, or folder of one, may import besides the standard library and itself. The most specific entry
#: applies; packages without an entry may import anything except the packages in `NEVER`.
IMPORTS = {
    "core": set[str](),
    "db": {"core", "sqlalchemy", "psycopg", "redis", "hiredis", "orjson"},
    "workers": {"core", "db", "dramatiq", "redis", "sqlalchemy", "apscheduler", "prometheus_client"},
    "api": {"core", "db", "workers.actors", "sqlalchemy", "redis", "prometheus_client", "marshmallow", "werkzeug"}
    | {"granian", "uvloop", "orjson"}
    | {"apispec", "flask", "flask_smorest", "flask_swagger_ui", "argon2"}
    # It mints. Access tokens are verified by api/access/tokens.py alone, so neither its decorators nor PyJWT come in.
    | {"flask_jwt_extended.JWTManager", "flask_jwt_extended.create_access_token"},
    "ops/rush": {"core", "aiohttp", "yarl", "click", "rich", "jwt"},
    "proof/model": set[str](),
    "proof/bench": {"api", "core", "db", "ops", "proof.kit", "workers"}
    | {"celery", "click", "dramatiq", "flask", "psutil", "psycopg", "redis", "rich"},
}
#: What packages without an entry in IMPORTS must not import.
NEVER = {"ops": {"proof", "tests"}, "proof": {"tests"}}
#: The rooms (folders) of a package, with their levels: each may import rooms of lower levels.
ROOMS = {
    "api": {
        "shapes": 0,
        "web": 1,
        "access": 2,
        "server": 2,
        "pages": 2,
        "bookings": 3,
        "accounts": 4,
        "catalogue": 4,
        "admin": 5,
    },
    "db": {"kv": 0, "postgres": 0},
    "ops": {"up": 0},
}
#: Modules of core that may import one library.
ONE_LIBRARY = {
    "core/settings.py": {"environs", "marshmallow.ValidationError"},
    "core/catalogue_settings.py": {"environs", "marshmallow.ValidationError"},
    "core/server_settings.py": {"environs.validate"},
    "core/token_settings.py": {"environs", "marshmallow.ValidationError"},
    "core/local_settings.py": {"environs.validate"},
    "core/logs.py": {"structlog"},
    "core/second_factor.py": {"pyotp"},
    "core/metric_files.py": {"prometheus_client"},
    "core/operations.py": {"orjson"},
}
#: Imports allowed inside functions only: what a command needs to find and check the running system.
LAZILY = {"ops/rush": {"ops.up.running", "ops.verify", "db.postgres.engine", "db.postgres.users"}}
#: Modules that read the environment, or pass it on to our own processes.
ENVIRONMENT = {"core/settings.py", "ops/up/programs.py", "proof/kit/environment.py", "proof/kit/chromium.py"}

SQL = re.compile(r"\s*(SELECT\s|INSERT\s+INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s|WITH\s+\w+\s+AS\s|TRUNCATE\s)")
MOST_LINES, GOAL_LINES, MOST_FUNCTION_LINES = 300, 200, 40
#: Files that are one list, which nobody reads from end to end: the most lines of each.
LISTS = {"schema.sql": 600}
#: Phrases that refer to a document outside the repository. A section of an RFC is allowed.
PAPERS = re.compile(
    r"\bthe[\s#]+design[\s#]+(?:said|says|asks?|asked|keeps|kept|wants?|wanted|promise[sd]?)\b"
    r"|\b(?:design|source)[\s#]+notes?\b|\bfacts:|\brequirements[\s#]+row\b"
    r"|(?<!RFC \d{4} )(?<!RFC \d{4}, )\bsection[\s#]+\d",
    re.IGNORECASE,
)
DOCUMENT_NAME = re.compile(r"[\w./-]*\w\.md\b")
#: The benchmark's goals are defined on one page; a line elsewhere that names a goal must name the page too.
GOAL, GOALS_PAGE = re.compile(r"\bP(?:[1-9]|1[0-2])(?:_[a-z0-9]+)?\b"), "docs/performance.md"
DATETIMES = ("datetime", "datetime.datetime", "date", "datetime.date")
#: Words of our old dialect, and riddles. Each has a plain word of the field instead (docs/glossary.md).
DIALECT = re.compile(
    r"\banew\b|\bso[\s#]+many\b|\bin[\s#]+vain\b|\bmend(?:ed|s|ing)?\b|\bwhoever\b|\bstands?[\s#]+for[\s#]+ever\b"
    r"|\btaken[\s#]+back\b|\btold[\s#]+so\b|\bshall\b|\bparted\b|\bthe[\s#]+door\b|\bone's[\s#]+own\b"
    r"|\b(?:is|was|are|were|be|been|still|servers)[\s#]+away\b|\blog-ins?[\s#]+at[\s#]+Postgres\b",
    re.IGNORECASE,
)
EMPTY_NAMES = re.compile(r"_?(util|utility|utilities|helper|common|manager|service)s?")


def known_as(source: Source) -> str:
    """Return the package or folder whose entry in IMPORTS applies."""
    inner = f"{source.package}/{source.room}"
    return inner if inner in IMPORTS else source.package


def imports(source: Source) -> Iterator[str]:
    """Find imports that IMPORTS and NEVER do not allow: no package imports tests, the product imports no proof."""
    known = known_as(source)
    anywhere = {known.replace("/", "."), *IMPORTS.get(known, ()), *ONE_LIBRARY.get(source.path, ())}
    for node, name, lazily in source.imported:
        allowed = anywhere | (LAZILY.get(known, set()) if lazily else set())
        top = name.partition(".")[0]
        free = top in sys.stdlib_module_names or (known not in IMPORTS and top not in NEVER.get(known, ()))
        if not free and not any(f"{name}.".startswith(f"{each}.") for each in allowed):
            yield source.says(node, f"{known} must not import {name}")


def rooms(source: Source) -> Iterator[str]:
    """Find imports of rooms that are not below: rooms import only rooms of lower levels, and no top-level module."""
    package, room = source.package, source.room
    order = ROOMS.get(package, {})
    if room not in order:
        return
    for node, name, _ in source.imported:
        parts = name.split(".")
        if parts[0] != package or len(parts) < 2 or parts[1] == room:
            continue
        if order.get(parts[1], max(order.values()) + 1) >= order[room]:
            yield source.says(node, f"{package}/{room} must not import {name}: it is not below")


def sql(source: Source) -> Iterator[str]:
    """Find SQL outside db/, proof/kit/sql.py, proof/bench/sql/ and tests."""
    if source.package in ("db", "tests") or source.path.startswith(("proof/bench/sql/", "proof/kit/sql.py")):
        return
    if source.path.endswith(".sql") and source.path != "schema.sql":
        yield f"{source.path}: SQL outside db/"
    for node in source.nodes:
        if isinstance(node, ast.Constant) and SQL.match(_text(node.value)):
            yield source.says(node, "SQL outside db/")
    for node, name, _ in source.imported:
        if name in ("sqlalchemy.text", "sqlalchemy.sql.text"):
            yield source.says(node, "text() outside db/")


def _text(constant: object) -> str:
    """Return the text of a constant, decoded if it is bytes."""
    return constant.decode(errors="replace") if isinstance(constant, bytes) else str(constant)


def environment(source: Source) -> Iterator[str]:
    """Find uses of the environment outside ENVIRONMENT and tests."""
    if source.path in ENVIRONMENT or source.package == "tests":
        return
    names = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}
    for node in source.nodes:
        if isinstance(node, ast.Attribute) and node.attr in names and ast.unparse(node.value) == "os":
            yield source.says(node, f"os.{node.attr} outside core/settings.py")
    for node, name, _ in source.imported:
        if name in {f"os.{each}" for each in names}:
            yield source.says(node, f"{name} outside core/settings.py")


def naive_times(source: Source) -> Iterator[str]:
    """Find times without a time zone."""
    for node in source.nodes:
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        name, given = node.func.attr, {keyword.arg: keyword.value for keyword in node.keywords}
        of_datetime = name in ("today", "now", "fromtimestamp") and ast.unparse(node.func.value) in DATETIMES
        if name in ("utcnow", "utcfromtimestamp") or (of_datetime and name == "today"):
            yield source.says(node, f"{name}() gives a time without a zone")
        elif of_datetime and name in ("now", "fromtimestamp") and len(node.args) + len(given) < 1 + (name != "now"):
            yield source.says(node, f"{name}() without a zone")
        elif name == "replace" and isinstance(given.get("tzinfo"), ast.Constant):
            yield source.says(node, "replace(tzinfo=None) removes the zone")


def long_files(source: Source, most: int = MOST_LINES) -> Iterator[str]:
    """Find a file with more than `most` lines."""
    lines, most = len(source.text.splitlines()), LISTS.get(source.path, most)
    if lines > most:
        yield f"{source.path}: {lines} lines, more than {most}"


def long_functions(source: Source) -> Iterator[str]:
    """Find functions with more than 40 lines, from `def` to the end."""
    for node in source.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > MOST_FUNCTION_LINES:
                yield source.says(node, f"{node.name} has {lines} lines, more than {MOST_FUNCTION_LINES}")


def names(source: Source) -> Iterator[str]:
    """Find names of files and folders that say nothing, or that the standard library or a dependency has."""
    path = Path(source.path)
    for part in (*path.parts[:-1], path.stem):
        whose = len(path.parts) > 2 and part == path.stem == "service"  # the folder says whose
        if EMPTY_NAMES.fullmatch(part) and not whose:
            yield f"{source.path}: {part} says nothing"
        if path.suffix == ".py" and part in _foreign():
            yield f"{source.path}: {part} is the name of a module of the standard library or of a dependency"


@cache
def _foreign() -> frozenset[str]:
    locked = set(re.findall(r"^([a-z0-9-]+)==", (PROJECT / "requirements.runtime.lock").read_text(), re.M))
    installed = packages_distributions().items()
    dependencies = {
        module for module, names in installed if locked & {name.lower().replace("_", "-") for name in names}
    }
    return frozenset(sys.stdlib_module_names | dependencies)


def papers(source: Source) -> Iterator[str]:
    """Find references to documents that are not in the repository."""
    for found in PAPERS.finditer(source.text):
        yield f"{source.path}:{_line(source, found)}: {found[0]!r} refers to a document outside the repository"
    for found in DOCUMENT_NAME.finditer(source.text):
        places = (PROJECT, PROJECT / "docs", (PROJECT / source.path).parent)
        if not any((place / found[0]).is_file() for place in places):
            yield f"{source.path}:{_line(source, found)}: there is no {found[0]}"


def goals(source: Source) -> Iterator[str]:
    """Find lines that name a goal of the benchmark without its page, outside the page, its code and its tests."""
    if source.path in (GOALS_PAGE, "proof/bench/goals.py") or source.path.startswith("tests/unit/proof/test_bench_"):
        return
    for number, line in enumerate(source.text.splitlines(), 1):
        if (found := GOAL.search(line)) and GOALS_PAGE not in line:
            yield f"{source.path}:{number}: {found[0]} is explained in {GOALS_PAGE} alone"


def dialect(source: Source) -> Iterator[str]:
    """Find words in DIALECT."""
    for found in DIALECT.finditer(source.text):
        yield f"{source.path}:{_line(source, found)}: {found[0]!r} is not the field's word"


def _line(source: Source, found: re.Match[str]) -> int:
    return source.text.count("\n", 0, found.start()) + 1


#: Rules for code only, and rules for code and documents.
RULES = (imports, rooms, sql, environment, naive_times, long_files, long_functions, names)
TEXT_RULES = (papers, goals, dialect)


if __name__ == "__main__":
    rules = (*RULES, partial(long_files, most=GOAL_LINES))
    code = sources(tests=True)
    print(*(finding for each in code for rule in rules for finding in rule(each)), sep="\n")
    print(*(finding for each in [*code, *documents()] for rule in TEXT_RULES for finding in rule(each)), sep="\n")
