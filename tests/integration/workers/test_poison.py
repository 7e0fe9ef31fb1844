"""Operations that cannot be read, decided or recorded: they are parked one by one, and the rest is decided."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from sqlalchemy import text

from core import ids, operations
from core.bookings import Reason, Status
from core.decide import decide
from core.operations import Book, dump
from db.kv import keys
from db.postgres.engine import transaction
from tests.support.stage import Stage
from workers import batch as batches
from workers import record as recording


@contextmanager
def poisoned(monkeypatch: pytest.MonkeyPatch, *seats: str) -> Iterator[None]:
    """Make `decide` raise for bookings of these seats."""

    def buggy(state: Any, entry: Any, *more: Any) -> Any:
        if set(getattr(entry.operation, "seats", ())) & set(seats):
            raise RuntimeError("boom")
        return decide(state, entry, *more)

    with monkeypatch.context() as patch:
        patch.setattr(batches, "decide", buggy)
        yield


def test_one_poison_operation_fails_alone_and_is_parked(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    show = stage.show()
    bookings = {seat: stage.book(show, seat) for seat in ("A1", "A2", "A3", "A4", "A5")}

    with poisoned(monkeypatch, "A3"):
        while stage.stores.client.xlen(keys.lane(show % 4)):
            stage.drain(show)

    assert stage.booking(bookings["A3"]).reason is Reason.INTERNAL
    others = [id_ for seat, id_ in bookings.items() if seat != "A3"]
    assert {stage.booking(id_).status for id_ in others} == {Status.CONFIRMED}
    assert [error for error, _ in parked(stage)] == ["RuntimeError: boom"]
    stage.proven()


def parked(stage: Stage) -> list[tuple[str, bytes]]:
    with transaction(stage.stores.engine) as connection:
        return [
            (row.error, bytes(row.payload)) for row in connection.execute(text("SELECT error, payload FROM parked"))
        ]


def test_three_poison_operations_in_a_row_stop_the_lane_until_the_program_is_fixed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    show = stage.show()
    seats = ("A1", "A2", "A3", "A4")
    bookings = [stage.book(show, seat) for seat in seats]
    lane = keys.lane(show % 4)

    with poisoned(monkeypatch, *seats):
        for _ in range(10):
            stage.stores.client.delete(keys.lease(show % 4))
            stage.drain(show)
    assert stage.stores.client.xlen(lane) == 1

    stage.stores.client.delete(keys.lease(show % 4))
    stage.drain(show)
    assert stage.booking(bookings[3]).status is Status.CONFIRMED
    stage.proven()


def put(stage: Stage, lane: int, payload: str) -> None:
    """Add a raw entry, as a broken or newer program might."""
    stage.stores.client.hsetnx(keys.meter(lane), "epoch", "e")
    ticket = stage.stores.client.hincrby(keys.meter(lane), "ticket", 1)
    stage.stores.client.xadd(keys.lane(lane), {"o": payload, "t": ticket})


@pytest.mark.parametrize("error", [KeyError("A3"), TypeError("no"), OverflowError("too large"), AttributeError("x")])
def test_an_operation_that_cannot_be_recorded_fails_alone_too(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Unexpected values may raise when a batch is written, not only when it is decided."""
    show = stage.show()
    bookings_ = {seat: stage.book(show, seat) for seat in ("A1", "A2", "A3", "A4")}
    real = recording._seat_changes

    def buggy(state: Any) -> Any:
        if state.owners.get("A3"):
            raise error
        return real(state)

    monkeypatch.setattr(recording, "_seat_changes", buggy)
    while stage.stores.client.xlen(keys.lane(show % 4)):
        stage.drain(show)

    assert {stage.booking(id_).status for seat, id_ in bookings_.items() if seat != "A3"} == {Status.CONFIRMED}
    assert stage.booking(bookings_["A3"]).reason is Reason.INTERNAL
    assert [text_.partition(":")[0] for text_, _ in parked(stage)] == [type(error).__name__]
    stage.proven()


def test_an_unreadable_operation_is_parked_and_the_rest_is_decided(stage: Stage) -> None:
    show = stage.show()
    put(stage, show % 4, '{"v":1,"kind":"\\u0000')
    booking = stage.book(show, "A1")

    stage.drain(show)

    assert stage.booking(booking).status is Status.CONFIRMED
    assert [payload for _, payload in parked(stage)] == [b'{"v":1,"kind":"\\u0000']
    stage.proven()


def understood(values: dict[str, Any]) -> dict[str, Any]:
    """Return the operation as a newer worker reads it, which knows the parameter `newer`."""
    values.pop("surprise", None)
    return values | {"v": 1} | ({"kind": "BOOK"} if values["kind"] == "SWAP" else {})


@pytest.mark.parametrize("newer", [{"v": 2}, {"v": 1, "surprise": 3}, {"kind": "SWAP"}])
def test_an_operation_of_a_newer_program_waits_for_a_newer_worker(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, newer: dict[str, Any]
) -> None:
    """It is not parked, even if its version is known and only its kind or a member is new."""
    show = stage.show()
    before = stage.book(show, "A1")
    operation = Book(
        booking_id=ids.booking_id(b"k" * 32, show, stage.bob, "n"), show_id=show, user_id=stage.bob,
        seats=("A2",), fingerprint="f",
    )  # fmt: skip
    put(stage, show % 4, json.dumps(json.loads(dump(operation)) | newer))
    after = stage.book(show, "A3")

    for _ in range(3):
        stage.stores.client.delete(keys.lease(show % 4))
        stage.drain(show)
    assert stage.booking(before).status is Status.CONFIRMED
    assert stage.stores.client.xlen(keys.lane(show % 4)) == 2
    assert parked(stage) == []

    newer_orjson = SimpleNamespace(dumps=orjson.dumps, loads=lambda text_: understood(orjson.loads(text_)))
    monkeypatch.setattr(operations, "orjson", newer_orjson)
    stage.stores.client.delete(keys.lease(show % 4))
    stage.drain(show)
    assert stage.booking(operation.booking_id).status is Status.CONFIRMED
    assert stage.booking(after).status is Status.CONFIRMED


def test_operations_on_bookings_of_a_show_that_was_deleted_are_decided(stage: Stage) -> None:
    """The pending confirm is decided and removed from the status; the outcome of the other booking stays."""
    show = stage.show()
    held, sold = stage.book(show, "A1", hold=True), stage.book(show, "A2", key="sold")
    stage.drain(show)
    stage.confirm(held)
    with transaction(stage.stores.engine) as connection:
        connection.execute(text("DELETE FROM seats WHERE show_id = :id"), {"id": show})
        connection.execute(text("DELETE FROM shows WHERE id = :id"), {"id": show})
    stage.stores.client.delete(keys.status(show % 4, sold))
    again = stage.book(show, "A2", key="sold")

    stage.drain(show)

    assert stage.stores.client.xlen(keys.lane(show % 4)) == 0
    assert "CONFIRM" not in stage.stores.client.hgetall(keys.status(show % 4, held))
    assert again == sold
    assert stage.status(sold)["status"] == "CONFIRMED"
    with transaction(stage.stores.engine) as connection:
        rows = connection.execute(text("SELECT kind, reason FROM journal ORDER BY seq DESC LIMIT 1"))
        assert rows.one() == ("CONFIRM", "NO_SUCH_SHOW")


def test_a_booking_of_a_show_that_does_not_exist_fails(stage: Stage) -> None:
    stage.show()
    operation = Book(
        booking_id=ids.booking_id(b"k" * 32, 999, stage.alice, "x"), show_id=999, user_id=stage.alice,
        seats=("A1",), fingerprint="f",
    )  # fmt: skip
    put(stage, 999 % 4, dump(operation))

    stage.drain()

    assert stage.booking(operation.booking_id).reason is Reason.NO_SUCH_SHOW
    assert stage.status(operation.booking_id)["reason"] == "NO_SUCH_SHOW"
    stage.proven()
