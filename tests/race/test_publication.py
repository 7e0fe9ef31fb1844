"""Rules 6, 7 and 11 of docs/locking.md: what of a batch is published in Redis, and when. With negative controls."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from core.bookings import Status
from core.errors import PostgresWentBack
from core.halls import Hall
from db.kv import admission, keys, scripts, statuses
from db.kv.admission import AcceptReply
from db.postgres import bookings
from db.postgres.engine import transaction
from proof.kit.shows import plan
from proof.kit.taken_seats import known_version
from tests.race.rivals import LANES, fails_at_commit, variant
from tests.support.stage import Stage
from workers import batch as batches
from workers import drain as drains
from workers.batch import Batch, run_batch
from workers.publish import publish


def somebody_else_drains(stage: Stage, show: int) -> int:
    """Let the failed drain's lease lapse, and drain again; return how many entries were decided."""
    stage.stores.client.delete(keys.lease(show % LANES))
    return stage.drain(show)


# -- rule 6: publish after COMMIT has returned, trim in the same script -------------------------------------


def book_while_commit_fails(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> tuple[int, UUID]:
    """Decide and record alice's booking; then Postgres rolls it back instead of committing it."""
    show = stage.show()
    booking = stage.book(show, "A1")
    with monkeypatch.context() as patch:
        patch.setattr(batches, "transaction", fails_at_commit)
        assert stage.drain(show) == 0
    return show, booking


@pytest.mark.rule(number=6)
def test_nothing_is_published_of_a_batch_that_is_not_committed(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    show, booking = book_while_commit_fails(stage, monkeypatch)

    assert stage.status(booking) == {}
    assert somebody_else_drains(stage, show) == 1
    assert stage.status(booking)["status"] == "CONFIRMED"
    stage.proven()


@pytest.mark.without_rule(number=6)
def test_published_before_commit_a_booking_is_shown_and_lost_and_its_lane_stops(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = batches.record

    def record_and_publish(connection: Any, batch: Batch) -> None:
        record(connection, batch)
        publish(stage.stores, batch, "token", None)

    with monkeypatch.context() as patch:
        patch.setattr(batches, "record", record_and_publish)
        show, booking = book_while_commit_fails(stage, monkeypatch)

    assert stage.status(booking)["status"] == "CONFIRMED"
    assert stage.stores.client.xlen(keys.lane(show % LANES)) == 0
    with transaction(stage.stores.engine) as connection:
        assert bookings.get(connection, booking) is None
    stage.book(show, "A1", user=stage.bob)
    with pytest.raises(PostgresWentBack):
        run_batch(stage.stores, show % LANES, 500)


@pytest.mark.without_rule(number=6)
def test_if_a_separate_script_trims_an_outcome_is_never_published(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    show = stage.show()
    booking = stage.book(show, "A1")

    def trim_and_die(_stores: Any, batch: Batch, *_: Any) -> bool:
        stage.stores.client.xtrim(keys.lane(batch.fence.lane), minid=f"{batch.upto.ms}-{batch.upto.seq + 1}")
        return True

    with monkeypatch.context() as patch:
        patch.setattr(drains, "publish", trim_and_die)
        stage.drain(show)

    assert somebody_else_drains(stage, show) == 0
    assert stage.booking(booking).status is Status.CONFIRMED
    assert stage.status(booking) == {}, "and its buyer waits"


# -- rule 7: every publication is a compare-and-set on a version --------------------------------------------


def zombie_after_a_wipe(stage: Stage) -> tuple[int, UUID]:
    """A drain has committed alice's hold of the only seat, and is suspended. Others publish it; she cancels; Redis is
    wiped, and gets the booking and the show again from Postgres. Then the drain resumes and publishes."""
    show = stage.show(rows=1, seats=1)
    booking = stage.book(show, "A1", hold=True)
    zombie = run_batch(stage.stores, show % LANES, 500)
    assert zombie is not None
    stage.drain(show)
    stage.cancel(booking)
    stage.drain(show)
    client = stage.stores.client
    client.flushdb()
    stage.publish_card(show)
    client.script_load(scripts.PUT_IF_NEWER.source)
    client.execute_command(*statuses.publish_command(stage.booking(booking), LANES, 60))

    publish(stage.stores, zombie, "zombie", None)
    return show, booking


@pytest.mark.rule(number=7)
def test_a_drain_that_wakes_up_late_sets_nothing_back(stage: Stage) -> None:
    show, booking = zombie_after_a_wipe(stage)

    assert stage.status(booking)["status"] == "CANCELLED"
    assert stage.accept(stage.operation(show, "A1", user=stage.bob)).code == "ACCEPTED"


@pytest.mark.without_rule(number=7)
def test_without_the_comparison_it_sets_status_and_card_back(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    variant(
        stage,
        monkeypatch,
        "FINISH",
        ("if not known or tonumber(known) < tonumber(version) then", "if true then"),
        ("local newer = not v or tonumber(v) < tonumber(new.v)", "local newer = true"),
    )

    show, booking = zombie_after_a_wipe(stage)

    assert stage.status(booking)["stage"] == "HELD"
    assert stage.accept(stage.operation(show, "A1", user=stage.bob)).code == "SOLD_OUT"


def repeat_in_a_new_life(stage: Stage) -> tuple[AcceptReply, int]:
    """A batch of three entries is committed, and Redis wiped. Bob books, then the batch is published, and bob repeats
    his key. Returns the reply to that, and the number of his entries in the lane."""
    show = stage.show()
    for number in (1, 2, 3):
        stage.book(show, f"A{number}")
    batch = run_batch(stage.stores, show % LANES, 500)
    assert batch is not None
    stage.stores.client.flushdb()
    stage.publish_card(show)
    bobs = stage.operation(show, "B1", user=stage.bob, key="k")
    assert stage.accept(bobs).code == "ACCEPTED"

    publish(stage.stores, batch, "late", None)
    return stage.accept(bobs), stage.stores.client.xlen(keys.lane(show % LANES))


@pytest.mark.rule(number=7)
def test_a_batch_of_another_epoch_touches_no_lane(stage: Stage) -> None:
    repeated, entries = repeat_in_a_new_life(stage)

    assert (repeated.code, entries) == ("SAME", 1)


@pytest.mark.without_rule(number=7)
def test_a_batch_that_does_not_check_the_epoch_has_a_request_accepted_twice(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = "local same_life = meter[1] == batch.epoch and (given or still_there())"
    variant(stage, monkeypatch, "FINISH", (look, "local same_life = true"))

    repeated, entries = repeat_in_a_new_life(stage)

    assert (repeated.code, entries) == ("ACCEPTED", 2)


# -- rule 11: the taken seats that accept.lua trusts belong to one version of the show ----------------------


def ask(stage: Stage, show: int, label: str) -> AcceptReply:
    """Send bob's Book of one seat with the seat's index, so that accept.lua may refuse it if it is taken."""
    number = Hall.from_plan(0, plan(2, 5)).seat_index(label)
    operation = stage.operation(show, label, user=stage.bob)
    return admission.accept(stage.stores.rounds, operation, lanes=LANES, cap=1_000, lease_ms=2_000, seats=[number])


def cancelled_by_a_batch_that_was_not_published(stage: Stage) -> int:
    """Redis has A1 and B1 as taken. Alice cancels B1; the worker that has decided this is killed before it publishes;
    another one decides the next batch, and publishes both."""
    show = stage.show()
    for user, label in ((stage.alice, "A1"), (stage.bob, "A1"), (stage.bob, "A2")):
        stage.book(show, label, user=user)
        stage.drain(show)
    given_back = stage.book(show, "B1")
    stage.drain(show)
    assert [ask(stage, show, label).code for label in ("A1", "B1")] == ["SEAT_TAKEN"] * 2
    stage.cancel(given_back)
    assert run_batch(stage.stores, show % LANES, 500) is not None
    stage.book(show, "B2")
    stage.drain(show)
    return show


@pytest.mark.rule(number=11)
def test_if_versions_do_not_match_no_seat_is_refused(stage: Stage) -> None:
    show = cancelled_by_a_batch_that_was_not_published(stage)

    assert known_version(stage.stores.client, show, LANES) is None
    assert ask(stage, show, "B1").code == "ACCEPTED"


@pytest.mark.without_rule(number=11)
def test_without_versions_a_free_seat_is_refused(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    variant(stage, monkeypatch, "FINISH", ("(known ~= new.v and known ~= new.before) or ", ""))

    show = cancelled_by_a_batch_that_was_not_published(stage)

    assert stage.seats(show)["B1"] == ("AVAILABLE", None)
    assert ask(stage, show, "B1").code == "SEAT_TAKEN"
