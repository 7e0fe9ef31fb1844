"""The seams: where product code calls Redis, Postgres and the broker, a point on either side of each call."""

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
from proof.simulator.baton import Crashed, Fate, point, through

R = TypeVar("R")


def _named(command: Sequence[Any]) -> str:
    if command[0] != "EVALSHA":
        return str(command[0])
    for name, script in vars(scripts).items():
        if isinstance(script, scripts.Script) and script.sha == command[1]:
            return f"{name.lower()}.lua"
    return "script"


class SeamRedis(redis.Redis):
    """A worker's client. A blocking read looks once: what it would have waited for comes in other turns."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        if args[0] == "XREAD":
            at = args.index(b"BLOCK")
            args = (*args[:at], *args[at + 2 :])
        lost = redis.ConnectionError("the answer is lost")
        ask: Callable[..., Any] = super().execute_command
        return through(_named(args), lambda: ask(*args, **options), redis.ConnectionError("not connected"), lost)


class SeamRounds(Rounds):
    """An api's (or the expirer's) calls. `ahead_ms`: how far the simulated clock is ahead of Redis's."""

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
    """An api's calls as its booking service makes them: awaited, but each with its points in the caller's thread."""

    def __init__(self, rounds: SeamRounds) -> None:
        self._rounds = rounds

    async def call(self, commands: Sequence[Command], *, writes: bool) -> list[Any]:
        return self._rounds.call(commands, writes=writes)

    async def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """What would go to a thread is done here."""
        return function(*arguments)

    async def once(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return function(*arguments)


def driven(work: Coroutine[Any, Any, R]) -> R:
    """Run a coroutine of the booking service to its end: on these seams it waits for nothing."""
    try:
        work.send(None)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
    raise AssertionError("it waits for an event loop")


def seam_engine(url: str) -> Engine:
    """An engine with a point before each statement and on either side of COMMIT."""
    engine = make_engine(url, pool_size=4, idle_timeout_ms=0, pre_ping=False, by_key=True)
    with engine.connect() as connection:
        connection.exec_driver_sql(sql.PING)  # the dialect asks its questions at the first connection
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
    """A cursor with a point before each statement, whether SQLAlchemy or db.postgres.engine.execute has made it."""

    def execute(self, query: Any, *args: Any, **options: Any) -> Self:
        if _reach(f"before {' '.join(query.split()[:2])}", self.connection) is Fate.FAIL:
            _cut(self.connection)  # the statement finds it closed
        return super().execute(query, *args, **options)


def _reach(at: str, driver: Any) -> Fate:
    """A point in a transaction. Postgres rolls a dead client's back when it notices; here at once, or a seed would
    not repeat itself."""
    try:
        return point(at)
    except Crashed:
        driver.rollback()
        raise


def _cut(driver: Any) -> None:
    """The connection is lost, and what is uncommitted with it."""
    driver.rollback()
    driver.close()


def _lose(driver: Any) -> NoReturn:
    _cut(driver)
    raise psycopg.OperationalError("the connection is lost")
