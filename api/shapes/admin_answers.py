"""Shapes of what administrators see of the system (api/admin)."""

from __future__ import annotations

from marshmallow import fields, validate

from api.shapes.answers import BookingStatus, SessionAnswer, UserAnswer
from api.shapes.base import Shape
from api.shapes.catalogue_answers import ShowAnswer
from api.shapes.fields import Flag, Text, Whole
from api.shapes.pages import Page
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


class LaneAnswer(Shape):
    """A lane. `drained_in_s`: when it is empty at its present rate if nothing more arrives; null: unknown."""

    lane = Whole(required=True)
    depth = Whole(required=True, metadata={"description": "Undecided operations."})
    oldest_age_ms = Whole(required=True)
    accepted = Whole(required=True, metadata={"description": "Operations accepted since Redis was empty."})
    decided = Whole(required=True, metadata={"description": "Of these, decided."})
    rate = fields.Float(required=True, metadata={"description": "Decisions per second of its last batches."})
    quiet_ms = Whole(required=True, metadata={"description": "How long entries have waited without a decision."})
    drained_by = Text(required=True, allow_none=True, metadata={"description": "The lease: a drain, or rung."})
    worker = Text(required=True, allow_none=True, metadata={"description": "Whose drain that is, if known."})
    drained_in_s = fields.Float(required=True, allow_none=True)


class ForecastAnswer(Shape):
    """All lanes, if nothing more arrives. A lane has one writer: more workers help only across lanes."""

    within_s = Whole(required=True)
    depth = Whole(required=True)
    drained_in_s = fields.Float(required=True, allow_none=True)
    writer_rate = fields.Float(required=True, metadata={"description": "Decisions per second of the fastest lane."})
    workers_needed = Whole(
        required=True,
        allow_none=True,
        metadata={"description": "To drain all within `within_s`. Null: unknown, or no number does (`too_deep`)."},
    )
    too_deep = fields.List(Whole(), required=True, metadata={"description": "Lanes too deep for one writer."})


class LanesAnswer(Shape):
    """Every lane, and a forecast."""

    lanes = fields.List(fields.Nested(LaneAnswer), required=True)
    workers = Whole(required=True, metadata={"description": "How many are alive."})
    forecast = fields.Nested(ForecastAnswer, required=True)


class TurnAnswer(Shape):
    """A drain at work on a lane."""

    lane = Whole(required=True)
    since = fields.AwareDateTime(required=True)
    batch = Whole(required=True, metadata={"description": "Entries of its last batch."})
    decided = Whole(required=True, metadata={"description": "Decisions of this turn."})


class WorkerAnswer(Shape):
    """A worker, as of its last heartbeat. Without lanes it is idle. Older versions send neither host nor pid."""

    id = Text(required=True)
    host = Text(required=True, allow_none=True)
    pid = Whole(required=True, allow_none=True)
    since = fields.AwareDateTime(required=True, allow_none=True)
    heartbeat_age_ms = Whole(required=True)
    idle = Flag(required=True)
    lanes = fields.List(fields.Nested(TurnAnswer), required=True)


class WorkersAnswer(Shape):
    """The workers that are alive."""

    workers = fields.List(fields.Nested(WorkerAnswer), required=True)


class StoreAnswer(Shape):
    """A store, as this api process reaches it. `used_bytes`, `max_bytes`: Redis's memory; 0: no limit."""

    status = Text(required=True, validate=validate.OneOf(["ok", "unavailable"]))
    answers_in_ms = fields.Float(required=True, allow_none=True)
    used_bytes = Whole()
    max_bytes = Whole()


class StoresAnswer(Shape):
    """The health of the stores."""

    postgres = fields.Nested(StoreAnswer, required=True)
    redis = fields.Nested(StoreAnswer, required=True)


class RatesAnswer(Shape):
    """Per second, since the sample before."""

    accepted = fields.Float(required=True)
    decided = fields.Float(required=True)
    refused = fields.Dict(keys=Text(), values=fields.Float(), required=True)


class LaneSample(Shape):
    """A busy lane in a sample."""

    lane = Whole(required=True)
    depth = Whole(required=True)
    oldest_age_ms = Whole(required=True)
    rate = fields.Float(required=True)


class ShowSample(Shape):
    """A busy show in a sample: one that was decided about in the last minute."""

    show_id = Whole(required=True)
    free = Whole(required=True)
    held = Whole(required=True)
    sold = Whole(required=True)


class SampleAnswer(Shape):
    """The state of the system in one second. Totals count since Redis was empty; `per_s`: null after a gap."""

    at = fields.AwareDateTime(required=True)
    accepted = Whole(required=True)
    decided = Whole(required=True)
    refused = fields.Dict(keys=Text(), values=Whole(), required=True)
    per_s = fields.Nested(RatesAnswer, required=True, allow_none=True)
    depth = Whole(required=True)
    oldest_age_ms = Whole(required=True)
    workers = Whole(required=True)
    lanes = fields.List(fields.Nested(LaneSample), required=True, metadata={"description": "The deepest 32."})
    shows = fields.List(fields.Nested(ShowSample), required=True)


class SamplesAnswer(Shape):
    """Samples of the last hour, oldest first. Continue with `since` set to the last one's `at`."""

    samples = fields.List(fields.Nested(SampleAnswer), required=True)


class ShowFiguresAnswer(Shape):
    """A show as an operator sees it. `refused`: by reason at admission, since a day without refusals."""

    show = fields.Nested(ShowAnswer, required=True)
    lane = Whole(required=True)
    undecided = Whole(required=True, metadata={"description": "Requests for seats that wait in its lane."})
    sold_per_min = Whole(
        required=True,
        allow_none=True,
        metadata={"description": "Seats sold in the last minute, less those cancelled; null without samples."},
    )
    refused = fields.Dict(keys=Text(), values=Whole(), required=True)


class DecisionAnswer(Shape):
    """A decision about a booking. `recorded_at`: just before its COMMIT; it is published as soon as that returns."""

    lane = Whole(required=True)
    seq = Whole(required=True, metadata={"description": "Its number in the lane's journal."})
    kind = Text(required=True)
    outcome = Text(required=True)
    reason = Text(required=True, allow_none=True)
    accepted_at = fields.AwareDateTime(required=True)
    decided_at = fields.AwareDateTime(required=True)
    recorded_at = fields.AwareDateTime(required=True)
    version = Whole(required=True, allow_none=True, metadata={"description": "Null: it changed nothing."})
    status = Text(required=True, allow_none=True)
    seats = fields.List(Text(), required=True, allow_none=True)


class BookingHistoryAnswer(Shape):
    """Anybody's booking, and its way through the lane. `published_version`: that in Redis; null: none is there."""

    booking = fields.Nested(BookingStatus, required=True)
    user_id = fields.UUID(required=True)
    published_version = Whole(required=True, allow_none=True)
    decisions = fields.List(fields.Nested(DecisionAnswer), required=True)


class EndAnswer(Shape):
    """The decision that took a seat from a booking, or changed it from held to confirmed."""

    kind = Text(required=True)
    outcome = Text(required=True)
    reason = Text(required=True, allow_none=True)


class OwnershipAnswer(Shape):
    """A time in which a booking had the seat. `until`: null if it still has it."""

    booking_id = fields.UUID(required=True)
    reference = Text(required=True)
    user_id = fields.UUID(required=True, allow_none=True)
    status = Text(required=True, validate=validate.OneOf(["HELD", "CONFIRMED"]))
    since = fields.AwareDateTime(required=True)
    until = fields.AwareDateTime(required=True, allow_none=True)
    ended_by = fields.Nested(EndAnswer, required=True, allow_none=True)


class SeatHistoryAnswer(Shape):
    """Who had a seat, and when."""

    show_id = Whole(required=True)
    label = Text(required=True)
    history = fields.List(fields.Nested(OwnershipAnswer), required=True)


class UsersAnswer(Page):
    """Accounts by address."""

    users = fields.List(fields.Nested(UserAnswer), required=True)


class UserDetailAnswer(Shape):
    """An account and its sessions."""

    user = fields.Nested(UserAnswer, required=True)
    sessions = fields.List(fields.Nested(SessionAnswer), required=True)


class ParkedAnswer(Shape):
    """An operation that was set aside. `kind`: null if it cannot be read. Only a Book can be retried."""

    id = Text(required=True)
    lane = Whole(required=True)
    kind = Text(required=True, allow_none=True)
    booking_id = fields.UUID(required=True, allow_none=True)
    payload = Text(required=True, allow_none=True, metadata={"description": "As received; null: not UTF-8."})
    payload_base64 = Text(required=True)
    error = Text(required=True)
    parked_at = fields.AwareDateTime(required=True)
    retriable = Flag(required=True)
    resolution = Text(required=True, allow_none=True, validate=validate.OneOf(["RETRIED", "DISCARDED"]))
    resolved_at = fields.AwareDateTime(required=True, allow_none=True)
    replaced_by = fields.UUID(required=True, allow_none=True)


class ParkedListAnswer(Page):
    """Parked operations, by lane."""

    parked = fields.List(fields.Nested(ParkedAnswer), required=True)


class WorkerCountAnswer(Shape):
    """How many workers there are and should be. `wanted` and `most`: null if no supervisor can be asked."""

    wanted = Whole(required=True, allow_none=True, metadata={"description": "How many the supervisor keeps running."})
    running = Whole(required=True, metadata={"description": "How many have sent a heartbeat lately."})
    changeable = Flag(required=True, metadata={"description": "Whether the number can be set here."})
    most = Whole(required=True, allow_none=True, metadata={"description": "For more, Postgres lacks connections."})


WORKER_COUNT = WorkerCountAnswer()
PARKED, PARKED_LIST = ParkedAnswer(), ParkedListAnswer()
AUDIT, LANES, WORKERS, STORES = AuditAnswer(), LanesAnswer(), WorkersAnswer(), StoresAnswer()
SAMPLES, SHOW_FIGURES = SamplesAnswer(), ShowFiguresAnswer()
BOOKING_HISTORY, SEAT_HISTORY = BookingHistoryAnswer(), SeatHistoryAnswer()
USERS, USER_DETAIL = UsersAnswer(), UserDetailAnswer()
