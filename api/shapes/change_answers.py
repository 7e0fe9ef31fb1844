"""The shape of the answer about a change of a show."""

from __future__ import annotations

from marshmallow import fields, validate

from api.shapes.base import Shape
from api.shapes.fields import Text, Whole
from core.bookings import Outcome, Reason


class ChangeAnswer(Shape):
    """A change of a show. It is ACCEPTED while it waits in the show's lane, behind everything accepted before it.

    REFUSED with SHOW_CLOSED: the show was closed before it was decided. With SALES_WINDOW: together with changes
    decided before it, no sales window would be left. `seats_left`: of a show whose bookings are being cancelled, how
    many seats are still held or sold; else null.
    """

    id = Text(required=True)
    show_id = Whole(required=True)
    status = Text(required=True, validate=validate.OneOf(["ACCEPTED", Outcome.DONE.value, Outcome.REFUSED.value]))
    reason = Text(required=True, allow_none=True, validate=validate.OneOf([one.value for one in Reason]))
    accepted_at = fields.AwareDateTime(required=True)
    decided_at = fields.AwareDateTime(required=True, allow_none=True)
    seats_left = Whole(required=True, allow_none=True)
