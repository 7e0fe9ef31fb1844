"""Shapes of requests about movies and shows: lists, new ones, and posters."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Any

from marshmallow import ValidationError, validate, validates_schema

from api.shapes.base import Shape
from api.shapes.fields import (
    MAX_PRICE_CENTS,
    PRICES,
    Day,
    Digits,
    Instant,
    Line,
    Prices,
    Text,
    TrueFalse,
    WebAddress,
    Whole,
)
from api.shapes.requests import DAY_S, EXTENSION, MAX_ID, OFFER, WAITING, PageQuery, identifier
from core.plans import MAX_SEATS

#: The days that a list can be asked for, and on which a movie can have been released.
DAYS = validate.Range(date(2000, 1, 1), date(2199, 12, 31))
RELEASES = validate.Range(date(1880, 1, 1), date(2199, 12, 31))


class MoviesQuery(PageQuery):
    """Movies, filtered by part of the title (`q`) or by genre."""

    q = Text(validate=validate.Length(1, 100))
    genre = Text(validate=validate.Length(1, 60))


class ShowsQuery(PageQuery):
    """Upcoming shows, filtered by movie, day, text, genre and free seats: those that pass all filters given."""

    movie_id = Digits(validate=validate.Range(1, MAX_ID))
    day = Day(validate=DAYS, metadata={"description": "The day on which it starts, in the hall's time zone."})
    q = Text(validate=validate.Length(1, 100), metadata={"description": "A part of the name or the movie's title."})
    genre = Text(validate=validate.Length(1, 60))
    free = TrueFalse(load_default=False, metadata={"description": "true: only shows with free seats."})


class PosterQuery(Shape):
    """Which picture is meant: `v` is in the address that a movie names as its `poster`."""

    v = Text(load_default="", validate=validate.Length(max=64))


class MovieRequest(Shape):
    """A movie. All fields are replaced. `rating`: as the rating board writes it, such as FSK 12, PG-13 or 16+."""

    title = Line(required=True, validate=validate.Length(1, 200))
    description = Text(load_default="", validate=validate.Length(max=4000))
    genre = Line(load_default="", validate=validate.Length(max=60))
    duration_min = Whole(required=True, validate=validate.Range(1, 1000))
    rating = Line(load_default="", validate=validate.Length(max=20), metadata={"examples": ["FSK 12", "PG-13"]})
    release_date = Day(load_default=None, allow_none=True, validate=RELEASES)
    poster_url = WebAddress(
        load_default="", validate=validate.Length(max=2000), metadata={"description": "Of a picture elsewhere."}
    )


class ShowRequest(Shape):
    """A new show: of a movie, or with a name alone; in a hall, or with a number of seats alone.

    Every category of the hall needs a price: in `prices`, or `price_cents` for all of them. A show of `total_seats`
    without a price is free of charge.
    """

    RULES = MappingProxyType(
        {
            "oneOf": [{"required": [name]} for name in ("hall_id", "total_seats")],
            "anyOf": [{"required": [name]} for name in ("movie_id", "name")],
            "not": {"required": ["prices", "price_cents"]},
            "if": {"required": ["hall_id"]},
            "then": {"anyOf": [{"required": [name]} for name in ("prices", "price_cents")]},
        }
    )

    movie_id = identifier()
    name = Line(validate=validate.Length(1, 200), metadata={"description": "Default: the movie's title."})
    hall_id = identifier()
    total_seats = Whole(
        validate=validate.Range(1, MAX_SEATS),
        metadata={"description": "Numbered seats, all alike; a hall is made for them, once per number."},
    )
    starts_at = Instant(required=True)
    prices = Prices(metadata=PRICES)
    price_cents = Whole(
        validate=validate.Range(0, MAX_PRICE_CENTS), metadata={"description": "The price of every seat."}
    )
    seats_per_user = Whole(load_default=10, validate=validate.Range(1, 10_000))
    hold_s = Whole(validate=validate.Range(1, DAY_S))
    hold_extension_s = Whole(load_default=0, validate=validate.Range(0, DAY_S), metadata=EXTENSION)
    offer_s = Whole(load_default=0, validate=validate.Range(0, DAY_S), metadata=OFFER)
    waiting_list_max = Whole(load_default=10_000, validate=validate.Range(0, 10_000), metadata=WAITING)
    sales_open_at = Instant(metadata={"description": "Default: now."})
    sales_close_at = Instant(metadata={"description": "Default: when the show starts."})

    @validates_schema
    def it_is_something_somewhere(self, values: Mapping[str, Any], **_: Any) -> None:
        """Require what is shown, where, and at what price."""
        faults: dict[str, list[str]] = {}
        if ("hall_id" in values) == ("total_seats" in values):
            faults["hall_id"] = ["Give either hall_id or total_seats."]
        if "movie_id" not in values and "name" not in values:
            faults["movie_id"] = ["Give movie_id, name or both."]
        if "prices" in values and "price_cents" in values:
            faults["price_cents"] = ["Give either prices or price_cents."]
        if "hall_id" in values and "prices" not in values and "price_cents" not in values:
            faults["prices"] = ["Give prices or price_cents."]
        if faults:
            raise ValidationError(faults)

    @validates_schema
    def sales_have_a_window(self, values: Mapping[str, Any], **_: Any) -> None:
        """Require that sales open before they close, and close by the start."""
        closes = values.get("sales_close_at", values["starts_at"])
        if values.get("sales_open_at", 0) >= closes:
            raise ValidationError("Sales must open before they close.", "sales_open_at")
        if closes > values["starts_at"]:
            raise ValidationError("Sales must close by the start.", "sales_close_at")


MOVIES_QUERY, SHOWS_QUERY, POSTER_QUERY = MoviesQuery(), ShowsQuery(), PosterQuery()
MOVIE_REQUEST, SHOW_REQUEST = MovieRequest(), ShowRequest()
