"""What a wipe excuses, and what it does not."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from core import ids
from proof.chaos.afterwards import lost_by_wipe
from proof.chaos.evidence import Evidence, Wipe
from proof.chaos.record import BOOK, Call

SECRET, USER = b"k" * 32, UUID(int=1)
ID = str(ids.booking_id(SECRET, 1, USER, "key"))


WIPED, WENT_BACK = Wipe(10.0, 11.0), Wipe(10.0, 11.0, back_to=8.0)


def evidence(*accepted: tuple[float, float], decided_at: float | None = None, wipe: Wipe = WIPED) -> Evidence:
    """One booking whose 202s were asked for and answered then; Redis was wiped from 10 to 11."""
    calls = [Call(0, BOOK, str(USER), 1, "key", {}, "", *times, 202, {"id": ID}) for times in accepted]
    rows: list[Any] = []
    if decided_at is not None:
        id_ = SimpleNamespace(ms=int(decided_at * 1000))
        row = SimpleNamespace(booking_id=UUID(ID), kind=BOOK, part=0, outcome="CONFIRMED", id=id_, lane=1, seq=1,
                              operation={})  # fmt: skip
        rows.append(row)
    return Evidence(calls, rows, 4, SECRET, {}, wipes=[wipe])


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


def test_redis_that_goes_back_loses_what_was_accepted_since_and_nothing_older():
    assert lost_by_wipe(evidence((9.0, 9.1), wipe=WENT_BACK)) == {ID}
    assert lost_by_wipe(evidence((7.9, 8.1), wipe=WENT_BACK)) == {ID}
    assert lost_by_wipe(evidence((9.0, 9.1), (12.0, 12.1), decided_at=12.05, wipe=WENT_BACK)) == {ID}
    assert lost_by_wipe(evidence((7.0, 7.1), wipe=WENT_BACK)) == frozenset()
    assert lost_by_wipe(evidence((12.0, 12.1), wipe=WENT_BACK)) == frozenset()


def test_what_was_seen_before_redis_went_back_may_be_seen_older_for_a_while():
    went_back = replace(evidence((9.0, 9.1), wipe=WENT_BACK), stale_s=15.0)

    assert went_back.stale_until(9.5) == 26.0
    assert went_back.stale_until(12.0) == 0.0
    assert replace(went_back, wipes=[WIPED]).stale_until(9.5) == 0.0


def test_where_ids_are_ahead_the_record_tells_the_time():
    found = evidence((9.0, 9.1), decided_at=300.0)
    [row] = found.rows
    row.decided_ms = 300_000

    ahead = replace(found, ahead=frozenset({1}), recorded={(1, 1): 9.05})

    assert (found.accepted_at(row), found.decided_at(row)) == (300.0, 300.0)
    assert (ahead.accepted_at(row), ahead.decided_at(row)) == (9.05, 9.05)
    row.operation["accepted_ms"] = 9_020
    assert ahead.accepted_at(row) == 9.02
