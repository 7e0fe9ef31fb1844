"""Rivals that run between two steps of another process, and switches that disable a rule of docs/locking.md.

A test names the exact moment, so nothing depends on timing: `comes_after` and `comes_before` let a rival do all of
its work there; `together` is for rivals that must wait for each other.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, text

from core.errors import PostgresUnavailable
from core.operations import StreamId
from db.kv import scripts
from db.kv.scripts import Script
from db.postgres import fences, seats
from db.postgres.engine import as_json, transaction
from db.postgres.fences import Fence
from db.postgres.seats import SeatChange
from tests.support.stage import Stage
from workers import batch as batches

LANES = 4


def result(work: Callable[[], Any]) -> Any:
    """Return what `work` returns or raises."""
    try:
        return work()
    except Exception as error:  # noqa: BLE001 - the test checks which one it was
        return error


def together(*works: Callable[[], Any]) -> list[Any]:
    """Run these at the same time; return what each returned or raised."""
    results: list[Any] = [None] * len(works)
    start = threading.Barrier(len(works))

    def run(number: int, work: Callable[[], Any]) -> None:
        start.wait(10)
        results[number] = result(work)

    threads = [threading.Thread(target=run, args=item) for item in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


def comes_after(patch: pytest.MonkeyPatch, where: Any, name: str, rival: Callable[[], Any]) -> list[Any]:
    """Run a rival once, right after the next call of `where.name` and before its caller continues.

    Returns a list that will contain what the rival returned or raised; it is empty until the rival has run.
    """
    return _interrupt(patch, where, name, rival, before=False)


def comes_before(patch: pytest.MonkeyPatch, where: Any, name: str, rival: Callable[[], Any]) -> list[Any]:
    """Do the same as `comes_after`, but right before the call."""
    return _interrupt(patch, where, name, rival, before=True)


def _interrupt(
    patch: pytest.MonkeyPatch, where: Any, name: str, rival: Callable[[], Any], *, before: bool
) -> list[Any]:
    call, came = getattr(where, name), list[Any]()

    def interrupted(*arguments: Any, **more: Any) -> Any:
        patch.setattr(where, name, call)  # the rival calls it, too
        if before:
            came.append(result(rival))
        try:
            return call(*arguments, **more)
        finally:
            if not before:
                came.append(result(rival))

    patch.setattr(where, name, interrupted)
    return came


def somebody_waits(engine: Engine) -> int:
    """Return how many transactions wait for a lock."""
    with transaction(engine) as connection:
        return int(connection.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar_one())


@contextmanager
def fails_at_commit(engine: Engine) -> Iterator[Connection]:
    """Run a transaction that is rolled back instead of committed, because Postgres becomes unavailable."""
    with transaction(engine) as connection:
        yield connection
        raise PostgresUnavailable


@contextmanager
def loses_the_answer(engine: Engine) -> Iterator[Connection]:
    """Run a transaction that is committed, but whose answer is lost."""
    with transaction(engine) as connection:
        yield connection
    raise PostgresUnavailable


def variant(stage: Stage, patch: pytest.MonkeyPatch, name: str, *changes: tuple[str, str]) -> None:
    """Replace parts of a Lua script: each change is a text that occurs once, and its replacement."""
    source = getattr(scripts, name).source
    for old, new in changes:
        assert source.count(old) == 1, f"{name} does not say {old!r} once"
        source = source.replace(old, new)
    patch.setattr(scripts, name, Script(source, stage.stores.client.script_load(source)))


def owners_unchecked(patch: pytest.MonkeyPatch) -> None:
    """Disable rule 8: set a seat's new owner without checking the old one."""

    def record(connection: Connection, changes: list[SeatChange]) -> None:
        statement = text("""
            UPDATE seats
            SET booking_id = change.after, status = change.status
            FROM json_to_recordset(CAST(:changes AS json))
                AS change (show_id integer, label text, after uuid, status text)
            WHERE seats.show_id = change.show_id AND seats.label = change.label
        """)
        connection.execute(statement, {"changes": as_json(changes)})

    patch.setattr(seats, "record", record)


def lane_unlocked(patch: pytest.MonkeyPatch) -> None:
    """Disable rule 1: read a lane's row without locking it."""

    def read(connection: Connection, lane: int) -> Fence:
        row = connection.execute(text("SELECT * FROM lanes WHERE lane = :lane"), {"lane": lane}).one()
        return Fence(lane, row.epoch, StreamId(row.stream_ms, row.stream_seq), row.seq, row.decided_ms)

    patch.setattr(fences, "lock", read)


def shows_unlocked(patch: pytest.MonkeyPatch) -> None:
    """Disable rule 5: read shows without locking them."""

    def read(connection: Connection, show_ids: list[int]) -> dict[int, Any]:
        rows = [batches.shows.get(connection, show_id) for show_id in show_ids]
        return {row.id: row for row in rows if row is not None}

    patch.setattr(batches.shows, "lock", read)


def uniqueness_dropped(stage: Stage) -> None:
    """Drop the constraints that keep a booking or a decision from being recorded twice."""
    with transaction(stage.stores.engine) as connection:
        connection.execute(text("ALTER TABLE bookings DROP CONSTRAINT bookings_pkey"))
        connection.execute(text("ALTER TABLE journal DROP CONSTRAINT journal_pkey"))
        connection.execute(text("ALTER TABLE journal DROP CONSTRAINT journal_decided_once"))


def live_owners(stage: Stage, show: int, label: str) -> list[UUID]:
    """Return the live bookings that list a seat as theirs: two if it was sold twice."""
    statement = text("""
        SELECT id
        FROM bookings
        WHERE show_id = :show AND status IN ('PENDING', 'CONFIRMED') AND :label = ANY (seats)
        ORDER BY accepted_at, id
    """)
    with transaction(stage.stores.engine) as connection:
        return list(connection.execute(statement, {"show": show, "label": label}).scalars())


def neighbours(stage: Stage) -> tuple[int, int]:
    """Return two shows of one lane, which is not lane 0."""
    shows = [stage.show() for _ in range(LANES + 1)]
    return next((one, other) for one in shows for other in shows if one < other and one % LANES == other % LANES != 0)


def book_in_lane_0(stage: Stage, *wanted: tuple[int, str]) -> list[UUID]:
    """Accept bob's Books, in this order, as if every show were in lane 0: a bug that computes lanes in two ways."""
    stage.limit(lanes=1)
    try:
        for show, _ in wanted:
            stage.publish_card(show)
        return [stage.book(show, label, user=stage.bob) for show, label in wanted]
    finally:
        stage.limit(lanes=LANES)
