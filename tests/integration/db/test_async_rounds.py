"""Rounds on an event loop: one write per turn of the loop, each call fails alone, nothing is retried."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis.exceptions import ResponseError

from core.errors import AcceptUnknown, RedisUnavailable
from db.kv import scripts
from db.kv.async_rounds import AsyncRounds
from tests.support.rude import Rude
from tests.support.seeded import start_servers

PING = [("PING",)]


@pytest.fixture
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def rounds(loop: asyncio.Runner, redis_url: str) -> Iterator[AsyncRounds]:
    rounds = AsyncRounds(redis_url)
    yield rounds
    loop.run(rounds.close())


async def together(*calls: Any) -> list[Any]:
    """Make calls in one turn of the loop; return their replies or errors."""
    return await asyncio.gather(*calls, return_exceptions=True)


def test_replies_reach_their_callers(loop: asyncio.Runner, rounds: AsyncRounds) -> None:
    calls = [rounds.call([("ECHO", f"n{number}")], writes=False) for number in range(64)]

    assert loop.run(together(*calls)) == [[f"n{number}"] for number in range(64)]


def test_calls_of_one_turn_are_written_in_one_go(loop: asyncio.Runner, rounds: AsyncRounds) -> None:
    loop.run(rounds.call(PING, writes=False))
    writer, written = rounds._connection._writer, []
    write = writer.write
    writer.write = lambda data: (written.append(bytes(data)), write(data))

    loop.run(together(*(rounds.call([("ECHO", f"n{number}")], writes=False) for number in range(9))))

    assert [data.count(b"ECHO") for data in written] == [9]


def test_one_failing_call_fails_alone(loop: asyncio.Runner, rounds: AsyncRounds) -> None:
    calls: list[Any] = []
    for _ in range(20):
        calls.append(rounds.call([("HGET", "one argument too few")], writes=True))
        calls.append(rounds.call([("PING",), ("ECHO", "x")], writes=False))

    found = loop.run(together(*calls))

    assert all(isinstance(error, ResponseError) for error in found[::2])
    assert found[1::2] == [["PONG", "x"]] * 20


def test_a_script_that_redis_has_forgotten_is_loaded_and_sent_again(
    loop: asyncio.Runner, rounds: AsyncRounds
) -> None:
    loop.run(rounds.call([("SCRIPT", "FLUSH")], writes=True))
    peek = [("EVALSHA", scripts.PEEK.sha, 3, "a", "b", "c", 1)]

    first, between, second = loop.run(
        together(*(rounds.call(commands, writes=False) for commands in (peek, PING, peek)))  # type: ignore[arg-type]
    )

    assert (first[0][0], between, second[0][0]) == ("", ["PONG"], "")


def test_the_reply_of_a_cancelled_caller_reaches_nobody_else(loop: asyncio.Runner, rounds: AsyncRounds) -> None:
    async def gone() -> list[Any]:
        leaving = asyncio.ensure_future(rounds.call([("ECHO", "old")], writes=False))
        staying = asyncio.ensure_future(rounds.call([("ECHO", "new")], writes=False))
        await asyncio.sleep(0)  # both are under way
        leaving.cancel()
        return await staying

    loop.run(rounds.call(PING, writes=False))

    assert loop.run(gone()) == ["new"]
    assert loop.run(rounds.call([("ECHO", "next")], writes=False)) == ["next"]


@pytest.fixture
def rude(loop: asyncio.Runner, tmp_path: Path) -> Iterator[tuple[Rude, AsyncRounds]]:
    path = tmp_path / "s"
    server = Rude(path)
    rounds = AsyncRounds(f"unix://{path}", timeout_s=2)
    yield server, rounds
    loop.run(rounds.close())
    server.close()


def test_what_was_sent_and_not_answered_is_not_sent_again(
    loop: asyncio.Runner, rude: tuple[Rude, AsyncRounds]
) -> None:
    server, rounds = rude

    write, read = loop.run(
        together(rounds.call([("SET", "once", "1")], writes=True), rounds.call([("GET", "x")], writes=False))
    )

    assert (type(write), type(read)) == (AcceptUnknown, RedisUnavailable)
    assert server.received.count(b"once") == 1


def test_without_a_server_nothing_is_sent(loop: asyncio.Runner, tmp_path: Path) -> None:
    with pytest.raises(RedisUnavailable):
        loop.run(AsyncRounds(f"unix://{tmp_path}/nobody").call([("SET", "a", "b")], writes=True))


def test_after_a_restart_of_redis_the_next_call_works(
    loop: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with start_servers(tmp_path_factory.mktemp("own"), fsync=False) as own:
        rounds = AsyncRounds(own.redis_url(0))
        loop.run(rounds.call(PING, writes=False))
        own.redis.stop()
        with pytest.raises(RedisUnavailable):
            loop.run(rounds.call(PING, writes=False))
        own.redis.start()

        assert loop.run(rounds.call(PING, writes=True)) == ["PONG"]
        loop.run(rounds.close())


def test_a_connection_that_is_lost_repeatedly_is_reopened_each_time(
    loop: asyncio.Runner, rounds: AsyncRounds
) -> None:
    for _ in range(250):
        loop.run(rounds.close())
        assert loop.run(rounds.call(PING, writes=False)) == ["PONG"]
