"""The seams: clients of Redis and Postgres with a point of the schedule before and after each call."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, NoReturn, Self, TypeVar

import psycopg
import redis
from sqlalchemy import Engine, event

from core.errors import AcceptUnknown, RedisUnavailable
from db.kv import scripts
from db.kv.rounds import Command, Rounds
from db.postgres.engine import make_engine
from proof.kit import sql
from proof.simulator.jobs import Crashed, Fate, point, through

R = TypeVar("R")


def _named(command: Sequence[Any]) -> str:
    if command[0] != "EVALSHA":
        return str(command[0])
    for name, script in vars(scripts).items():
        if isinstance(script, scripts.Script) and script.sha == command[1]:
            return f"{name.lower()}.lua"
    return "script"


class SeamRedis(redis.Redis):
    """A worker's client. A blocking read returns at once: what it would have waited for happens in other turns."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        if args[0] == "XREAD":
            at = args.index(b"BLOCK")
            args = (*args[:at], *args[at + 2 :])
        lost = redis.ConnectionError("the answer is lost")
        execute: Callable[..., Any] = super().execute_command
        return through(_named(args), lambda: execute(*args, **options), redis.ConnectionError("not connected"), lost)


class SeamRounds(Rounds):
    """Calls of an api or of the expirer. `ahead_ms`: how far the simulated clock is ahead of Redis's."""

    ahead_ms = 0

    def call(self, commands: Sequence[Command], *, writes: bool) -> list[Any]:
        lost = AcceptUnknown() if writes else RedisUnavailable()
        replies: list[Any] = through(
            _named(commands[0]),
            lambda: super(SeamRounds, self).call(commands, writes=writes),
            RedisUnavailable(),
            lost,
        )
        if commands[0] == ("TIME",):
            replies[0] = [str(int(replies[0][0]) + self.ahead_ms // 1000), replies[0][1]]
        return replies


class SeamService:
    """The awaited calls of an api's booking service, each with its points in the caller's thread."""

    def __init__(self, rounds: SeamRounds) -> None:
        self._rounds = rounds

    async def call(self, commands: Sequence[Command], *, writes: bool) -> list[Any]:
        return self._rounds.call(commands, writes=writes)

    async def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call here what the service would call in a thread."""
        return function(*arguments)

    async def once(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return function(*arguments)


def driven(work: Coroutine[Any, Any, R]) -> R:
    """Run a coroutine of the booking service to its end; with these seams it waits for nothing."""
    try:
        work.send(None)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
    raise AssertionError("it waits for an event loop")


def seam_engine(url: str) -> Engine:
    """Return an engine with a point before each statement, and before and after COMMIT."""
    engine = make_engine(url, pool_size=4, idle_timeout_ms=0, pre_ping=False, by_key=True)
    with engine.connect() as connection:
        connection.exec_driver_sql(sql.PING)  # the dialect runs its own queries at the first connection
    engine.dispose()
    commit = engine.dialect.do_commit

    @event.listens_for(engine, "connect")
    def connected(driver: Any, _record: object) -> None:
        driver.cursor_factory = _SeamCursor

    def do_commit(connection: Any) -> None:
        driver = connection.dbapi_connection
        if _reach("before COMMIT", driver) is Fate.FAIL:
            _lose(driver)
        commit(connection)
        if point("after COMMIT") is Fate.FAIL:
            _lose(driver)

    engine.dialect.do_commit = do_commit  # type: ignore[method-assign,assignment]
    return engine


class _SeamCursor(psycopg.Cursor[Any]):
    """A cursor with a point before each statement, also in db.postgres.engine.execute."""

    def execute(self, query: Any, *args: Any, **options: Any) -> Self:
        if _reach(f"before {' '.join(query.split()[:2])}", self.connection) is Fate.FAIL:
            _cut(self.connection)  # the statement fails, as the connection is closed
        return super().execute(query, *args, **options)


def _reach(at: str, driver: Any) -> Fate:
    """Stop at a point in a transaction; roll it back at once if the process crashes there.

    Postgres would roll back some time later, and the schedule could not be repeated.
    """
    try:
        return point(at)
    except Crashed:
        driver.rollback()
        raise


def _cut(driver: Any) -> None:
    """Close the connection; what is uncommitted is lost."""
    driver.rollback()
    driver.close()


def _lose(driver: Any) -> NoReturn:
    _cut(driver)
    raise psycopg.OperationalError("the connection is lost")
