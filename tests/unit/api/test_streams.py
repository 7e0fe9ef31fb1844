"""Streams: bounded in number, per user and in bytes; quiet ones get heartbeats; they end cleanly."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from api.server.event_streams import serve
from api.web import streams
from api.web.errors import Busy, NoSuchShow, TokenExpired, TooManyStreams
from api.web.streams import Stream, Streams, event

ALICE, BOB = UUID(int=1), UUID(int=2)


def always() -> None:
    """A token that stays valid."""


class Client:
    """RSGI's protocol with a client that reads everything at once; `leave` disconnects it."""

    def __init__(self) -> None:
        self.received: list[bytes] = []
        self._gone = asyncio.Event()

    def send_bytes(self, data: bytes) -> None:
        self.received.append(data)

    async def client_disconnect(self) -> None:
        await self._gone.wait()

    def leave(self) -> None:
        self._gone.set()


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def run(test: Callable[[], Awaitable[Any]]) -> Any:
    async def bounded() -> Any:
        async with asyncio.timeout(10):
            return await test()

    return asyncio.run(bounded())


async def waiting(stream: Stream) -> None:
    stream.start()
    stream.write(event("x", "{}"))
    await stream.ended.wait()


def test_there_are_no_more_streams_than_allowed() -> None:
    async def test() -> None:
        open_ = Streams(2, 10, 60)
        first = open_.open(ALICE, always)
        open_.open(BOB, always)
        with pytest.raises(Busy):
            open_.open(BOB, always)
        open_.close(first)
        open_.close(first)
        open_.open(BOB, always)
        assert len(open_) == 2
        open_.stop()

    run(test)


def test_one_user_cannot_have_all() -> None:
    async def test() -> None:
        open_ = Streams(10, 2, 60)
        mine = [open_.open(ALICE, always) for _ in range(2)]
        with pytest.raises(TooManyStreams):
            open_.open(ALICE, always)
        open_.open(BOB, always)
        open_.close(mine[0])
        open_.open(ALICE, always)
        open_.stop()

    run(test)


def test_a_stream_whose_client_disconnects_ends_and_frees_its_slot() -> None:
    async def test() -> None:
        open_, client = Streams(1, 1, 60), Client()
        serving = asyncio.create_task(serve(open_, open_.open(ALICE, always), waiting, client, lambda: client))
        await settled()
        assert client.received[-1] == b"event: x\ndata: {}\n\n"
        client.leave()

        assert await serving is None
        assert len(open_) == 0
        open_.stop()

    run(test)


def test_an_error_before_the_start_is_returned_and_one_after_it_ends_the_stream() -> None:
    async def test() -> None:
        open_, client = Streams(1, 1, 60), Client()

        async def refuses(_stream: Stream) -> None:
            raise NoSuchShow

        async def breaks(stream: Stream) -> None:
            stream.start()
            client.leave()
            raise NoSuchShow

        refused = await serve(open_, open_.open(ALICE, always), refuses, client, lambda: client)
        assert isinstance(refused, NoSuchShow)
        assert client.received == []
        assert await serve(open_, open_.open(ALICE, always), breaks, client, lambda: client) is None
        assert len(open_) == 0
        open_.stop()

    run(test)


def test_a_process_that_leaves_ends_its_streams_and_opens_no_others() -> None:
    async def test() -> None:
        open_, client = Streams(5, 5, 60), Client()
        serving = asyncio.create_task(serve(open_, open_.open(ALICE, always), waiting, client, lambda: client))
        await settled()
        open_.leave()

        assert await serving is None  # without waiting for the client
        with pytest.raises(Busy):
            open_.open(ALICE, always)
        open_.stop()

    run(test)


def test_a_stream_ends_at_its_limit_of_bytes_so_that_an_unread_one_stays_small() -> None:
    async def test() -> None:
        open_, client = Streams(5, 5, 60), Client()
        stream = open_.open(ALICE, always)
        stream.will_begin(lambda: client.send_bytes)
        stream.start()
        for _ in range(10_000):
            stream.write(b"x" * 1_000)

        assert stream.ended.is_set()
        assert sum(map(len, client.received)) < streams.MOST_BYTES + 2_000
        open_.stop()

    run(test)


def test_a_quiet_stream_gets_heartbeats_and_ends_with_its_token() -> None:
    async def test() -> None:
        open_, client, valid = Streams(5, 5, 0.01), Client(), [True]

        def check() -> None:
            if not valid[0]:
                raise TokenExpired

        stream = open_.open(ALICE, check)
        serving = asyncio.create_task(serve(open_, stream, waiting, client, lambda: client))
        while client.received.count(streams.HEARTBEAT) < 3:
            await asyncio.sleep(0.001)
        valid[0] = False
        while not stream.ended.is_set():
            await asyncio.sleep(0.001)
        client.leave()

        assert await serving is None
        open_.stop()

    run(test)


def test_an_ended_stream_keeps_its_slot_until_its_client_has_read_it() -> None:
    async def test() -> None:
        open_, client = Streams(1, 1, 60), Client()

        async def short(stream: Stream) -> None:
            stream.start()

        serving = asyncio.create_task(serve(open_, open_.open(ALICE, always), short, client, lambda: client))
        await settled()
        assert len(open_) == 1
        client.leave()
        await serving
        assert len(open_) == 0
        open_.stop()

    run(test)


def test_an_event_is_one_block_of_lines() -> None:
    assert event("seats", '{"a":1}', "7") == b'id: 7\nevent: seats\ndata: {"a":1}\n\n'
