"""The crash run's cases are drawn by the seed alone, and its record notices what may not be."""

from __future__ import annotations

from typing import Any

import pytest

from core.crash_points import POINTS, Fault, faults_of
from proof.crash.asked import Asked
from proof.crash.cases import draw

EVERY = [*POINTS]


def test_all_cases_are_every_point_with_every_fault_it_can_have() -> None:
    cases = draw(EVERY, list(Fault), None, 1)

    assert [(case.point, case.fault) for case in cases] == [
        (name, fault) for name in POINTS for fault in faults_of(name)
    ]


def test_a_sample_has_every_exit_and_so_many_others_and_the_seed_draws_it() -> None:
    cases = draw(EVERY, list(Fault), 8, 1)

    assert [case.point for case in cases if case.fault is Fault.EXIT] == EVERY
    assert len(cases) == len(EVERY) + 8
    assert cases == draw(EVERY, list(Fault), 8, 1)
    assert cases != draw(EVERY, list(Fault), 8, 2)


def test_a_case_alone_is_the_case_that_it_was_among_all() -> None:
    for case in draw(EVERY, list(Fault), None, 7):
        assert draw([case.point], [case.fault], None, 7) == [case]


def body(status: str, stage: str | None = None, id_: str = "one") -> dict[str, Any]:
    return {"id": id_, "status": status, "stage": stage, "reason": None}


def asked() -> Asked:
    return Asked(1, {}, frozenset({"CONFIRMED"}))


def test_what_a_client_saw_may_only_move_forward() -> None:
    one = asked()
    for status, stage in (("PENDING", "QUEUED"), ("PENDING", "HELD"), ("CONFIRMED", None), ("CANCELLED", None)):
        one.saw(200, body(status, stage))

    assert one.wrong == []
    assert one.seen == ["QUEUED", "HELD", "CONFIRMED", "CANCELLED"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (body("CONFIRMED"), body("PENDING", "QUEUED")),
        (body("PENDING", "HELD"), body("PENDING", "QUEUED")),
        (body("FAILED"), body("CONFIRMED")),
        (body("CANCELLED"), body("FAILED")),
        (body("CONFIRMED"), body("CONFIRMED", id_="another")),
    ],
)
def test_what_moves_back_or_becomes_another_is_wrong(first: dict[str, Any], second: dict[str, Any]) -> None:
    one = asked()
    one.saw(200, first)

    one.saw(200, second)

    assert len(one.wrong) == 1


def test_an_answer_that_is_no_booking_is_wrong() -> None:
    one = asked()

    one.saw(404, {"code": "no_such_booking"})

    assert len(one.wrong) == 1
    assert one.ended == ""
