"""Shapes of requests: bodies and queries. Instantiated once, at import.

Unknown fields of a body are rejected. A schema checks the shape only, and calls no store: whether a show has a seat
is checked later. Movies and new shows are in
`api/shapes/catalogue_requests.py`, accounts in `api/shapes/account_requests.py`, answers in `api/shapes/answers.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from marshmallow import ValidationError, fields, validate, validates_schema

from api.shapes.base import Shape, pattern
from api.shapes.fields import MAX_PRICE_CENTS, PRICES, Digits, Flag, Instant, Line, Prices, Text, TimeZone, Whole
from api.shapes.plans import Plan
from core.seat_labels import CATEGORY, SEAT_LABEL
from core.shows import SaleState

MAX_SEATS_PER_BOOKING = 10
#: Max of give_up_after_ms: an hour. Clients willing to wait longer can omit it.
MAX_GIVE_UP_MS = 3_600_000
MAX_ID = 2**31 - 1
MAX_LIMIT = 100
#: Max of a show's version that a query may name: as many digits as a query's numbers may have.
MAX_VERSION = 10**15 - 1
DAY_S = 86_400
OFFER = {"description": "How long seats offered to the waiting list are held; 0: as any hold."}
WAITING = {"description": "How many bookings may wait for seats; 0: the show has no waiting list."}
MAX_WISHES = 5
MAX_AMOUNT_CENTS = MAX_SEATS_PER_BOOKING * MAX_PRICE_CENTS
EXTENSION = {"description": "By how much a hold may be extended, once; 0: not at all."}


def identifier(**kwargs: Any) -> Whole:
    """Return the field of a movie's, hall's or show's id."""
    return Whole(validate=validate.Range(1, MAX_ID), **kwargs)


class PageQuery(Shape):
    """A page of a list; `cursor` is the previous page's `next_cursor`, absent for the first page."""

    limit = Digits(validate=validate.Range(1, MAX_LIMIT), load_default=20)
    cursor = Text(load_default=None)


# -- bookings ---------------------------------------------------------------------------------------------


class Seats(Shape):
    """Named seats, or a quantity of the best available."""

    #: What goes with a quantity only.
    WITH_QUANTITY: ClassVar[tuple[str, ...]] = ("category",)
    RULES = MappingProxyType(
        {
            "oneOf": [{"required": [name]} for name in ("seats", "quantity")],
            "dependentRequired": {"category": ["quantity"]},
        }
    )

    seats = fields.List(
        Text(validate=pattern(SEAT_LABEL)),
        validate=validate.Length(1, MAX_SEATS_PER_BOOKING),
        metadata={"uniqueItems": True},
    )
    quantity = Whole(validate=validate.Range(1, MAX_SEATS_PER_BOOKING))
    category = Text(validate=pattern(f"^{CATEGORY.pattern}$"))
    expected_amount_cents = Whole(
        validate=validate.Range(0, MAX_AMOUNT_CENTS),
        metadata={
            "description": "If the seats together cost something else when it is decided, FAILED: PRICE_CHANGED."
        },
    )

    @validates_schema
    def either_seats_or_quantity(self, values: Mapping[str, Any], **_: Any) -> None:
        """Require exactly one of the two, and each seat once."""
        seats = values.get("seats")
        if (seats is None) == ("quantity" not in values):
            raise ValidationError("Give either seats or quantity.")
        if seats is None:
            return
        for name in self.WITH_QUANTITY:
            if name in values:
                raise ValidationError("This goes with quantity, not with named seats.", name)
        require_each_once(seats)


class WishRequest(Seats):
    """Seats that a request would take: named ones, or a quantity of the best available."""

    WITH_QUANTITY = ("category", "together", "accessible", "min_price_cents", "max_price_cents")
    RULES = MappingProxyType(
        {
            "oneOf": [{"required": [name]} for name in ("seats", "quantity")],
            "dependentRequired": {name: ["quantity"] for name in WITH_QUANTITY},
        }
    )

    together = Flag(metadata={"description": "Adjacent, or not at all."})
    accessible = Flag(metadata={"description": "Places for wheelchairs and companions; otherwise none of these."})
    min_price_cents = Whole(validate=validate.Range(0, MAX_PRICE_CENTS), metadata={"description": "Of each seat."})
    max_price_cents = Whole(validate=validate.Range(0, MAX_PRICE_CENTS), metadata={"description": "Of each seat."})

    @validates_schema
    def prices_are_a_range(self, values: Mapping[str, Any], **_: Any) -> None:
        """Require that the price may be something."""
        if values.get("min_price_cents", 0) > values.get("max_price_cents", MAX_PRICE_CENTS):
            raise ValidationError("No price is in this range.", "max_price_cents")


class BookingRequest(Seats):
    """Named seats, a quantity of the best available, or ranked wishes; confirmed at once, or first held."""

    RULES = MappingProxyType(
        {
            "oneOf": [{"required": [name]} for name in ("seats", "quantity", "wishes")],
            "dependentRequired": {"category": ["quantity"]},
        }
    )

    show_id = identifier(required=True)
    wishes = fields.List(
        fields.Nested(WishRequest),
        validate=validate.Length(1, MAX_WISHES),
        metadata={"description": "The first that can be granted is; the status says which: `wish`, from 0."},
    )
    hold = Flag(load_default=False)
    give_up_after_ms = Whole(
        validate=validate.Range(1, MAX_GIVE_UP_MS),
        metadata={"description": "If it is decided later than this after `accepted_at`, FAILED: EXPIRED_IN_QUEUE."},
    )
    waiting_list = Flag(
        metadata={"description": "If the seats cannot be had, wait for them: they are offered as a hold, in order."}
    )

    @validates_schema
    def either_seats_or_quantity(self, values: Mapping[str, Any], **more: Any) -> None:
        """Require exactly one of the three."""
        if "wishes" not in values:
            super().either_seats_or_quantity(values, **more)
            return
        for name in ("seats", "quantity", "category"):
            if name in values:
                raise ValidationError("This goes into a wish.", name)


def require_each_once(seats: list[str]) -> None:
    """Raise ValidationError if a seat is named twice."""
    if len(set(seats)) < len(seats):
        twice = {i: ["This seat is named twice."] for i, seat in enumerate(seats) if seat in seats[:i]}
        raise ValidationError({"seats": twice})


class ReleaseRequest(Shape):
    """Seats of a booking to give back; the others stay."""

    seats = fields.List(
        Text(validate=pattern(SEAT_LABEL)),
        required=True,
        validate=validate.Length(1, MAX_SEATS_PER_BOOKING),
        metadata={"uniqueItems": True},
    )

    @validates_schema
    def each_seat_once(self, values: Mapping[str, Any], **_: Any) -> None:
        """Require each seat once."""
        require_each_once(values["seats"])


class WaitQuery(Shape):
    """How long a status may wait for the outcome; longer waits than the server allows are shortened."""

    wait = Digits(load_default=0, validate=validate.Range(max=3_600), metadata={"description": "Seconds."})


class CloseQuery(Shape):
    """Whether a show that is closed takes place: its bookings remain, or all of them are cancelled."""

    cancel_bookings = Text(load_default="false", validate=validate.OneOf(["true", "false"]))


class ExportQuery(PageQuery):
    """A page of an export's bookings."""

    limit = Digits(validate=validate.Range(1, 1_000), load_default=1_000)


# -- catalogue --------------------------------------------------------------------------------------------


class SeatStatesQuery(Shape):
    """The states of a show's seats, all of them or what has changed."""

    since = Digits(
        validate=validate.Range(0, MAX_VERSION),
        load_default=None,
        metadata={"description": "The version that the client has: only the changes since then, if they are known."},
    )


class HallRequest(Shape):
    """A hall with its plan. `time_zone`: IANA; by default the installation's."""

    name = Line(required=True, validate=validate.Length(1, 200))
    time_zone = TimeZone(load_default=None, metadata={"examples": ["Europe/Berlin"]})
    plan = fields.Nested(Plan, required=True)


class ShowChange(Shape):
    """New values of some of a show's settings. Its start cannot change: people have bought tickets for it."""

    RULES = MappingProxyType({"minProperties": 1})

    state = Text(validate=validate.OneOf([state.value for state in SaleState]))
    prices = Prices(metadata=PRICES)
    seats_per_user = Whole(validate=validate.Range(1, 10_000))
    hold_s = Whole(validate=validate.Range(1, DAY_S))
    hold_extension_s = Whole(validate=validate.Range(0, DAY_S), metadata=EXTENSION)
    offer_s = Whole(validate=validate.Range(0, DAY_S), metadata=OFFER)
    waiting_list_max = Whole(validate=validate.Range(0, 10_000), metadata=WAITING)
    sales_open_at = Instant()
    sales_close_at = Instant()

    @validates_schema
    def something_changes(self, values: Mapping[str, Any], **_: Any) -> None:
        """Reject an empty change."""
        if not values:
            raise ValidationError("Name at least one setting.")


BOOKING_REQUEST, RELEASE_REQUEST = BookingRequest(), ReleaseRequest()
WAIT_QUERY = WaitQuery()
EXPORT_QUERY = ExportQuery()
CLOSE_QUERY = CloseQuery()
PAGE_QUERY, HALL_REQUEST = PageQuery(), HallRequest()
SEAT_STATES_QUERY = SeatStatesQuery()
SHOW_CHANGE = ShowChange()
