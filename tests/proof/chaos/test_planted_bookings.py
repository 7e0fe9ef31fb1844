"""The oracle passes a clean run, and finds planted bugs: seats, lost or repeated work, keys, outcomes, deadlines."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from core import ids
from core.bookings import Verdict
from core.decide import decide
from core.errors import PostgresUnavailable
from db.kv import keys, scripts
from db.kv.scripts import Script
from db.postgres.engine import transaction
from proof.kit.waiting import until
from tests.proof.chaos.recorded_run import RecordedRun
from workers import batch as batches
from workers import record as recording
from workers.batch import run_batch
from workers.publish import publish


def test_a_clean_run_breaks_nothing(run: RecordedRun) -> None:
    show = run.stage.show(rows=3, seats=6, hold_ms=300, seats_per_user=4)
    people = [uuid4() for _ in range(6)]
    drains = threading.Thread(target=lambda: [run.stage.drain() for _ in range(30)])
    drains.start()
    for number in range(40):
        user = people[number % 6]
        call = (
            run.book(show, f"A{number % 6 + 1}", user=user) if number % 2 else run.book(show, quantity=1, user=user)
        )
        again = run.book(show, user=user, key=call.key, **call.asked)
        if call.accepted:
            assert again.said["id"] == call.said["id"]
            run.spy(call, people[(number + 1) % 6])
        else:
            assert call.said["code"] in ("seat_taken", "limit_reached", "too_many_bookings")
        held = run.book(show, quantity=1, hold=True, user=user)
        if held.accepted:
            (run.confirm, run.cancel)[number % 2](held)
            run.look(held)
        run.read(show)
    drains.join()

    verdict = run.judged()

    assert verdict.violations == 0, verdict.examples
    assert len(verdict.counts) == 13


# -- I1 -----------------------------------------------------------------------------------------------------


def test_seats_read_before_the_lock_and_taken_from_anybody(run: RecordedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    show = run.stage.show()
    early = read_states(run, show, monkeypatch)
    run.book(show, "A1")
    run.drain()
    with monkeypatch.context() as planted:
        planted.setattr(batches, "load_states", early)
        planted.setattr(recording.seats, "record", take_from_anybody)
        run.book(show, "A1", user=run.stage.bob)
        run.drain()

    assert run.judged().broken == {"I1", "I6", "I8"}


def read_states(run: RecordedRun, show: int, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Return what a batch reads of the show now, for a later batch to use."""
    load, read = batches.load_states, []
    run.book(show, "A1", user=uuid4(), key="early")

    def keep(connection: Any, *arguments: Any) -> Any:
        read.append(load(connection, *arguments))
        raise PostgresUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(batches, "load_states", keep)
        with suppress(PostgresUnavailable):
            run_batch(run.stage.stores, show % 4, 500)
    run.stage.stores.client.delete(keys.lane(show % 4), *run.stage.stores.client.keys("*booking*"))
    run.record.calls.clear()
    return lambda *_: read[0]


def take_from_anybody(connection: Any, changes: Any) -> None:
    statement = text("UPDATE seats SET status = :status, booking_id = :id WHERE show_id = :show AND label = :label")
    for change in changes:
        values = {"status": change.status, "id": change.after, "show": change.show_id, "label": change.label}
        connection.execute(statement, values)


# -- I2 -----------------------------------------------------------------------------------------------------


def test_an_entry_that_vanishes_from_its_lane(run: RecordedRun) -> None:
    show = run.stage.show()
    run.book(show, "A1")
    run.stage.stores.client.xtrim(keys.lane(show % 4), maxlen=0)

    assert run.judged().broken == {"I2", "I3"}


def test_trimming_before_the_commit(run: RecordedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    show = run.stage.show()
    run.book(show, "A1")
    record = batches.record

    def trim_and_fail(connection: Any, batch: Any) -> None:
        record(connection, batch)
        run.stage.stores.client.xtrim(keys.lane(show % 4), maxlen=0)
        raise PostgresUnavailable

    with monkeypatch.context() as planted:
        planted.setattr(batches, "record", trim_and_fail)
        run.drain()

    assert run.judged().broken == {"I2", "I3"}


def test_publishing_before_the_commit(run: RecordedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    show = run.stage.show()
    booked = run.book(show, "A1")
    record = batches.record

    def publish_and_fail(connection: Any, batch: Any) -> None:
        record(connection, batch)
        publish(run.stage.stores, batch, "token", None)
        raise PostgresUnavailable

    with monkeypatch.context() as planted:
        planted.setattr(batches, "record", publish_and_fail)
        run.drain()
    assert run.look(booked).said["status"] == "CONFIRMED"

    assert run.judged().broken == {"I2", "I4"}


def test_an_operation_decided_twice(run: RecordedRun) -> None:
    show = run.stage.show()
    booked = run.book(show, "A1")
    run.drain()
    with transaction(run.stage.stores.engine) as connection:
        connection.execute(text("""
            INSERT INTO journal (lane, seq, epoch, stream_ms, stream_seq, part, kind, show_id, booking_id, outcome,
                                 reason, operation, decision, decided_ms)
            SELECT lane, seq + 1, epoch, stream_ms + 1, stream_seq, part, kind, show_id, booking_id, outcome,
                   reason, operation, decision, decided_ms
              FROM journal WHERE booking_id = :id"""), {"id": booked.said["id"]})  # fmt: skip

    assert run.judged().broken == {"I2", "I6"}


# -- I3 -----------------------------------------------------------------------------------------------------


def test_a_late_drain_that_publishes_without_the_fence(run: RecordedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    show = run.stage.show()
    held = run.book(show, "A1", hold=True)
    late = run_batch(run.stage.stores, show % 4, 500)
    assert late is not None
    run.confirm(held)
    run.drain()
    assert run.look(held).said["status"] == "CONFIRMED"
    source = scripts.FINISH.source
    for guard in ("if same_life and not mine and served >= ticket then return {0} end",
                  "not known or tonumber(known) < tonumber(version)"):  # fmt: skip
        assert guard in source
        source = source.replace(guard, "" if guard.endswith("end") else "true")
    with monkeypatch.context() as planted:
        planted.setattr(scripts, "FINISH", Script(source, hashlib.sha1(source.encode()).hexdigest()))
        publish(run.stage.stores, late, "late", None)

    assert run.judged().broken == {"I3", "I9"}


def test_an_accepted_booking_that_is_unknown_later(run: RecordedRun) -> None:
    show = run.stage.show()
    booked = run.book(show, "A1")
    client = run.stage.stores.client
    client.delete(keys.lane(show % 4), *client.keys("*booking*"))
    run.look(booked)

    assert run.judged().broken == {"I2", "I3"}


# -- I4, I5 -------------------------------------------------------------------------------------------------


def test_a_key_that_is_ignored(run: RecordedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    show = run.stage.show()
    derive = ids.booking_id
    with monkeypatch.context() as planted:
        planted.setattr(ids, "booking_id", lambda secret, show_id, user, _key: derive(secret, show_id, user, None))
        for _ in range(2):
            run.book(show, "A1", key="the same")
        run.drain()

    assert run.judged().broken == {"I2", "I4", "I5"}


def test_another_outcome_than_the_recorded_one(run: RecordedRun) -> None:
    show = run.stage.show()
    booked = run.book(show, "A1")
    run.drain()
    client = run.stage.stores.client
    [status] = client.keys("*booking*")
    client.hset(status, "b", str(client.hget(status, "b")).replace("CONFIRMED", "FAILED"))
    run.look(booked)

    assert run.judged().broken == {"I4"}


def test_an_outcome_that_no_client_requested(run: RecordedRun) -> None:
    show = run.stage.show()
    run.book(show, "A1")
    run.stage.book(show, "A2", user=run.stage.bob)
    run.drain()

    assert run.judged().broken == {"I5"}


def test_a_booking_that_is_withdrawn_without_a_cancel(run: RecordedRun) -> None:
    show = run.stage.show()
    booked = run.book(show, "A1")
    run.stage.stores.client.hset(keys.withdrawn(show % 4), UUID(booked.said["id"]).hex, "1-1")
    run.drain()

    assert run.judged().broken == {"I5"}


def test_a_booking_that_its_owner_cancels_while_it_is_queued_breaks_nothing(run: RecordedRun) -> None:
    show = run.stage.show()
    booked = run.book(show, "A1")
    run.book(show, "A1", user=run.stage.bob)
    run.cancel(booked)
    run.drain()

    assert run.look(booked).said["status"] == "CANCELLED"
    assert run.judged().broken == set()


def test_a_booking_that_expires_in_the_queue_before_its_time(
    run: RecordedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    show = run.stage.show()
    run.book(show, "A1", give_up_after_ms=60_000)
    with monkeypatch.context() as planted:
        planted.setattr(batches.verdicts, "of", lambda *_: Verdict.OVERDUE)
        run.drain()

    assert run.judged().broken == {"I5"}


def test_a_booking_that_is_sold_after_its_give_up_time(run: RecordedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    show = run.stage.show()
    run.book(show, "A1", give_up_after_ms=1)
    late_ms = int(time.time() * 1000) + 2
    until(lambda: time.time() * 1000 > late_ms)
    with monkeypatch.context() as planted:
        planted.setattr(batches, "decide", decide_at_once)
        run.drain()

    assert run.judged().broken == {"I5", "I6"}


def decide_at_once(state: Any, entry: Any, decided_ms: int, verdict: Any) -> Any:
    """Decide as of the accepted time; the journal's rows have the real decided time."""
    made = decide(state, entry, entry.accepted_ms, verdict)
    return [replace(decision, decided_ms=decided_ms) for decision in made]


def test_a_hold_that_expires_before_its_time(run: RecordedRun) -> None:
    show = run.stage.show()
    run.book(show, "A1", hold=True)
    run.drain()
    run.stage.let_holds_lapse(show)
    run.stage.expire(show)

    assert run.judged().broken == {"I5", "I6"}
