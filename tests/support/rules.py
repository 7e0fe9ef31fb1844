"""The rules of the tree as functions over one file; each yields `path:line: what is wrong`.

tests/unit/project/test_architecture.py holds the tree to them, and each of them to a sample that breaks it.
Those in TEXT_RULES look at the documents, too.
`python -m tests.support.rules` prints what they find, and which files are over the length one should aim at.
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
#: counts; what has none may import anything but the packages in `NEVER`.
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
#: What the others must not import: the product nothing of the proofs, and neither anything of the tests.
NEVER = {"ops": {"proof", "tests"}, "proof": {"tests"}}
#: The rooms of a package, from the lowest: each may import those with a lower number.
ROOMS = {
    "api": {"shapes": 0, "web": 1, "access": 2, "server": 2, "bookings": 3, "accounts": 4, "catalogue": 4},
    "db": {"kv": 0, "postgres": 0},
    "ops": {"up": 0},
}
#: The exceptions of core.
ONE_LIBRARY = {
    "core/settings.py": {"environs", "marshmallow.ValidationError"},
    "core/server_settings.py": {"environs.validate"},
    "core/local_settings.py": {"environs.validate"},
    "core/logs.py": {"structlog"},
    "core/metric_files.py": {"prometheus_client"},
    "core/operations.py": {"orjson"},
}
#: Only inside a function: what a command needs of the system that it talks to.
LAZILY = {"ops/rush": {"ops.up.running", "ops.verify", "db.postgres.engine", "db.postgres.users"}}
#: Where the environment is read, and where it is passed on to our own processes.
ENVIRONMENT = {"core/settings.py", "ops/up/programs.py", "proof/kit/environment.py"}

SQL = re.compile(r"\s*(SELECT\s|INSERT\s+INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s|WITH\s+\w+\s+AS\s|TRUNCATE\s)")
MOST_LINES, GOAL_LINES, MOST_FUNCTION_LINES = 300, 200, 40
#: Words that send a reader to a paper which the repository does not hold. A section of an RFC can be looked up.
PAPERS = re.compile(
    r"\bthe[\s#]+design[\s#]+(?:said|says|asks?|asked|keeps|kept|wants?|wanted|promise[sd]?)\b"
    r"|\b(?:design|source)[\s#]+notes?\b|\bfacts:|\brequirements[\s#]+row\b"
    r"|(?<!RFC \d{4} )(?<!RFC \d{4}, )\bsection[\s#]+\d",
    re.IGNORECASE,
)
DOCUMENT_NAME = re.compile(r"[\w./-]*\w\.md\b")
#: The bench's goals have one source; a line elsewhere that names one says where it is.
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
    """The folder whose entry in IMPORTS counts."""
    inner = f"{source.package}/{source.room}"
    return inner if inner in IMPORTS else source.package


def imports(source: Source) -> Iterator[str]:
    """Each package imports only what IMPORTS allows; none of them imports tests, and the product imports no proof."""
    known = known_as(source)
    anywhere = {known.replace("/", "."), *IMPORTS.get(known, ()), *ONE_LIBRARY.get(source.path, ())}
    for node, name, lazily in source.imported:
        allowed = anywhere | (LAZILY.get(known, set()) if lazily else set())
        top = name.partition(".")[0]
        free = top in sys.stdlib_module_names or (known not in IMPORTS and top not in NEVER.get(known, ()))
        if not free and not any(f"{name}.".startswith(f"{each}.") for each in allowed):
            yield source.says(node, f"{known} must not import {name}")


def rooms(source: Source) -> Iterator[str]:
    """Within a package, rooms import only rooms below them, and none imports the package's top level."""
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
    """SQL only in db/, proof/kit/sql.py and proof/bench/sql/; tests may contain any."""
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
    """What a string or a bytes literal says; nothing of other constants."""
    return constant.decode(errors="replace") if isinstance(constant, bytes) else str(constant)


def environment(source: Source) -> Iterator[str]:
    """The environment only in core/settings.py, and where it is passed on. Tests make it for what they start."""
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
    """Every time is aware."""
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
            yield source.says(node, "replace(tzinfo=None) takes the zone away")


def long_files(source: Source, most: int = MOST_LINES) -> Iterator[str]:
    """Files of at most 300 lines; 200 are the goal."""
    lines = len(source.text.splitlines())
    if lines > most:
        yield f"{source.path}: {lines} lines, more than {most}"


def long_functions(source: Source) -> Iterator[str]:
    """Functions of at most 40 lines, from `def` to the end."""
    for node in source.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > MOST_FUNCTION_LINES:
                yield source.says(node, f"{node.name} has {lines} lines, more than {MOST_FUNCTION_LINES}")


def names(source: Source) -> Iterator[str]:
    """No empty names, and none that the standard library or a dependency has."""
    path = Path(source.path)
    for part in (*path.parts[:-1], path.stem):
        whose = len(path.parts) > 2 and part == path.stem == "service"  # the folder says whose
        if EMPTY_NAMES.fullmatch(part) and not whose:
            yield f"{source.path}: {part} says nothing"
        if path.suffix == ".py" and part in _foreign():
            yield f"{source.path}: {part} is the name of somebody else's module"


@cache
def _foreign() -> frozenset[str]:
    locked = set(re.findall(r"^([a-z0-9-]+)==", (PROJECT / "requirements.runtime.lock").read_text(), re.M))
    installed = packages_distributions().items()
    dependencies = {
        module for module, names in installed if locked & {name.lower().replace("_", "-") for name in names}
    }
    return frozenset(sys.stdlib_module_names | dependencies)


def papers(source: Source) -> Iterator[str]:
    """No pointer to a paper that the repository does not hold."""
    for found in PAPERS.finditer(source.text):
        yield f"{source.path}:{_line(source, found)}: {found[0]!r} is no place that a reader can go to"
    for found in DOCUMENT_NAME.finditer(source.text):
        places = (PROJECT, PROJECT / "docs", (PROJECT / source.path).parent)
        if not any((place / found[0]).is_file() for place in places):
            yield f"{source.path}:{_line(source, found)}: there is no {found[0]}"


def goals(source: Source) -> Iterator[str]:
    """A goal of the bench is named where it stands, where it is tested, or with the page that has them all."""
    if source.path in (GOALS_PAGE, "proof/bench/goals.py") or source.path.startswith("tests/unit/proof/test_bench_"):
        return
    for number, line in enumerate(source.text.splitlines(), 1):
        if (found := GOAL.search(line)) and GOALS_PAGE not in line:
            yield f"{source.path}:{number}: {found[0]} is explained in {GOALS_PAGE} alone"


def dialect(source: Source) -> Iterator[str]:
    """Plain English: none of the words in DIALECT."""
    for found in DIALECT.finditer(source.text):
        yield f"{source.path}:{_line(source, found)}: {found[0]!r} is not the field's word"


def _line(source: Source, found: re.Match[str]) -> int:
    return source.text.count("\n", 0, found.start()) + 1


#: Over code alone, and over everything that is read.
RULES = (imports, rooms, sql, environment, naive_times, long_files, long_functions, names)
TEXT_RULES = (papers, goals)


if __name__ == "__main__":
    rules = (*RULES, partial(long_files, most=GOAL_LINES))
    code = sources(tests=True)
    print(*(finding for each in code for rule in rules for finding in rule(each)), sep="\n")
    print(
        *(finding for each in [*code, *documents()] for rule in (*TEXT_RULES, dialect) for finding in rule(each)),
        sep="\n",
    )
