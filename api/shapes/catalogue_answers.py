"""Shapes of answers about movies, shows and the installation. `api/web/catalogue_json.py` builds them."""

from __future__ import annotations

from marshmallow import fields, validate

from api.shapes.base import Shape
from api.shapes.fields import Text, Whole
from api.shapes.pages import Page
from api.shapes.requests import EXTENSION, OFFER, WAITING
from core.shows import SaleState


class MovieAnswer(Shape):
    """A movie. `poster`: the picture to show: the uploaded one (a path), else the one at `poster_url`, else null."""

    id = Whole(required=True)
    title = Text(required=True)
    description = Text(required=True)
    genre = Text(required=True)
    duration_min = Whole(required=True)
    rating = Text(required=True, allow_none=True, metadata={"description": "Such as FSK 12, PG-13 or 16+."})
    release_date = fields.Date(required=True, allow_none=True)
    poster_url = Text(required=True, allow_none=True)
    poster = Text(required=True, allow_none=True)


class MoviesAnswer(Page):
    """Movies by title."""

    movies = fields.List(fields.Nested(MovieAnswer), required=True)


class MovieOfShow(Shape):
    """A show's movie, without its description."""

    id = Whole(required=True)
    title = Text(required=True)
    genre = Text(required=True)
    duration_min = Whole(required=True)
    rating = Text(required=True, allow_none=True)
    poster = Text(required=True, allow_none=True)


class HallOfShow(Shape):
    """A show's hall, without its plan and capacity."""

    id = Whole(required=True)
    name = Text(required=True)
    time_zone = Text(required=True)


class ShowAnswer(Shape):
    """A show. Counters are as of `version`; the seats of lapsed holds count as held until the holds are expired.

    `name`: its own, or its movie's title. `movie`: null for a show that has a name alone. Prices are integers of the
    minor unit of `currency` (ISO 4217).
    """

    id = Whole(required=True)
    name = Text(required=True)
    movie = fields.Nested(MovieOfShow, required=True, allow_none=True)
    hall = fields.Nested(HallOfShow, required=True)
    starts_at = fields.AwareDateTime(required=True)
    state = Text(required=True, validate=validate.OneOf([state.value for state in SaleState]))
    sales_open_at = fields.AwareDateTime(required=True, allow_none=True)
    sales_close_at = fields.AwareDateTime(required=True)
    seats_per_user = Whole(required=True)
    hold_s = fields.Float(required=True)
    hold_extension_s = fields.Float(required=True, metadata=EXTENSION)
    offer_s = fields.Float(required=True, metadata=OFFER)
    waiting_list_max = Whole(required=True, metadata=WAITING)
    prices = fields.Dict(keys=Text(), values=Whole(), required=True)
    currency = Text(required=True)
    capacity = Whole(required=True)
    free = Whole(required=True)
    held = Whole(required=True)
    sold = Whole(required=True)
    version = Whole(required=True)


class ShowsAnswer(Page):
    """Upcoming shows, the next one first."""

    shows = fields.List(fields.Nested(ShowAnswer), required=True)


class MovieDetailAnswer(MovieAnswer):
    """A movie with its next shows; `next_cursor` continues them in the list of shows with this `movie_id`."""

    shows = fields.List(fields.Nested(ShowAnswer), required=True)
    next_cursor = Text(required=True, allow_none=True)


class InstallationAnswer(Shape):
    """What a client needs to show money and times.

    All amounts, also those called `_cents`, are integers of the currency's minor unit: 10 to the power of
    `currency_exponent` of them are one unit of the currency. `time_zone`: of halls that do not name their own.
    """

    name = Text(required=True)
    currency = Text(required=True, validate=validate.Length(equal=3), metadata={"description": "ISO 4217."})
    currency_exponent = Whole(required=True, validate=validate.Range(0, 4))
    time_zone = Text(required=True)
