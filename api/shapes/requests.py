"""Shapes that come in, and the one of a booking that goes out. Compiled once, at import.

Unknown fields are refused everywhere. A schema knows shapes only, never a store: whether a show has such a
seat is asked later. The shapes of all other answers are in `api/shapes/answers.py`, those of accounts in
`api/shapes/account_requests.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from marshmallow import RAISE, Schema, ValidationError, fields, validate, validates_schema

from api.shapes.fields import PRICES, Digits, Flag, Instant, Line, Prices, Text, Whole
from core.bookings import Outcome, Reason, Stage, Status
from core.halls import CATEGORY, MAX_NUMBER, ROW_LABEL
from core.operations import Kind
from core.shows import SaleState

SEAT_LABEL = "^[A-Z]{1,3}[0-9]{1,4}$"
MAX_SEATS_PER_BOOKING = 10
#: An hour: who waits longer than that can as well ask without an end.
MAX_GIVE_UP_MS = 3_600_000
MAX_ID = 2**31 - 1
MAX_LIMIT = 100
DAY_S = 86_400


class Shape(Schema):
    """What all shapes share: a field that is not theirs is an error."""

    #: What a `validates_schema` asks, for the OpenAPI document: keywords of JSON Schema.
    RULES: ClassVar[Mapping[str, Any]] = MappingProxyType({})

    class Meta:
        """Marshmallow's options."""

        unknown = RAISE


def pattern(text: str) -> validate.Regexp:
    """The whole text must look like this. (Python's $ would let a line feed pass at the end.)"""
    return validate.Regexp(text.removesuffix("$") + r"\Z", error="Does not look as it should.")


def identifier(**kwargs: Any) -> Whole:
    """The number of a movie, hall or show."""
    return Whole(validate=validate.Range(1, MAX_ID), **kwargs)


class PageQuery(Shape):
    """A page of a list; `cursor` is the page before's `next_cursor`, and the first page has none."""

    limit = Digits(validate=validate.Range(1, MAX_LIMIT), load_default=20)
    cursor = Text(load_default=None)


# -- bookings ---------------------------------------------------------------------------------------------


class BookingRequest(Shape):
    """Named seats, or so many of the best available; confirmed at once, or held for a while first."""

    RULES = MappingProxyType(
        {
            "oneOf": [{"required": [name]} for name in ("seats", "quantity")],
            "dependentRequired": {"category": ["quantity"]},
        }
    )

    show_id = identifier(required=True)
    seats = fields.List(
        Text(validate=pattern(SEAT_LABEL)),
        validate=validate.Length(1, MAX_SEATS_PER_BOOKING),
        metadata={"uniqueItems": True},
    )
    quantity = Whole(validate=validate.Range(1, MAX_SEATS_PER_BOOKING))
    category = Text(validate=pattern(f"^{CATEGORY.pattern}$"))
    hold = Flag(load_default=False)
    give_up_after_ms = Whole(
        validate=validate.Range(1, MAX_GIVE_UP_MS),
        metadata={"description": "Decided later than this after `accepted_at`, it is FAILED: EXPIRED_IN_QUEUE."},
    )

    @validates_schema
    def either_seats_or_quantity(self, values: Mapping[str, Any], **_: Any) -> None:
        """One of the two, and no seat twice."""
        seats = values.get("seats")
        if (seats is None) == ("quantity" not in values):
            raise ValidationError("Give either seats or quantity.")
        if seats is None:
            return
        if "category" in values:
            raise ValidationError("A category goes with quantity, not with named seats.", "category")
        if len(set(seats)) < len(seats):
            twice = {i: ["This seat is named twice."] for i, seat in enumerate(seats) if seat in seats[:i]}
            raise ValidationError({"seats": twice})


class LastOperation(Shape):
    """The newest decision about a booking: a refused confirm is seen here."""

    kind = Text(required=True, validate=validate.OneOf([kind.value for kind in Kind]))
    accepted_at = fields.AwareDateTime(required=True)
    outcome = Text(required=True, allow_none=True, validate=validate.OneOf([one.value for one in Outcome]))
    reason = Text(required=True, allow_none=True, validate=validate.OneOf([one.value for one in Reason]))


class PendingOperation(Shape):
    """An operation on a booking that waits for its decision."""

    kind = Text(required=True, validate=validate.OneOf([kind.value for kind in Kind]))
    accepted_at = fields.AwareDateTime(required=True)


class BookingStatus(Shape):
    """A booking as its owner sees it. Times are ISO 8601 UTC, money is in cents."""

    id = fields.UUID(required=True)
    reference = Text(required=True, metadata={"description": "Short form, to be read out."})
    show_id = Whole(required=True)
    status = Text(required=True, validate=validate.OneOf([status.value for status in Status]))
    stage = Text(required=True, allow_none=True, validate=validate.OneOf([stage.value for stage in Stage]))
    reason = Text(required=True, allow_none=True, validate=validate.OneOf([one.value for one in Reason]))
    position = Whole(required=True, allow_none=True, metadata={"description": "Place in line while QUEUED."})
    eta_ms = Whole(required=True, allow_none=True, metadata={"description": "Null where nobody can tell."})
    poll_after_ms = Whole(required=True, allow_none=True)
    delayed = Flag(required=True, metadata={"description": "It waits, and nothing has been decided for seconds."})
    expires_at = fields.AwareDateTime(required=True, allow_none=True)
    seats = fields.List(Text(), required=True)
    amount_cents = Whole(required=True, allow_none=True)
    accepted_at = fields.AwareDateTime(required=True)
    decided_at = fields.AwareDateTime(required=True, allow_none=True)
    confirmed_at = fields.AwareDateTime(required=True, allow_none=True)
    version = Whole(required=True, metadata={"description": "Grows with each decision; 0 while QUEUED."})
    last_operation = fields.Nested(LastOperation, required=True, allow_none=True)
    pending_operation = fields.Nested(PendingOperation, required=True, allow_none=True)
    replaced_by = fields.UUID(required=True, allow_none=True)


class WaitQuery(Shape):
    """How long a status may wait for the outcome; a longer wait than the server allows is cut short."""

    wait = Digits(load_default=0, validate=validate.Range(max=3_600), metadata={"description": "Seconds."})


class ExportQuery(PageQuery):
    """A page of an export's bookings."""

    limit = Digits(validate=validate.Range(1, 1_000), load_default=1_000)


# -- catalogue --------------------------------------------------------------------------------------------


class MoviesQuery(PageQuery):
    """Movies by a part of the title, by genre."""

    q = Text(validate=validate.Length(1, 100))
    genre = Text(validate=validate.Length(1, 60))


class ShowsQuery(PageQuery):
    """Upcoming shows, of one movie if it is given."""

    movie_id = Digits(validate=validate.Range(1, MAX_ID))


class MovieRequest(Shape):
    """A movie, whole."""

    title = Line(required=True, validate=validate.Length(1, 200))
    description = Text(load_default="", validate=validate.Length(max=4000))
    genre = Line(load_default="", validate=validate.Length(max=60))
    duration_min = Whole(required=True, validate=validate.Range(1, 1000))


class Block(Shape):
    """Neighbouring seats of one category, first and last number included."""

    first = Whole(required=True, validate=validate.Range(1, MAX_NUMBER))
    last = Whole(required=True, validate=validate.Range(1, MAX_NUMBER))
    category = Text(required=True, validate=pattern(f"^{CATEGORY.pattern}$"))


class PlanRow(Shape):
    """A row of seats; `aisles` are the numbers of the seats that an aisle follows."""

    label = Text(required=True, validate=pattern(f"^{ROW_LABEL.pattern}$"))
    aisles = fields.List(Whole(validate=validate.Range(1, MAX_NUMBER)))
    blocks = fields.List(fields.Nested(Block), required=True, validate=validate.Length(min=1))


class Plan(Shape):
    """Rows in the order in which best-available prefers them: front first."""

    rows = fields.List(fields.Nested(PlanRow), required=True, validate=validate.Length(min=1))


class HallRequest(Shape):
    """A hall with its plan."""

    name = Line(required=True, validate=validate.Length(1, 200))
    plan = fields.Nested(Plan, required=True)


class ShowRequest(Shape):
    """A show to be sold. Every category of the hall needs a price; sales close at the start by default."""

    movie_id = identifier(required=True)
    hall_id = identifier(required=True)
    starts_at = Instant(required=True)
    prices = Prices(required=True, metadata=PRICES)
    seats_per_user = Whole(load_default=10, validate=validate.Range(1, 10_000))
    hold_s = Whole(validate=validate.Range(1, DAY_S))
    sales_open_at = Instant(metadata={"description": "Now, unless given."})
    sales_close_at = Instant(metadata={"description": "When the show starts, unless given."})

    @validates_schema
    def sales_have_a_window(self, values: Mapping[str, Any], **_: Any) -> None:
        """Sales open before they close, and close by the start."""
        closes = values.get("sales_close_at", values["starts_at"])
        if values.get("sales_open_at", 0) >= closes:
            raise ValidationError("Sales must open before they close.", "sales_open_at")
        if closes > values["starts_at"]:
            raise ValidationError("Sales must close by the start.", "sales_close_at")


class ShowChange(Shape):
    """New values of some of a show's settings; its start is fixed, because people have bought it."""

    RULES = MappingProxyType({"minProperties": 1})

    state = Text(validate=validate.OneOf([state.value for state in SaleState]))
    prices = Prices(metadata=PRICES)
    seats_per_user = Whole(validate=validate.Range(1, 10_000))
    hold_s = Whole(validate=validate.Range(1, DAY_S))
    sales_open_at = Instant()
    sales_close_at = Instant()

    @validates_schema
    def something_changes(self, values: Mapping[str, Any], **_: Any) -> None:
        """An empty change is a mistake."""
        if not values:
            raise ValidationError("Name at least one setting.")


BOOKING_REQUEST = BookingRequest()
BOOKING_STATUS = BookingStatus()
WAIT_QUERY = WaitQuery()
EXPORT_QUERY = ExportQuery()
PAGE_QUERY, MOVIES_QUERY, SHOWS_QUERY = PageQuery(), MoviesQuery(), ShowsQuery()
MOVIE_REQUEST, HALL_REQUEST, SHOW_REQUEST = MovieRequest(), HallRequest(), ShowRequest()
SHOW_CHANGE = ShowChange()
