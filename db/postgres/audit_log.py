"""The audit log in Postgres: a row per act of an administrator. The api may insert and read rows, not change them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Connection, text

from core.times import from_ms

#: The role of commands, which act as the database's owner.
OWNER = "owner"


class ActOutcome(StrEnum):
    """What became of an act."""

    #: It is committed with this row.
    DONE = "DONE"
    #: It is about to be sent to a lane; the row with the reply refers to this one.
    INTENDED = "INTENDED"
    #: The lane has accepted it: the journal has the decision.
    ACCEPTED = "ACCEPTED"
    REFUSED = "REFUSED"
    #: The reply was lost.
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """An act to record. `actor_id`: None for a command.  `subject`: "show 7".  `intent_id`: of the announcing row."""

    actor_id: UUID | None
    actor_role: str
    action: str
    subject: str
    outcome: ActOutcome = ActOutcome.DONE
    intent_id: int | None = None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class AuditRow:
    """A recorded act."""

    id: int
    at: datetime
    act: Act


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which rows to list; None: any. Times are ms, `until_ms` is not included."""

    actor_id: UUID | None = None
    action: str | None = None
    subject: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None


def insert(connection: Connection, act: Act) -> int:
    """Record an act and return its row's id. For an act of Postgres alone: in the transaction that performs it."""
    statement = text("""
        INSERT INTO audit_log (actor_id, actor_role, action, subject, outcome, intent_id, before, after, request_id)
        VALUES (:actor_id, :actor_role, :action, :subject, :outcome, :intent_id,
            CAST(:before AS jsonb), CAST(:after AS jsonb), :request_id)
        RETURNING id
    """)
    values = {
        "actor_id": act.actor_id,
        "actor_role": act.actor_role,
        "action": act.action,
        "subject": act.subject,
        "outcome": act.outcome.value,
        "intent_id": act.intent_id,
        "before": _json(act.before),
        "after": _json(act.after),
        "request_id": act.request_id,
    }
    id_: int = connection.execute(statement, values).scalar_one()
    return id_


def by_command(
    connection: Connection,
    action: str,
    subject: str,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Record an act of a command, in the transaction that performs it."""
    act = Act(actor_id=None, actor_role=OWNER, action=action, subject=subject, before=before, after=after)
    insert(connection, act)


def list_acts(connection: Connection, wanted: AuditFilter, *, after: int | None, limit: int) -> list[AuditRow]:
    """Return acts, newest first. Args: after: only those older than the row with this id.

    Only conditions that are given are in the statement, so that each uses its index.
    """
    values = {
        "actor_id": wanted.actor_id,
        "action": wanted.action,
        "subject": wanted.subject,
        "since": None if wanted.since_ms is None else from_ms(wanted.since_ms),
        "until": None if wanted.until_ms is None else from_ms(wanted.until_ms),
        "after": after,
    }
    given = {name: value for name, value in values.items() if value is not None}
    conditions = " AND ".join(_CONDITIONS[name] for name in given) or "true"
    statement = text(f"""
        SELECT id, at, actor_id, actor_role, action, subject, outcome, intent_id, before, after, request_id
        FROM audit_log
        WHERE {conditions}
        ORDER BY id DESC
        LIMIT :limit
    """)  # noqa: S608 - constants
    return [_row(row) for row in connection.execute(statement, {**given, "limit": limit})]


#: Ids and times grow together, except between transactions that overlap: so a time is turned into the ids around it.
_CONDITIONS = {
    "actor_id": "actor_id = :actor_id",
    "action": "action = :action",
    "subject": "subject = :subject",
    "since": """at >= :since AND id >= (
            SELECT coalesce(min(id), 9223372036854775807)
            FROM (SELECT id FROM audit_log WHERE at >= :since ORDER BY at LIMIT 100) AS first
        )""",
    "until": """at < :until AND id <= (
            SELECT coalesce(max(id), 0)
            FROM (SELECT id FROM audit_log WHERE at < :until ORDER BY at DESC LIMIT 100) AS last
        )""",
    "after": "id < :after",
}


def _json(value: Mapping[str, Any] | None) -> str | None:
    return None if value is None else orjson.dumps(dict(value)).decode()


def _row(row: Any) -> AuditRow:
    act = Act(
        actor_id=row.actor_id,
        actor_role=row.actor_role,
        action=row.action,
        subject=row.subject,
        outcome=ActOutcome(row.outcome),
        intent_id=row.intent_id,
        before=row.before,
        after=row.after,
        request_id=row.request_id,
    )
    return AuditRow(row.id, row.at, act)
