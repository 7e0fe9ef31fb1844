"""Shapes of an administrator's requests about the system, as opposed to the catalogue (api/shapes/requests.py)."""

from __future__ import annotations

from marshmallow import fields, validate

from api.shapes.base import Shape
from api.shapes.fields import Address, Digits, Instant, Text, Whole
from api.shapes.requests import PageQuery
from core.worker_limit import MOST_WORKERS
from db.kv.samples import SIZE
from db.postgres.users import ROLES


class AuditQuery(PageQuery):
    """Acts, filtered. `until` is not included."""

    actor_id = fields.UUID()
    action = Text(validate=validate.Length(1, 100), metadata={"description": "Exactly: show.change."})
    subject = Text(validate=validate.Length(1, 100), metadata={"description": "Exactly: show 7."})
    since = Instant()
    until = Instant()


class LanesQuery(Shape):
    """For which time the forecast says how many workers are needed."""

    within_s = Digits(load_default=10, validate=validate.Range(1, 3_600), metadata={"description": "Seconds."})


class SamplesQuery(Shape):
    """Samples later than `since`; by default those of the last ten minutes."""

    since = Instant()
    limit = Digits(load_default=600, validate=validate.Range(1, SIZE))


class ReferenceQuery(Shape):
    """A booking's reference, however it is spelled."""

    reference = Text(required=True, validate=validate.Length(1, 100))


class SeatQuery(Shape):
    """A seat, by its label."""

    label = Text(required=True, validate=validate.Length(1, 100))


class UsersQuery(PageQuery):
    """Accounts, by the whole address or by role."""

    email = Address(validate=validate.Length(1, 254))
    role = Text(validate=validate.OneOf(ROLES))


class RoleChange(Shape):
    """The roles that an administrator may give. Administrators are made by a command."""

    role = Text(required=True, validate=validate.OneOf(["user", "box_office"]))


class WorkerCount(Shape):
    """How many workers the supervisor is to keep running; 0: nothing is decided."""

    count = Whole(required=True, validate=validate.Range(0, MOST_WORKERS))


class ParkedQuery(PageQuery):
    """Parked operations: those that wait for an administrator, or all."""

    resolved = Text(load_default="no", validate=validate.OneOf(["no", "any"]))


PARKED_QUERY, WORKER_COUNT = ParkedQuery(), WorkerCount()
AUDIT_QUERY, LANES_QUERY, SAMPLES_QUERY = AuditQuery(), LanesQuery(), SamplesQuery()
REFERENCE_QUERY, SEAT_QUERY, USERS_QUERY, ROLE_CHANGE = ReferenceQuery(), SeatQuery(), UsersQuery(), RoleChange()
