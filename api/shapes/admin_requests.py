"""Shapes of an administrator's requests about the system, as opposed to the catalogue (api/shapes/requests.py)."""

from __future__ import annotations

from marshmallow import fields, validate

from api.shapes.fields import Instant, Text
from api.shapes.requests import PageQuery


class AuditQuery(PageQuery):
    """Acts, filtered. `until` is not included."""

    actor_id = fields.UUID()
    action = Text(validate=validate.Length(1, 100), metadata={"description": "Exactly: show.change."})
    subject = Text(validate=validate.Length(1, 100), metadata={"description": "Exactly: show 7."})
    since = Instant()
    until = Instant()


AUDIT_QUERY = AuditQuery()
