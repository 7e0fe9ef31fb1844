"""Answers that a buyer must never get, and the gate's fairness."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ops.rush.gate import Gate
from ops.rush.picks import Pick
from ops.rush.witness import Witness

NAMED = Pick(("A1", "A2"), 2, None, False)
BEST = Pick((), 2, None, False)
HOLD = Pick(("A1", "A2"), 2, None, True)


def status_body(status: str, stage: str | None = None, *, id: str = "b1", **more: Any) -> dict[str, Any]:
    return {"id": id, "status": status, "stage": stage, **more}


QUEUED, HELD = status_body("PENDING", "QUEUED"), status_body("PENDING", "HELD")
CONFIRMED = status_body("CONFIRMED", seats=["A1", "A2"])
FAILED = status_body("FAILED", reason="SEAT_TAKEN")


def violations(pick: Pick, *answers: dict[str, Any], confirm_sent: bool = False) -> list[str]:
    found: list[str] = []
    witness = Witness(pick, found.append)
    witness.confirm_sent = confirm_sent
    for answer in answers:
        witness.see(answer)
    return found


@pytest.mark.parametrize(
    ("pick", "answers"),
    [
        (NAMED, (QUEUED, QUEUED, CONFIRMED, CONFIRMED)),
        (NAMED, (FAILED,)),
        (BEST, (QUEUED, status_body("CONFIRMED", seats=["C3", "C4"]))),
        (HOLD, (QUEUED, HELD, HELD, CONFIRMED)),
        (HOLD, (QUEUED, HELD, status_body("FAILED", reason="HOLD_EXPIRED"))),
        (NAMED, (QUEUED, status_body("CANCELLED"))),
    ],
)
def test_answers_in_order_are_no_violation(pick: Pick, answers: tuple[dict[str, Any], ...]) -> None:
    assert violations(pick, *answers, confirm_sent=True) == []


@pytest.mark.parametrize(
    ("pick", "answers", "text"),
    [
        (NAMED, (QUEUED, status_body("PENDING", "QUEUED", id="b2")), "two bookings"),
        (NAMED, (CONFIRMED, FAILED), "CONFIRMED became FAILED"),
        (NAMED, (FAILED, QUEUED), "FAILED became PENDING"),
        (HOLD, (HELD, QUEUED), "HELD became QUEUED"),
        (NAMED, (HELD,), "no hold was requested"),
        (NAMED, (status_body("CONFIRMED", seats=["A1", "A3"]),), "requested A1, A2"),
        (BEST, (status_body("CONFIRMED", seats=["A1"]),), "requested 2"),
        (BEST, (status_body("CONFIRMED", seats=["A1", "A1"]),), "requested 2"),
        (NAMED, (status_body("CONFIRMED", seats=[]),), "confirmed none"),
        (HOLD, (CONFIRMED,), "before a confirm was sent"),
        (NAMED, (status_body("SOLD"),), "unknown status"),
        (NAMED, (status_body("PENDING", None),), "unknown stage"),
        (NAMED, ({"status": "PENDING", "stage": "QUEUED"},), "no id"),
    ],
)
def test_an_answer_that_breaks_a_rule_is_a_violation(
    pick: Pick, answers: tuple[dict[str, Any], ...], text: str
) -> None:
    found = violations(pick, *answers)

    assert len(found) == 1
    assert text in found[0]


def test_the_gates_two_queues_take_turns() -> None:
    async def pass_through() -> list[str]:
        gate = Gate(1)
        passed: list[str] = []

        async def person(queue: int, name: str) -> None:
            await gate.enter(queue)
            passed.append(name)
            gate.leave()

        await gate.enter(0)
        people = [asyncio.ensure_future(person(0, f"new{number}")) for number in range(4)]
        people += [asyncio.ensure_future(person(1, f"inside{number}")) for number in range(2)]
        await asyncio.sleep(0)
        gate.leave()
        await asyncio.gather(*people)
        return passed

    assert asyncio.run(pass_through()) == ["inside0", "new0", "inside1", "new1", "new2", "new3"]


def test_a_slot_handed_to_a_cancelled_request_is_not_lost() -> None:
    async def cancel_at_hand_over() -> None:
        gate = Gate(1)
        await gate.enter(0)
        gone, other = (asyncio.ensure_future(gate.enter(0)) for _ in range(2))
        await asyncio.sleep(0)
        gate.leave()
        gone.cancel()
        await asyncio.wait_for(other, 5)
        gate.leave()
        await asyncio.wait_for(gate.enter(0), 5)

    asyncio.run(cancel_at_hand_over())


def test_a_request_cancelled_in_the_queue_is_skipped() -> None:
    async def cancel_in_queue() -> None:
        gate = Gate(1)
        await gate.enter(0)
        gone, other = (asyncio.ensure_future(gate.enter(1)) for _ in range(2))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)
        gate.leave()
        await asyncio.wait_for(other, 5)

    asyncio.run(cancel_in_queue())
