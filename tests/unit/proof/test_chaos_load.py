"""The load: who requests what, and what counts as an answer."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest

from proof.chaos.own_bookings import Buyers, KnownBookings, SteadyBuyers
from proof.kit.async_client import AsyncClient, request
from proof.kit.client import Broken, NoAnswer

LABELS = tuple(f"{row}{number}" for row in "ABCDEFGHIJ" for number in range(1, 11))


def test_most_requests_for_named_seats_go_for_a_tenth_of_them():
    buyers = Buyers(["u", "v"], LABELS, LABELS[:10], random.Random(1))

    wished = [seat for _ in range(3_000) for seat in buyers.next_booking(1, kind="book", hold=False).asked["seats"]]

    hot = sum(seat in LABELS[:10] for seat in wished) / len(wished)
    assert 0.65 < hot < 0.8  # 70 %, and a tenth of the others by chance
    assert set(wished) == set(LABELS)


def test_every_booking_has_its_own_key_and_other_than_returns_another_user():
    buyers = Buyers(["u", "v", "w"], LABELS, LABELS[:10], random.Random(1))

    assert len({buyers.next_booking(1, kind="book_best", hold=True).key for _ in range(100)}) == 100
    assert all(buyers.other_than("u") != "u" for _ in range(100))


def test_in_the_steady_stream_nobody_wants_what_another_wants_and_everybody_comes_in_turn():
    steady = SteadyBuyers([f"user-{number}" for number in range(40)], LABELS)

    bookings = [steady.next_booking(1) for _ in range(100)]

    assert [booking.asked["seats"] for booking in bookings] == [[label] for label in LABELS]
    assert len({booking.key for booking in bookings}) == 100
    assert len({booking.user for booking in bookings[:40]}) == 40


def test_a_booking_is_found_by_the_state_that_was_seen_last():
    draws = random.Random(1)
    buyers, known = Buyers(["u"], LABELS, LABELS[:10], draws), KnownBookings(draws)
    booking = buyers.next_booking(1, kind="book_best", hold=True)
    known.put(booking, "UNKNOWN")
    assert known.pick("HELD") is None
    assert known.pick("UNKNOWN") is booking

    booking.id = "id"
    known.see(booking, {"stage": "HELD", "status": "PENDING", "pending": None, "seats": ["A1"]})
    assert known.pick("UNKNOWN") is None
    assert known.pick("HELD", "CONFIRMED") is booking

    known.see(booking, {"stage": "HELD", "status": "PENDING", "pending": "CONFIRM", "seats": ["A1"]})
    assert known.pick("HELD") is None
    known.forget(booking)
    assert known.pick("ASKED") is None


def against(
    answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]], times: int = 1
) -> list[object]:
    """Return what a client gets from a server that answers like this: status and body, or the error."""

    async def run() -> list[object]:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await answer(reader, writer)
            finally:
                writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        wire = AsyncClient("127.0.0.1", server.sockets[0].getsockname()[1])
        made: list[object] = []
        for _ in range(times):
            try:
                made.append(await wire.once(request("GET", "/x", token="t"), 0.2))
            except (Broken, NoAnswer) as error:
                made.append(error.code)
        wire.close()
        server.close()
        return made

    return asyncio.run(run())


async def read_head(reader: asyncio.StreamReader) -> bytes:
    return await reader.readuntil(b"\r\n\r\n")


def test_one_connection_serves_several_requests():
    heads: list[bytes] = []

    async def answer(reader, writer):
        while True:
            try:
                heads.append(await read_head(reader))
            except asyncio.IncompleteReadError:
                return
            writer.write(b'HTTP/1.1 202 Accepted\r\nContent-Length: 7\r\n\r\n{"a":1}')

    assert against(answer, 3) == [(202, {"a": 1})] * 3
    assert b"Authorization: Bearer t\r\n" in heads[0]


def test_a_connection_that_closes_before_the_answer_is_broken():
    async def answer(reader, writer):
        await read_head(reader)

    assert against(answer) == ["broken"]


@pytest.mark.parametrize("part", [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", b"HTTP/1.1 200 OK\r\nContent-Le"])
def test_half_an_answer_is_none(part):
    async def answer(reader, writer):
        await read_head(reader)
        writer.write(part)

    assert against(answer) == ["no_answer"]


def test_an_answer_after_the_deadline_is_none():
    async def answer(reader, writer):
        await reader.read()

    assert against(answer) == ["no_answer"]


def test_a_server_that_is_unavailable_is_a_broken_connection():
    async def run() -> None:
        with pytest.raises(Broken):
            await AsyncClient("127.0.0.1", 1).once(b"GET / HTTP/1.1\r\n\r\n", 1.0)

    asyncio.run(run())
