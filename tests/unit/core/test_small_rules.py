"""Small rules: ids and references, operations on the wire, hall plans, times, the broker's default address."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import ids, times
from core.addresses import other_database
from core.errors import UnknownVersion, Unreadable
from core.halls import Hall
from core.operations import Book, Cancel, ChangeShow, Confirm, Expire, Operation, StreamId, dump, load
from core.plans import BadPlan

USER = UUID(int=5)
SECRET = b"s" * 32


@given(st.integers(1, 2**31 - 1), st.uuids(), st.text(st.characters(codec="ascii"), max_size=255))
def test_an_id_carries_its_show_and_a_key_gives_it_again(show: int, user: UUID, key: str) -> None:
    id_ = ids.booking_id(SECRET, show, user, key)

    assert ids.show_of(id_) == show
    assert id_.version == 8
    assert id_ == ids.booking_id(SECRET, show, user, key)


@pytest.mark.parametrize(
    "other",
    [(b"t" * 32, 1, USER, "k"), (SECRET, 2, USER, "k"), (SECRET, 1, UUID(int=6), "k"), (SECRET, 1, USER, "l")],
)
def test_another_secret_show_user_or_key_gives_another_id(other: tuple[bytes, int, UUID, str]) -> None:
    assert ids.booking_id(*other) != ids.booking_id(SECRET, 1, USER, "k")


def test_without_a_key_every_id_is_new() -> None:
    assert ids.booking_id(SECRET, 1, USER, None) != ids.booking_id(SECRET, 1, USER, None)


@given(st.integers(0, 2**31 - 1), st.binary(min_size=8, max_size=8))
def test_a_reference_leads_back_to_its_id(show: int, noise: bytes) -> None:
    id_ = ids.booking_id(SECRET, show, USER, noise.hex())

    first, last = ids.ids_of_reference(ids.reference(id_))

    assert first <= id_ <= last
    assert ids.show_of(first) == ids.show_of(last) == show


#: How a character may be written, and what may stand between two of them.
WRITTEN = {"0": "0Oo", "1": "1IiLl"}
BETWEEN = ["", " ", "-", "\t", "\N{NO-BREAK SPACE}", "\N{EN DASH}"]


@given(st.integers(0, 2**31 - 1), st.binary(min_size=8, max_size=8), st.data())
def test_a_reference_is_read_however_it_is_written(show: int, noise: bytes, data: st.DataObject) -> None:
    reference = ids.reference(ids.booking_id(SECRET, show, USER, noise.hex()))

    written = "".join(
        data.draw(st.sampled_from(BETWEEN)) + data.draw(st.sampled_from(WRITTEN.get(char, char + char.lower())))
        for char in reference.replace("-", "")
    )

    assert ids.read_reference(written + data.draw(st.sampled_from(BETWEEN))) == reference


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("IO-O1ILo-OOOOl", "10-01110-00001"),
        ("1 7QK2M 9XV4T", "1-7QK2M-9XV4T"),
        ("17qk2m9xv4t", "1-7QK2M-9XV4T"),
        ("0001-7QK2M-9XV4T", "1-7QK2M-9XV4T"),
        ("O-7QK2M-9XV4T", "0-7QK2M-9XV4T"),
    ],
)
def test_letters_that_look_like_digits_are_read_as_these(written: str, meant: str) -> None:
    assert ids.read_reference(written) == meant


@pytest.mark.parametrize(
    "text",
    ["", " ", "1", "1-", "1-ABC", "-ABCDEABCDE", "1-ABCDE-ABCDU", "ZZZZZZZZ-ABCDE-ABCDE",
     "1-ABCDE-ABCD\N{KELVIN SIGN}", "1-ABCDE-ABCD!", "1" + " " * 60 + "-ABCDE-ABCDE"],
)  # fmt: skip
def test_invalid_references_are_none(text: str) -> None:
    assert ids.read_reference(text) is None


def test_the_length_of_a_reference_is_checked_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any text of 64 kB once took a third of a second."""
    for name in ("_SEPARATORS", "_decode"):
        monkeypatch.delattr(ids, name)

    assert ids.read_reference("1" * 65) is None
    assert ids.read_reference("A" * 64_000) is None


OPERATIONS: list[Operation] = [
    Book(booking_id=UUID(int=3 << 96 | 1), show_id=3, user_id=USER, fingerprint="f", seats=("A1", "A2"), hold=True),
    Book(booking_id=UUID(int=3 << 96 | 1), show_id=3, user_id=USER, fingerprint="f", quantity=2, category="premium"),
    Book(booking_id=UUID(int=3 << 96 | 1), show_id=3, user_id=USER, fingerprint="f", quantity=1, give_up_after_ms=9),
    Confirm(booking_id=UUID(int=3 << 96 | 1), show_id=3, user_id=USER),
    Cancel(booking_id=UUID(int=3 << 96 | 1), show_id=3, user_id=USER),
    Expire(show_id=3, limit=500),
    ChangeShow(show_id=3, changes={"state": "PAUSED"}),
    ChangeShow(show_id=3, changes={"sales_open_ms": 7}, keep_window=True),
]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_survives_the_wire(operation: Operation) -> None:
    assert load(dump(operation, request_id="r1")) == operation


@pytest.mark.parametrize(
    "payload",
    ["", "[]", "null", "{}", '{"v":1}', '{"v":1,"kind":["FLY"],"show_id":1}', '{"v":1,"kind":"EXPIRE"}',
     '{"v":1,"kind":"EXPIRE","show_id":"1","limit":2}', '{"v":"1","kind":"EXPIRE","show_id":1,"limit":2}',
     '{"v":0,"kind":"EXPIRE","show_id":1,"limit":2}', '{"v":1,"kind":null,"show_id":1,"limit":2}',
     '{"v":1,"kind":"CONFIRM","show_id":1,"booking_id":"x","user_id":"y"}',
     '{"v":1,"kind":"EXPIRE","show_id":8589934592,"limit":2}', '{"v":1,"kind":"EXPIRE","show_id":1,"limit":"2"}',
     '{"v":1,"kind":"CHANGE_SHOW","show_id":1,"changes":{"state":"\\u0000"}}', '[' * 100_000,
     '{"v":1,"kind":"CHANGE_SHOW","show_id":1,"changes":{"state":"caf\u00e9"}}',
     dump(Confirm(booking_id=UUID(int=4 << 96), show_id=3, user_id=USER))],
)  # fmt: skip
def test_invalid_operations_are_unreadable(payload: str) -> None:
    with pytest.raises(Unreadable):
        load(payload)


@pytest.mark.parametrize(
    "values",
    [{"v": 2, "kind": "TELEPORT"}, {"v": 1, "kind": "TELEPORT", "show_id": 1},
     {"v": 1, "kind": "EXPIRE", "show_id": 1, "limit": 2, "more": 3}, {"v": 1, "kind": "CONFIRM", "more": None}],
)  # fmt: skip
def test_operations_by_a_newer_program_are_not_unreadable(values: dict[str, Any]) -> None:
    """Including a kind or a field that was added to a version that this program knows."""
    with pytest.raises(UnknownVersion):
        load(json.dumps(values))


def test_operations_without_new_members_are_written_as_older_programs_read_them() -> None:
    """A request that does not use the new member must not stop an older worker."""
    assert "give_up_after_ms" not in dump(OPERATIONS[0])
    assert '"give_up_after_ms":9' in dump(OPERATIONS[2])


def row(label: str = "A", **changes: Any) -> dict[str, Any]:
    return {"label": label, "blocks": [{"first": 1, "last": 3, "category": "standard"}], **changes}


@pytest.mark.parametrize(
    "rows",
    [[], None, [row("a")], [row("A1")], [row(), row()], [row(blocks=[])], [row(aisles="x")],
     [row(blocks=[{"first": 3, "last": 1, "category": "standard"}])],
     [row(blocks=[{"first": 0, "last": 1, "category": "standard"}])],
     [row(blocks=[{"first": 1, "last": 2, "category": "Standard"}])],
     [row(blocks=[{"first": 1, "last": 5, "category": "a"}, {"first": 5, "last": 6, "category": "a"}])],
     [row(f"{a}{b}", blocks=[{"first": 1, "last": 9999, "category": "a"}]) for a in "ABC" for b in "ABCDEFGH"]],
)  # fmt: skip
def test_a_bad_plan_is_refused(rows: Any) -> None:
    with pytest.raises(BadPlan):
        Hall.from_plan(1, {"rows": rows})


def test_a_plan_gives_its_seats_in_order() -> None:
    hall = Hall.from_plan(1, {"rows": [row("B"), row("A")]})

    assert list(hall.seats) == ["B1", "B2", "B3", "A1", "A2", "A3"]
    assert hall.capacity == 6
    assert hall.categories == {"standard"}


@given(st.integers(0, 4_000_000_000_000))
def test_times_lose_no_millisecond(ms: int) -> None:
    assert times.to_ms(times.from_ms(ms)) == ms


def test_a_stream_id_is_read_and_ordered() -> None:
    assert str(StreamId.parse("1700000000000-3")) == "1700000000000-3"
    assert StreamId(1, 9) < StreamId(2, 0)


@pytest.mark.parametrize(
    ("url", "expected"),
    [("redis://h:1/0", "redis://h:1/1"), ("redis://h", "redis://h/1"), ("redis://h/3?x=1", "redis://h/4?x=1"),
     ("unix:///s?db=2", "unix:///s?db=3"), ("unix:///s", "unix:///s?db=1")],
)  # fmt: skip
def test_the_broker_falls_back_to_the_next_database(url: str, expected: str) -> None:
    assert other_database(url) == expected
