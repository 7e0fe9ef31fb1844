"""Shapes of what administrators see of the system (api/admin)."""

from __future__ import annotations

from marshmallow import fields, validate

from api.shapes.answers import Page
from api.shapes.fields import Text, Whole
from api.shapes.requests import Shape
from db.postgres.audit_log import ActOutcome

ACTORS = ["admin", "box_office", "user", "owner"]


class ActAnswer(Shape):
    """An act of an administrator. An INTENDED one was about to be sent to a lane; another row has the reply."""

    id = Whole(required=True)
    at = fields.AwareDateTime(required=True)
    actor_id = fields.UUID(required=True, allow_none=True, metadata={"description": "Null: a command."})
    actor_role = Text(required=True, validate=validate.OneOf(ACTORS))
    action = Text(required=True)
    subject = Text(required=True)
    outcome = Text(required=True, validate=validate.OneOf([one.value for one in ActOutcome]))
    intent_id = Whole(required=True, allow_none=True, metadata={"description": "Of the act that this answers."})
    before = fields.Dict(required=True, allow_none=True)
    after = fields.Dict(required=True, allow_none=True)
    request_id = Text(required=True)


class AuditAnswer(Page):
    """Acts of administrators, newest first."""

    acts = fields.List(fields.Nested(ActAnswer), required=True)


AUDIT = AuditAnswer()
