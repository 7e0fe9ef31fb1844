"""Shapes of answers. They document and test what `api/web/serializers.py` and `api/bookings/status_body.py` build; no
request pays for them.
"""

from __future__ import annotations

from marshmallow import INCLUDE, fields, validate

from api.shapes.base import Shape
from api.shapes.catalogue_answers import (
    InstallationAnswer,
    MovieAnswer,
    MovieDetailAnswer,
    MoviesAnswer,
    ShowAnswer,
    ShowsAnswer,
)
from api.shapes.change_answers import ChangeAnswer
from api.shapes.fields import Flag, Text, Whole
from api.shapes.pages import Page
from api.shapes.plans import Plan
from core.bookings import Outcome, Reason, Stage, Status
from core.operations import Kind
from core.rows import SeatKind
from db.postgres.users import ROLES


class Fault(Shape):
    """A fault of the request, located by a JSON pointer into the body, by a line of it, or by a query parameter."""

    pointer = Text()
    parameter = Text()
    line = Whole(metadata={"description": "Of a body in CSV, counted from 1."})
    column = Text(metadata={"description": "The name of the line's column."})
    detail = Text(required=True)


class Problem(Shape):
    """Any error, RFC 9457. `code` is stable; `detail` is for people."""

    class Meta:
        """Some problems have further members, for example the id of a booking."""

        unknown = INCLUDE

    type = Text(required=True)
    title = Text(required=True)
    status = Whole(required=True)
    detail = Text(required=True)
    code = Text(required=True)
    request_id = Text(required=True)
    errors = fields.List(fields.Nested(Fault))
    opens_at = fields.AwareDateTime(metadata={"description": "With show_not_open: when the sale opens."})


class LastOperation(Shape):
    """The newest decision about a booking: for example, a refused confirm."""

    kind = Text(required=True, validate=validate.OneOf([kind.value for kind in Kind]))
    accepted_at = fields.AwareDateTime(required=True)
    outcome = Text(required=True, allow_none=True, validate=validate.OneOf([one.value for one in Outcome]))
    reason = Text(required=True, allow_none=True, validate=validate.OneOf([one.value for one in Reason]))


class PendingOperation(Shape):
    """An operation on a booking that is accepted but undecided."""

    kind = Text(required=True, validate=validate.OneOf([kind.value for kind in Kind]))
    accepted_at = fields.AwareDateTime(required=True)


class BookingStatus(Shape):
    """A booking as its owner sees it. Times are ISO 8601 UTC, money is in cents."""

    id = fields.UUID(required=True)
    reference = Text(required=True, metadata={"description": "Short form, to read aloud."})
    show_id = Whole(required=True)
    status = Text(required=True, validate=validate.OneOf([status.value for status in Status]))
    stage = Text(required=True, allow_none=True, validate=validate.OneOf([stage.value for stage in Stage]))
    reason = Text(required=True, allow_none=True, validate=validate.OneOf([one.value for one in Reason]))
    position = Whole(required=True, allow_none=True, metadata={"description": "Position in the queue."})
    waiting_number = Whole(
        required=True,
        allow_none=True,
        metadata={"description": "Number in the waiting list, also after it was left."},
    )
    waiting_position = Whole(
        required=True, allow_none=True,
        metadata={"description": "While WAITING: 1 is offered seats first. Null if unknown, and in lists."},
    )  # fmt: skip
    eta_ms = Whole(required=True, allow_none=True, metadata={"description": "Null if unknown."})
    poll_after_ms = Whole(required=True, allow_none=True)
    delayed = Flag(required=True, metadata={"description": "The lane has decided nothing for seconds."})
    expires_at = fields.AwareDateTime(required=True, allow_none=True)
    expires_in_ms = Whole(required=True, allow_none=True, metadata={"description": "By the server's clock."})
    seats = fields.List(Text(), required=True)
    amount_cents = Whole(required=True, allow_none=True)
    accepted_at = fields.AwareDateTime(required=True)
    decided_at = fields.AwareDateTime(required=True, allow_none=True)
    confirmed_at = fields.AwareDateTime(required=True, allow_none=True)
    version = Whole(required=True, metadata={"description": "Grows with each decision; 0 while QUEUED."})
    last_operation = fields.Nested(LastOperation, required=True, allow_none=True)
    pending_operation = fields.Nested(PendingOperation, required=True, allow_none=True)
    replaced_by = fields.UUID(required=True, allow_none=True)
    released = fields.List(Text(), required=True, metadata={"description": "Seats that were given back singly."})
    extended = Flag(required=True, metadata={"description": "The hold has been extended."})
    wish = Whole(required=True, allow_none=True, metadata={"description": "Which of the wishes was granted, from 0."})
    apart = Flag(required=True, allow_none=True, metadata={"description": "The seats are not all adjacent."})


class UserAnswer(Shape):
    """An account."""

    id = fields.UUID(required=True)
    email = Text(required=True)
    name = Text(required=True)
    role = Text(required=True, validate=validate.OneOf(ROLES))
    created_at = fields.AwareDateTime(required=True)


class TokenAnswer(Shape):
    """An access token, a refresh token for the next pair, and their user. `expires_in`: seconds."""

    access_token = Text(required=True)
    token_type = Text(required=True, validate=validate.Equal("Bearer"))
    expires_in = Whole(required=True)
    refresh_token = Text(
        required=True,
        allow_none=True,
        metadata={"description": "Usable once, for the next pair. Null: it is in the session cookie."},
    )
    user = fields.Nested(UserAnswer, required=True)
    must_enrol = Flag(
        required=True,
        metadata={"description": "True: the access token can do nothing but enrol at /api/auth/second-factor."},
    )


class OwnBookings(Page):
    """The user's decided bookings, newest first. `currency`: of all amounts, ISO 4217."""

    currency = Text(required=True)
    bookings = fields.List(fields.Nested(BookingStatus), required=True)


class SessionAnswer(Shape):
    """A log-in that has not ended."""

    id = fields.UUID(required=True)
    created_at = fields.AwareDateTime(required=True)
    expires_at = fields.AwareDateTime(required=True)


class SecondFactorState(Shape):
    """Whether log-ins need a code."""

    enrolled = Flag(required=True)
    enrolled_at = fields.AwareDateTime(required=True, allow_none=True)
    recovery_codes_left = Whole(required=True)


class ExportAnswer(OwnBookings):
    """All data stored about an account; of the second factor no secret."""

    user = fields.Nested(UserAnswer, required=True)
    second_factor = fields.Nested(SecondFactorState, required=True)
    sessions = fields.List(fields.Nested(SessionAnswer), required=True)


class HallListingAnswer(Shape):
    """A hall without its plan."""

    id = Whole(required=True)
    name = Text(required=True)
    capacity = Whole(required=True)
    time_zone = Text(required=True, metadata={"description": "IANA, such as Europe/Berlin."})


class HallsAnswer(Page):
    """Halls by name."""

    halls = fields.List(fields.Nested(HallListingAnswer), required=True)


class HallAnswer(HallListingAnswer):
    """A hall with its plan."""

    plan = fields.Nested(Plan, required=True)


class SeatAnswer(Shape):
    """A seat of a show."""

    label = Text(required=True)
    category = Text(required=True)
    status = Text(required=True, validate=validate.OneOf(["AVAILABLE", "HELD", "SOLD"]))
    kind = Text(
        validate=validate.OneOf([SeatKind.WHEELCHAIR.value, SeatKind.COMPANION.value]),
        metadata={"description": "Of a place for a wheelchair or a companion; absent of other seats."},
    )


class SeatRow(Shape):
    """A row of seats, from left to right."""

    label = Text(required=True)
    section = Text(metadata={"description": "The key of its section; absent in a hall without sections."})
    seats = fields.List(fields.Nested(SeatAnswer), required=True)


class SeatMapAnswer(Shape):
    """Every seat of a show, at one version of the show."""

    show_id = Whole(required=True)
    version = Whole(required=True)
    rows = fields.List(fields.Nested(SeatRow), required=True)


class HealthAnswer(Shape):
    """The server is running."""

    success = Flag(required=True)
    message = Text(required=True)
    status = Text(required=True)


class Liveness(Shape):
    """The process answers."""

    status = Text(required=True)


class Readiness(Shape):
    """Whether bookings can be accepted (Redis), and whether they can be decided (Postgres)."""

    status = Text(required=True, validate=validate.OneOf(["ready", "not ready", "leaving"]))
    redis = Text(required=True, validate=validate.OneOf(["ok", "unavailable"]))
    postgres = Text(required=True, validate=validate.OneOf(["ok", "unavailable"]))
    workers = Whole(metadata={"description": "Workers that drain the lanes of this Redis."})


BOOKING_STATUS = BookingStatus()
USER, TOKEN, OWN_BOOKINGS, EXPORT = UserAnswer(), TokenAnswer(), OwnBookings(), ExportAnswer()
MOVIE, MOVIES, MOVIE_DETAIL = MovieAnswer(), MoviesAnswer(), MovieDetailAnswer()
HALL, HALLS, SEAT_MAP = HallAnswer(), HallsAnswer(), SeatMapAnswer()
SHOW, SHOWS, INSTALLATION = ShowAnswer(), ShowsAnswer(), InstallationAnswer()
CHANGE, HEALTH, LIVENESS, READINESS = ChangeAnswer(), HealthAnswer(), Liveness(), Readiness()
