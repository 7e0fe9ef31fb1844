"""What the schemas accept and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest
from marshmallow import Schema, ValidationError

from api.shapes import account_requests, catalogue_requests, requests
from api.web.request_reading import faults


def refused_at(schema: Schema, values: Any) -> set[str]:
    """Return the pointers of the faults; fail if there are none."""
    with pytest.raises(ValidationError) as caught:
        schema.load(values)
    return {pointer for pointer, _ in faults(caught.value.messages)}


SHOW = {"movie_id": 1, "hall_id": 2, "starts_at": "2030-01-31T20:30:00+01:00", "prices": {"standard": 1200}}


def test_named_seats_are_loaded_unchanged() -> None:
    loaded = requests.BOOKING_REQUEST.load({"show_id": 7, "seats": ["A1", "ZZZ9999"]})

    assert loaded == {"show_id": 7, "seats": ["A1", "ZZZ9999"], "hold": False}


def test_a_quantity_may_name_its_category() -> None:
    loaded = requests.BOOKING_REQUEST.load({"show_id": 7, "quantity": 10, "category": "premium", "hold": True})

    assert loaded == {"show_id": 7, "quantity": 10, "category": "premium", "hold": True}


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"seats": ["A1"], "quantity": 1}, ""),
        ({}, ""),
        ({"seats": []}, "/seats"),
        ({"seats": [f"A{n}" for n in range(11)]}, "/seats"),
        ({"seats": ["A1", "B1", "A1"]}, "/seats/2"),
        ({"seats": ["a1"]}, "/seats/0"),
        ({"seats": ["A1\n"]}, "/seats/0"),
        ({"seats": ["A\u0661"]}, "/seats/0"),
        ({"seats": ["A1", 3]}, "/seats/1"),
        ({"seats": ["A1", None]}, "/seats/1"),
        ({"seats": "A1"}, "/seats"),
        ({"seats": None}, "/seats"),
        ({"seats": ["A1"], "category": "premium"}, "/category"),
        ({"quantity": 0}, "/quantity"),
        ({"quantity": 11}, "/quantity"),
        ({"quantity": "2"}, "/quantity"),
        ({"quantity": 2.0}, "/quantity"),
        ({"quantity": True}, "/quantity"),
        ({"quantity": None}, "/quantity"),
        ({"quantity": 2, "category": "Premium"}, "/category"),
        ({"quantity": 2, "category": "premium\n"}, "/category"),
        ({"quantity": 2, "hold": "yes"}, "/hold"),
        ({"quantity": 2, "hold": 1}, "/hold"),
        ({"quantity": 2, "hold": None}, "/hold"),
        ({"quantity": 2, "give_up_after_ms": 0}, "/give_up_after_ms"),
        ({"quantity": 2, "give_up_after_ms": 3_600_001}, "/give_up_after_ms"),
        ({"quantity": 2, "give_up_after_ms": 1.0}, "/give_up_after_ms"),
        ({"quantity": 2, "give_up_after_ms": True}, "/give_up_after_ms"),
        ({"quantity": 2, "give_up_after_ms": None}, "/give_up_after_ms"),
        ({"quantity": 2, "price": 1}, "/price"),
        ({"quantity": 2, "show_id": 2**31}, "/show_id"),
        ({"quantity": 2, "show_id": 0}, "/show_id"),
        ({"quantity": 2, "show_id": "7"}, "/show_id"),
    ],
)
def test_an_invalid_booking_is_refused_with_the_pointer_of_each_fault(change: dict[str, Any], pointer: str) -> None:
    assert refused_at(requests.BOOKING_REQUEST, {"show_id": 7, **change}) == {pointer}


@pytest.mark.parametrize("values", [[], None, "text", 1, True])
def test_a_body_that_is_not_an_object_is_refused(values: Any) -> None:
    assert refused_at(requests.BOOKING_REQUEST, values) == {""}


@pytest.mark.parametrize("text", ["a\x00b", "\ud800", "x\udfff"])
def test_text_that_cannot_be_stored_is_refused(text: str) -> None:
    assert refused_at(account_requests.SIGNUP, {"email": "a@b.de", "password": "long enough", "name": text}) == {
        "/name"
    }


def test_the_times_of_a_show_are_loaded_as_milliseconds() -> None:
    loaded = catalogue_requests.SHOW_REQUEST.load({**SHOW, "sales_open_at": "2030-01-01T00:00:00.250Z"})

    assert loaded["starts_at"] == 1_896_118_200_000
    assert loaded["sales_open_at"] == 1_893_456_000_250


@pytest.mark.parametrize(
    "text", ["2030-01-31T19:30:00", "2030-01-31", "tomorrow", "", 1_896_000_000, None, "9999-12-31T23:59:59-20:00"]
)
def test_a_time_needs_an_offset_and_a_plausible_year(text: Any) -> None:
    assert refused_at(catalogue_requests.SHOW_REQUEST, {**SHOW, "starts_at": text}) == {"/starts_at"}


def test_sales_must_open_before_they_close() -> None:
    assert refused_at(catalogue_requests.SHOW_REQUEST, {**SHOW, "sales_open_at": SHOW["starts_at"]}) == {
        "/sales_open_at"
    }


@pytest.mark.parametrize(
    ("prices", "pointer"),
    [
        ({}, "/prices"),
        ([], "/prices"),
        ({"Premium": 1}, "/prices/Premium"),
        ({"a/b": 1}, "/prices/a~1b"),
        ({"premium": -1}, "/prices/premium"),
        ({"premium": 10.0}, "/prices/premium"),
        ({"premium": True}, "/prices/premium"),
        ({"premium": 100_000_001}, "/prices/premium"),
    ],
)
def test_prices_are_whole_cents_by_category(prices: Any, pointer: str) -> None:
    assert refused_at(catalogue_requests.SHOW_REQUEST, {**SHOW, "prices": prices}) == {pointer}


def test_a_plan_has_no_unknown_fields() -> None:
    row = {"label": "A", "blocks": [{"first": 1, "last": "9", "category": "standard", "colour": "red"}]}

    assert refused_at(requests.HALL_REQUEST, {"name": "Big", "plan": {"rows": [row]}}) == {
        "/plan/rows/0/blocks/0/last",
        "/plan/rows/0/blocks/0/colour",
    }


@pytest.mark.parametrize("limit", ["0", "101", "-1", "1.5", " 1", "1e1", "\u0661", ""])
def test_a_page_size_is_a_number_from_1_to_100(limit: str) -> None:
    assert refused_at(requests.PAGE_QUERY, {"limit": limit}) == {"/limit"}


def test_an_address_without_an_at_is_refused() -> None:
    assert refused_at(account_requests.SIGNUP, {"email": "alice", "password": "short"}) == {"/email", "/password"}


MOVIE = {"title": "Row Lock", "genre": "drama", "duration_min": 90}
HALL = {"name": "Studio", "plan": {"rows": [{"label": "A", "blocks": [{"first": 1, "last": 1, "category": "a"}]}]}}
NAMES = [
    (catalogue_requests.MOVIE_REQUEST, MOVIE, "title"),
    (catalogue_requests.MOVIE_REQUEST, MOVIE, "genre"),
    (requests.HALL_REQUEST, HALL, "name"),
]


@pytest.mark.parametrize(("schema", "values", "name"), NAMES)
@pytest.mark.parametrize(
    "text",
    [
        " ",
        "\t\n",
        "\u00a0\u3000",
        "\u200b",
        "\u200d\u2060\ufeff",
        "\u3164",
        "Row\u202ekcoL",
        "Row\nLock",
        "Row\x1b[2J",
        "\u2066a",
    ],
)
def test_a_title_or_name_needs_visible_characters_in_plain_order(
    schema: Schema, values: dict[str, Any], name: str, text: str
) -> None:
    assert refused_at(schema, {**values, name: text}) == {f"/{name}"}


@pytest.mark.parametrize(("schema", "values", "name"), NAMES)
def test_a_title_or_name_is_trimmed_and_composed(schema: Schema, values: dict[str, Any], name: str) -> None:
    assert schema.load({**values, name: " Zoe\u0308 \u200b"})[name] == "Zo\u00eb"
    assert schema.load({**values, name: "\u05e9\u05dc\u05d5\u05dd\u200f!"})[name] == "\u05e9\u05dc\u05d5\u05dd\u200f!"


def test_a_title_needs_a_character_and_a_genre_none() -> None:
    assert refused_at(catalogue_requests.MOVIE_REQUEST, {**MOVIE, "title": ""}) == {"/title"}
    assert refused_at(requests.HALL_REQUEST, {**HALL, "name": ""}) == {"/name"}
    assert catalogue_requests.MOVIE_REQUEST.load({**MOVIE, "genre": ""})["genre"] == ""


SIMPLE = {"name": "Open stage", "total_seats": 80, "starts_at": "2030-01-31T20:30:00Z"}


def test_a_show_needs_no_more_than_a_name_a_number_of_seats_and_a_start() -> None:
    loaded = catalogue_requests.SHOW_REQUEST.load(SIMPLE)

    assert (loaded["name"], loaded["total_seats"], loaded["seats_per_user"]) == ("Open stage", 80, 10)


@pytest.mark.parametrize(
    ("change", "pointers"),
    [
        ({"hall_id": 2}, {"/hall_id", "/prices"}),
        ({"hall_id": 2, "prices": {"standard": 1}}, {"/hall_id"}),
        ({"prices": {"standard": 1}, "price_cents": 1}, {"/price_cents"}),
        ({"name": " "}, {"/name"}),
        ({"total_seats": 0}, {"/total_seats"}),
        ({"total_seats": 200_001}, {"/total_seats"}),
        ({"price_cents": -1}, {"/price_cents"}),
    ],
)
def test_what_a_show_must_not_have_is_named(change: dict[str, Any], pointers: set[str]) -> None:
    assert refused_at(catalogue_requests.SHOW_REQUEST, {**SIMPLE, **change}) == pointers


def test_what_a_show_lacks_is_named() -> None:
    assert refused_at(catalogue_requests.SHOW_REQUEST, {"starts_at": SIMPLE["starts_at"]}) == {
        "/hall_id",
        "/movie_id",
    }
    assert refused_at(
        catalogue_requests.SHOW_REQUEST, {"starts_at": SIMPLE["starts_at"], "movie_id": 1, "hall_id": 2}
    ) == {"/prices"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("release_date", "2030-02-30"),
        ("release_date", "2030-1-1"),
        ("release_date", "1879-12-31"),
        ("release_date", 20300101),
        ("rating", "x" * 21),
        ("rating", "\u202e12"),
        ("poster_url", "ftp://example.com/a.png"),
        ("poster_url", "javascript:alert(1)"),
        ("poster_url", "https://"),
        ("poster_url", "https://user:password@example.com/a.png"),
        ("poster_url", "https://example.com:port/"),
        ("poster_url", "https://example.com/a b"),
        ("poster_url", 'https://example.com/"onload="x'),
        ("poster_url", "https://[::1/a"),
        ("poster_url", "https://example.com/" + "x" * 2000),
    ],
)
def test_an_odd_detail_of_a_movie_is_refused(field: str, value: Any) -> None:
    assert refused_at(catalogue_requests.MOVIE_REQUEST, {**MOVIE, field: value}) == {f"/{field}"}


def test_the_details_of_a_movie_are_loaded() -> None:
    details = {"rating": "FSK 12", "release_date": "2030-02-28", "poster_url": "https://example.com:8443/a.png?v=1#x"}

    loaded = catalogue_requests.MOVIE_REQUEST.load({**MOVIE, **details})

    assert (loaded["rating"], loaded["release_date"].isoformat(), loaded["poster_url"]) == tuple(details.values())


@pytest.mark.parametrize(
    "query", [{"day": "2030-1-1"}, {"day": "1999-12-31"}, {"day": ""}, {"free": "1"}, {"free": "True"}, {"q": ""}]
)
def test_an_odd_filter_is_refused(query: dict[str, str]) -> None:
    assert refused_at(catalogue_requests.SHOWS_QUERY, query) == {f"/{name}" for name in query}
