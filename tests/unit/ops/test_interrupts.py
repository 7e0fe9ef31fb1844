"""Signals during a rehearsal: they cancel the crowd, and interrupt nothing else in the middle."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator

import pytest

from ops.rehearse.interrupts import SIGNALS, Interrupts


@pytest.fixture(autouse=True)
def foreground() -> Iterator[None]:
    """A test run in the background ignores SIGINT."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_cancels_the_crowd_which_may_clean_up(number: signal.Signals) -> None:
    steps = []

    async def crowd() -> None:
        asyncio.get_running_loop().call_soon(signal.raise_signal, number)
        try:
            await asyncio.Event().wait()
        finally:
            steps.append("cleaned up")

    with Interrupts() as interrupts, pytest.raises(KeyboardInterrupt):
        interrupts.run(crowd())

    assert steps == ["cleaned up"]


def test_a_signal_in_between_interrupts_nothing_until_it_is_looked_for() -> None:
    async def crowd() -> str:
        await asyncio.sleep(0)
        return "went on"

    with Interrupts() as interrupts:
        interrupts.check()
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            interrupts.check()
        with pytest.raises(KeyboardInterrupt):
            interrupts.run(crowd())
        with pytest.raises(KeyboardInterrupt), interrupts.raising():
            raise AssertionError("not reached")


def test_a_signal_interrupts_work_that_leaves_nothing_to_clean_up_once() -> None:
    with Interrupts() as interrupts:
        with pytest.raises(KeyboardInterrupt), interrupts.raising():
            signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)  # outside of it


def test_without_a_signal_the_result_is_returned_and_the_handlers_are_as_before() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]

    async def crowd() -> int:
        return 7

    with Interrupts() as interrupts:
        assert interrupts.run(crowd()) == 7

    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_a_command_in_the_background_still_ignores_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    with Interrupts() as interrupts:
        signal.raise_signal(signal.SIGINT)
        interrupts.check()
