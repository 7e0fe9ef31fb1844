"""What a wipe excuses, and what it does not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from chaos.afterwards import lost_by_wipe
from chaos.evidence import Evidence, Wipe
from chaos.record import BOOK, Call
from core import ids

SECRET, USER = b"k" * 32, UUID(int=1)
ID = str(ids.booking_id(SECRET, 1, USER, "key"))


def evidence(*accepted: tuple[float, float], decided_at: float | None = None) -> Evidence:
    """One booking whose 202s were asked for and answered then; Redis was wiped from 10 to 11."""
    calls = [Call(0, BOOK, str(USER), 1, "key", {}, "", *times, 202, {"id": ID}) for times in accepted]
    rows: list[Any] = []
    if decided_at is not None:
        id_ = SimpleNamespace(ms=int(decided_at * 1000))
        rows.append(SimpleNamespace(booking_id=UUID(ID), kind=BOOK, part=0, outcome="CONFIRMED", id=id_))
    return Evidence(calls, rows, 4, SECRET, {}, wipes=[Wipe(10.0, 11.0)])


@pytest.mark.parametrize(
    ("accepted", "decided_at"),
    [
        ([(9.0, 9.1)], None),
        ([(10.9, 11.1)], None),  # taken before, answered after
        ([(9.0, 9.1), (12.0, 12.1)], 12.05),  # a client repeated it, and that was decided
    ],
)
def test_what_was_undecided_when_redis_was_wiped_is_lost_by_the_wipe(accepted, decided_at):
    assert lost_by_wipe(evidence(*accepted, decided_at=decided_at)) == {ID}


@pytest.mark.parametrize(
    ("accepted", "decided_at"),
    [
        ([(9.0, 9.1)], 9.05),
        ([(12.0, 12.1)], None),  # accepted after the wipe and gone: nothing excuses that
        ([(9.0, 9.1), (12.0, 12.1)], None),
    ],
)
def test_nothing_else_is(accepted, decided_at):
    assert lost_by_wipe(evidence(*accepted, decided_at=decided_at)) == frozenset()
