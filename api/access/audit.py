"""Recording the acts of administrators, in the name of the current request's user (db/postgres/audit_log.py).

An act that Postgres performs is recorded in its own transaction (`done`), so one never exists without the other. An
act that a lane or Redis performs is recorded before it is sent (`intended`), and again with the reply (`answered`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import g
from sqlalchemy import Connection

from api.access.tokens import current_identity
from api.web.backend import backend
from core import logs
from core.errors import PostgresUnavailable
from db.postgres import audit_log
from db.postgres.audit_log import Act, ActOutcome
from db.postgres.engine import transaction

log = logs.logger(__name__)

Values = Mapping[str, Any]


def done(
    connection: Connection, action: str, subject: str, before: Values | None = None, after: Values | None = None,
    *, role: str | None = None,
) -> None:  # fmt: skip
    """Record an act in the transaction that performs it. Args: role: of the account, if the token has another."""
    act = _act(action, subject, before=before, after=after)
    audit_log.insert(connection, replace(act, actor_role=role) if role else act)


def intended(action: str, subject: str, before: Values | None = None, after: Values | None = None) -> int:
    """Record, and commit, that an act is about to be sent to a lane or Redis; return the row's id for `answered`.

    Raises: PostgresUnavailable: it must not be sent.
    """
    with transaction(backend().engine) as connection:
        return audit_log.insert(
            connection, _act(action, subject, outcome=ActOutcome.INTENDED, before=before, after=after)
        )


def answered(intent_id: int, action: str, subject: str, outcome: ActOutcome, after: Values) -> None:
    """Record the reply to an intended act. Without Postgres it is logged only: the act has happened."""
    act = _act(action, subject, outcome=outcome, intent_id=intent_id, after=after)
    try:
        with transaction(backend().engine) as connection:
            audit_log.insert(connection, act)
    except PostgresUnavailable as error:
        log.error("act_not_recorded", intent_id=intent_id, outcome=outcome.value, error=str(error))


def _act(action: str, subject: str, **more: Any) -> Act:
    who = current_identity()
    return Act(
        actor_id=who.user_id,
        actor_role=who.role,
        action=action,
        subject=subject,
        request_id=g.get("request_id", ""),
        **more,
    )
