"""Thread pools for an event loop: many calls wait for few threads, for a limited time; equal calls are made once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any

import pytest

from api.web.errors import Busy
from api.web.threads import Threads


def run(threads: Threads, work: Coroutine[Any, Any, Any]) -> Any:
    try:
        return asyncio.run(work)
    finally:
        threads.close()


def test_a_thousand_different_calls_at_once_all_return() -> None:
    threads = Threads(8, waiting=8_000, patience_s=20, name="test")

    async def ask() -> list[int]:
        return await asyncio.gather(*(threads.once(abs, -number) for number in range(1_000)))

    assert run(threads, ask()) == list(range(1_000))


def test_equal_calls_are_made_once() -> None:
    threads, asked = Threads(4, waiting=0, patience_s=20, name="test"), []

    def answer(number: int) -> int:
        asked.append(number)
        return number

    async def ask() -> list[int]:
        return await asyncio.gather(*(threads.once(answer, 7) for _ in range(100)))

    assert run(threads, ask()) == [7] * 100
    assert asked == [7]


def test_an_error_reaches_all_callers_and_is_not_remembered() -> None:
    threads = Threads(1, waiting=10, patience_s=20, name="test")

    async def ask() -> list[Any]:
        first = await asyncio.gather(*(threads.once(int, "x") for _ in range(3)), return_exceptions=True)
        return [*first, await threads.once(int, "1")]

    *errors, one = run(threads, ask())
    assert [type(error) for error in errors] == [ValueError] * 3
    assert one == 1


@pytest.mark.parametrize("waiting", [0, 5])
def test_a_call_without_room_or_without_a_thread_in_time_is_rejected_and_not_run(waiting: int) -> None:
    threads, go_on, ran = Threads(2, waiting=waiting, patience_s=0.05, name="test"), threading.Event(), []

    async def ask() -> Any:
        held = [asyncio.create_task(threads.run(go_on.wait, 20)) for _ in range(2)]
        await asyncio.sleep(0)  # both have been submitted
        late = await asyncio.gather(threads.run(ran.append, 1), return_exceptions=True)
        go_on.set()
        await asyncio.gather(*held)
        return late, await threads.run(len, ran)

    late, length = run(threads, ask())
    assert [type(error) for error in late] == [Busy]
    assert length == 0


def test_a_running_call_is_waited_for() -> None:
    threads, go_on = Threads(1, waiting=0, patience_s=0.01, name="test"), threading.Event()

    async def ask() -> Any:
        call = asyncio.create_task(threads.run(go_on.wait, 20))
        done, _ = await asyncio.wait({call}, timeout=0.1)
        go_on.set()
        return done, await call

    assert run(threads, ask()) == (set(), True)
