"""Operations that an administrator sends to a lane. The audit log has the intent, and the reply of accept.lua."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import g

from api.access import audit
from api.bookings.routes import run, service
from core.errors import AcceptUnknown, OnsaleError
from core.operations import Operation
from db.kv.admission import AcceptReply
from db.postgres.audit_log import ActOutcome


def accept(
    operation: Operation, action: str, subject: str, *, before: Mapping[str, Any], after: Mapping[str, Any]
) -> AcceptReply:
    """Accept an operation into its lane, or refuse it, and record both the intent and the reply.

    Raises: as api/bookings/service.py `accept`; PostgresUnavailable also if the intent cannot be recorded.
    """
    intent = audit.intended(action, subject, before, after)
    try:
        accepted = run(service().accept(operation, g.request_id))
    except OnsaleError as error:
        outcome = ActOutcome.UNKNOWN if isinstance(error, AcceptUnknown) else ActOutcome.REFUSED
        audit.answered(intent, action, subject, outcome, {"code": error.code})
        raise
    if accepted.found:
        entry = {"epoch": accepted.meter.epoch, "entry": accepted.entry_id}
        audit.answered(intent, action, subject, ActOutcome.ACCEPTED, entry)
    else:
        audit.answered(intent, action, subject, ActOutcome.REFUSED, {"code": accepted.code.value.lower()})
    return accepted
