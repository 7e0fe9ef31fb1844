"""Rule 12 of docs/locking.md: what `decide` reads changes only in the lane, so it can be replayed. With controls."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from core.bookings import Reason, Status, Verdict
from core.decide import decide, fail
from core.operations import Entry
from core.state import ShowState
from db.kv import keys, lanes
from db.postgres.engine import transaction
from ops.verify import verify
from tests.race.rivals import LANES, comes_before
from tests.support.stage import Stage
from workers import batch as batches


def unproven(stage: Stage) -> list[str]:
    """Return the differences between the journal and its replay."""
    violations = verify(stage.stores.settings.database_url).violations
    return [violation for violation in violations if violation.startswith("journal") and "replay" in violation]


def book_two(stage: Stage) -> tuple[int, UUID]:
    """Accept bob's Book of two seats, at a show with ten seats per user."""
    show = stage.show(seats_per_user=10)
    return show, stage.book(show, "A1", "A2", user=stage.bob)


@pytest.mark.rule(number=12)
def test_a_limit_that_is_lowered_while_a_batch_is_at_work_counts_from_its_place_in_the_lane(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    show, before = book_two(stage)
    came = comes_before(monkeypatch, batches.shows, "lock", lambda: stage.change(show, seats_per_user=1))
    stage.drain(show)
    after = stage.book(show, "A3", "A4")
    stage.drain(show)

    assert came[0].code == "ACCEPTED"
    assert stage.booking(before).status is Status.CONFIRMED
    assert stage.booking(after).reason is Reason.LIMIT_REACHED
    stage.proven()


@pytest.mark.without_rule(number=12)
def test_a_limit_that_is_lowered_outside_the_lane_cannot_be_replayed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request accepted before the change is refused because of it, and the journal does not show why."""
    show, before = book_two(stage)

    def lower_the_limit() -> None:
        statement = text("UPDATE shows SET settings = settings || '{\"seats_per_user\": 1}' WHERE id = :id")
        with transaction(stage.stores.engine) as connection:
            connection.execute(statement, {"id": show})

    came = comes_before(monkeypatch, batches.shows, "lock", lower_the_limit)
    stage.drain(show)

    assert came == [None]
    assert stage.booking(before).reason is Reason.LIMIT_REACHED
    assert unproven(stage) != []


def cancel_while_it_is_decided(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> tuple[UUID, UUID]:
    """Queue alice's Book of A1, then bob's. Her Cancel is accepted when a drain has the lock but has not read yet."""
    show = stage.show()
    alices, bobs = stage.book(show, "A1"), stage.book(show, "A1", user=stage.bob)
    stage.limit(batch=2)
    came = comes_before(monkeypatch, lanes, "peek", lambda: stage.cancel(alices))
    stage.drain(show)
    assert came[0].code == "ACCEPTED"
    assert stage.stores.client.xlen(keys.lane(show % LANES)) == 1, "her Cancel is not in this batch"
    return alices, bobs


@pytest.mark.rule(number=12)
def test_what_only_the_worker_knows_is_in_the_outcome(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    alices, bobs = cancel_while_it_is_decided(stage, monkeypatch)

    assert stage.booking(alices).status is Status.CANCELLED
    assert stage.booking(bobs).status is Status.CONFIRMED
    stage.proven()


@pytest.mark.without_rule(number=12)
def test_what_only_the_worker_knows_and_does_not_record_cannot_be_replayed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse_the_withdrawn(state: ShowState, entry: Entry, at_ms: int, verdict: Verdict | None) -> Any:
        if verdict is Verdict.WITHDRAWN:
            return fail(state, entry, at_ms, Reason.SOLD_OUT)[0]
        return decide(state, entry, at_ms, verdict)

    monkeypatch.setattr(batches, "decide", refuse_the_withdrawn)
    alices, bobs = cancel_while_it_is_decided(stage, monkeypatch)

    assert stage.booking(alices).reason is Reason.SOLD_OUT
    assert stage.booking(bobs).status is Status.CONFIRMED
    assert unproven(stage) != []
