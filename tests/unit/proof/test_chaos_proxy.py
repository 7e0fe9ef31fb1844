"""A link does to a connection what its mode says, and forwards again when it is healed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from proof.chaos.proxy import Link, Mode

Talk = tuple[asyncio.StreamReader, asyncio.StreamWriter]
#: Nothing comes for so long: long enough for what is on loopback, short enough to wait for.
SILENCE_S = 0.15
_open: list[Talk] = []


@asynccontextmanager
async def linked(folder: Path) -> AsyncIterator[tuple[Link, list[bytes]]]:
    """Yield a link to a server that answers each piece in capitals, and what the server received."""
    got: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            got.append(data)
            writer.write(data.upper())
        writer.close()

    server = await asyncio.start_unix_server(answer, folder / "server")
    link = Link("test", folder / "server")
    await link.open()
    try:
        yield link, got
    finally:
        await link.close()
        server.close()


async def dial(link: Link) -> Talk:
    talk = await asyncio.open_connection("127.0.0.1", link.port)
    _open.append(talk)
    return talk


async def say(talk: Talk, text: bytes) -> bytes:
    talk[1].write(text)
    return await asyncio.wait_for(talk[0].readexactly(len(text)), 5)


async def silent(talk: Talk, text: bytes) -> None:
    talk[1].write(text)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(talk[0].readexactly(1), SILENCE_S)


async def broken(talk: Talk) -> None:
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await asyncio.wait_for(talk[0].readexactly(1), 5)


def play(deployment: Callable[[Path], Awaitable[None]], folder: Path) -> None:
    async def run() -> None:
        try:
            await asyncio.wait_for(deployment(folder), 20)
        finally:
            while _open:
                _open.pop()[1].close()

    asyncio.run(run())


def test_it_forwards_both_ways(tmp_path):
    async def deployment(folder):
        async with linked(folder) as (link, _):
            talk = await dial(link)
            assert await say(talk, b"hello") == b"HELLO"
            talk[1].close()

    play(deployment, tmp_path)


def test_cut_resets_what_is_open_and_what_is_new_until_it_is_healed(tmp_path):
    async def deployment(folder):
        async with linked(folder) as (link, _):
            talk = await dial(link)
            await say(talk, b"hello")
            link.begin(Mode.CUT)
            await broken(talk)
            await broken(await dial(link))
            link.heal()
            assert await say(await dial(link), b"again") == b"AGAIN"

    play(deployment, tmp_path)


def test_half_open_swallows_everything_and_resets_who_lost_something(tmp_path):
    async def deployment(folder):
        async with linked(folder) as (link, got):
            talk, quiet = await dial(link), await dial(link)
            await say(talk, b"hello")
            await say(quiet, b"quiet")
            link.begin(Mode.HALF_OPEN)
            await silent(talk, b"lost")
            assert b"lost" not in got
            link.heal()
            await broken(talk)
            assert await say(quiet, b"still") == b"STILL"
            assert link.harmed == 1

    play(deployment, tmp_path)


def test_stall_holds_bytes_back_and_delivers_them_later(tmp_path):
    async def deployment(folder):
        async with linked(folder) as (link, got):
            talk = await dial(link)
            await say(talk, b"hello")
            link.begin(Mode.STALL)
            await silent(talk, b"late")
            assert got == [b"hello"]
            link.heal()
            assert await asyncio.wait_for(talk[0].readexactly(4), 5) == b"LATE"

    play(deployment, tmp_path)


def test_delay_keeps_the_order(tmp_path):
    async def deployment(folder):
        async with linked(folder) as (link, _):
            talk = await dial(link)
            await say(talk, b"hello")
            link.begin(Mode.DELAY, delay_s=0.02)
            loop = asyncio.get_running_loop()
            begun = loop.time()
            for number in range(10):
                talk[1].write(b"%d" % number)
                await asyncio.sleep(0.002 if number % 3 == 0 else 0)
            link.heal()
            talk[1].write(b"late")
            assert await asyncio.wait_for(talk[0].readexactly(14), 5) == b"0123456789LATE"
            assert loop.time() - begun >= 0.02

    play(deployment, tmp_path)


def test_lost_replies_reach_the_server_and_not_the_client(tmp_path):
    async def deployment(folder):
        async with linked(folder) as (link, got):
            talk = await dial(link)
            await say(talk, b"hello")
            link.begin(Mode.LOSE_REPLIES)
            await silent(talk, b"asked")
            assert got[-1] == b"asked"
            link.heal()
            await broken(talk)

    play(deployment, tmp_path)


def test_a_commit_arrives_and_its_answer_is_lost_with_the_connection(tmp_path):
    async def deployment(folder):
        async with linked(folder) as (link, got):
            talk = await dial(link)
            link.begin(Mode.LOSE_COMMITS, commits=1)
            assert await say(talk, b"select") == b"SELECT"
            talk[1].write(b"Q....COMMIT\0")
            await broken(talk)
            assert got[-1] == b"Q....COMMIT\0"
            assert link.commits_lost == 1
            assert await say(await dial(link), b"Q....COMMIT\0") == b"Q....COMMIT\0"

    play(deployment, tmp_path)


def test_a_server_that_is_unavailable_resets_the_client(tmp_path):
    async def deployment(folder):
        link = Link("test", folder / "nobody")
        await link.open()
        await broken(await dial(link))
        await link.close()

    play(deployment, tmp_path)
