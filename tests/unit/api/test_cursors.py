"""Cursors: a position survives the round trip, and cursors made up by a client are refused."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.web.cursors import BOOKINGS, LATEST_MS, MOVIES, SHOWS
from api.web.errors import InvalidCursor

ID = UUID("00000007-a5e0-8974-b967-dfed9f5aa257")
NAMES = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=200)


def forged(*values: Any) -> str:
    return urlsafe_b64encode(orjson.dumps(values)).decode()


@given(NAMES, st.integers(1, 2**31 - 1))
def test_a_position_survives_the_round_trip(title: str, id_: int) -> None:
    cursor = MOVIES.write(title, id_)

    assert cursor.replace("-", "").replace("_", "").isalnum()
    assert MOVIES.read(cursor) == (title, id_)


def test_a_position_of_a_time_and_an_id_survives_the_round_trip() -> None:
    assert BOOKINGS.read(BOOKINGS.write(LATEST_MS, ID)) == (LATEST_MS, ID)


def test_the_first_page_has_no_cursor() -> None:
    assert MOVIES.read(None) is None


@pytest.mark.parametrize(
    "text",
    [
        "", "2", "null", "!", "\N{SNOWMAN}", "A" * 2_001, "W10", forged("movies", "a", 1)[:-3],
        SHOWS.write(1, 1), forged("movies", "a"), forged("movies", "a", 1, 1), forged("movies", 1, 1),
        forged("movies", "a", "1"), forged("movies", "a", 0), forged("movies", "a", 2**31),
        forged("movies", "a", 1.0), forged("movies", "a\0", 1), forged("movies", "a" * 201, 1),
        forged("movies", ["a"], 1), forged(),
        urlsafe_b64encode(b'{"movies": 1}').decode(), urlsafe_b64encode(b'"movies"').decode(),
        urlsafe_b64encode(b"1").decode(), urlsafe_b64encode(b"[" * 1_000).decode(),
    ],
)  # fmt: skip
def test_an_invalid_or_foreign_cursor_is_refused(text: str) -> None:
    with pytest.raises(InvalidCursor):
        MOVIES.read(text)


@pytest.mark.parametrize("position", [(-1, str(ID)), (LATEST_MS + 1, str(ID)), (1, "7"), (1, None), (True, str(ID))])
def test_an_impossible_time_or_id_is_refused(position: tuple[Any, ...]) -> None:
    with pytest.raises(InvalidCursor):
        BOOKINGS.read(forged("bookings", *position))


@pytest.mark.parametrize(("found", "following"), [(0, None), (1, None), (2, None), (3, (1_001, 1))])
def test_a_page_has_a_next_cursor_only_if_another_page_follows(found: int, following: tuple[int, int] | None) -> None:
    page = SHOWS.page("things", list(range(found)), 2, lambda n: {"id": n}, lambda n: (1_000 + n, n))

    assert [thing["id"] for thing in page["things"]] == list(range(found))[:2]
    assert page["limit"] == 2
    assert SHOWS.read(page["next_cursor"]) == following
