"""The journal in Postgres: a row per decision, append-only, numbered per lane. Also the parked operations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

import orjson
from sqlalchemy import Connection, text

from core.bookings import Decision
from core.journal import JournalRow
from core.operations import StreamId
from db.postgres.engine import execute


def append(connection: Connection, lane: int, epoch: str, after_seq: int, decisions: Sequence[Decision]) -> None:
    """Record decisions, numbered from `after_seq` + 1. The constraint journal_decided_once excludes a second one."""
    statement = """
        INSERT INTO journal (lane, seq, epoch, stream_ms, stream_seq, part, kind, show_id, booking_id,
            outcome, reason, operation, decision, decided_ms)
        SELECT :lane, seq, :epoch, stream_ms, stream_seq, part, kind, show_id, booking_id,
            outcome, reason, operation, decision, decided_ms
        FROM json_to_recordset(CAST(:rows AS json))
            AS new (seq bigint, stream_ms bigint, stream_seq bigint, part integer, kind text, show_id integer,
                booking_id uuid, outcome text, reason text, operation jsonb, decision jsonb,
                decided_ms bigint)
    """
    rows = [_row(decision, after_seq + number) for number, decision in enumerate(decisions, 1)]
    execute(connection, statement, {"lane": lane, "epoch": epoch, "rows": f"[{','.join(rows)}]"})


def _row(decision: Decision, seq: int) -> str:
    """Return one row as JSON. The operation is already JSON, and is inserted as it was accepted."""
    values = {
        "seq": seq,
        "stream_ms": decision.entry.id.ms,
        "stream_seq": decision.entry.id.seq,
        "part": decision.part,
        "kind": decision.kind,
        "show_id": decision.show_id,
        "booking_id": decision.booking_id,
        "outcome": decision.outcome,
        "reason": decision.reason,
        "decision": decision.changes,
        "decided_ms": decision.decided_ms,
    }
    return f'{orjson.dumps(values).decode()[:-1]},"operation":{decision.entry.payload}}}'


def last_of_epoch(connection: Connection, lane: int, epoch: str) -> StreamId:
    """Return the newest decided entry of an epoch; 0-0 if there is none. Used when a lane's epoch changes."""
    statement = text("""
        SELECT stream_ms, stream_seq
        FROM journal
        WHERE lane = :lane AND epoch = :epoch
        ORDER BY stream_ms DESC, stream_seq DESC
        LIMIT 1
    """)
    row = connection.execute(statement, {"lane": lane, "epoch": epoch}).one_or_none()
    return StreamId(row.stream_ms, row.stream_seq) if row else StreamId(0, 0)


def decided(connection: Connection, lane: int, epoch: str, ids: Sequence[StreamId]) -> set[StreamId]:
    """Return those of some entries that have a decision.

    An entry without one that is not after the lane's last decided entry was added by a Redis that had lost its newest
    entries, and gave their ids again; or it is a repeated Book, which is never journalled.
    """
    statement = text("""
        SELECT stream_ms, stream_seq
        FROM unnest(CAST(:ms AS bigint[]), CAST(:seq AS bigint[])) AS wanted (stream_ms, stream_seq)
        WHERE EXISTS (
            SELECT
            FROM journal
            WHERE lane = :lane AND epoch = :epoch AND part = 0
                AND journal.stream_ms = wanted.stream_ms AND journal.stream_seq = wanted.stream_seq
        )
    """)
    values = {"lane": lane, "epoch": epoch, "ms": [id_.ms for id_ in ids], "seq": [id_.seq for id_ in ids]}
    return {StreamId(row.stream_ms, row.stream_seq) for row in connection.execute(statement, values)}


def bookings_decided(connection: Connection, lane: int, epoch: str, first: StreamId, last: StreamId) -> set[UUID]:
    """Return the bookings affected by the decisions of some entries (`first` to `last`), including expired ones."""
    statement = text("""
        SELECT booking_id
        FROM journal
        WHERE lane = :lane AND epoch = :epoch AND booking_id IS NOT NULL
            AND (stream_ms, stream_seq) BETWEEN (:first_ms, :first_seq) AND (:last_ms, :last_seq)
    """)
    values = {
        "lane": lane,
        "epoch": epoch,
        "first_ms": first.ms,
        "first_seq": first.seq,
        "last_ms": last.ms,
        "last_seq": last.seq,
    }
    return set(connection.execute(statement, values).scalars())


@dataclass(frozen=True, slots=True)
class ChangeOutcome:
    """A lane's decision about a change of a show. `seats_left`: not yet free, of a show that is cancelled."""

    outcome: str
    reason: str | None
    decided_ms: int
    seats_left: int | None = None


def outcome_of_change(
    connection: Connection, show_id: int, lane: int, epoch: str, id_: StreamId
) -> ChangeOutcome | None:
    """Return the outcome of a change of this show; None if it is undecided or does not exist."""
    statement = text("""
        SELECT outcome, reason, decided_ms,
            CASE WHEN settings @> '{"cancelled": true}' THEN held + sold END AS seats_left
        FROM journal
        LEFT JOIN shows ON shows.id = show_id
        WHERE lane = :lane AND epoch = :epoch AND stream_ms = :ms AND stream_seq = :seq AND part = 0
            AND kind = 'CHANGE_SHOW' AND show_id = :show_id
    """)
    values = {"lane": lane, "epoch": epoch, "ms": id_.ms, "seq": id_.seq, "show_id": show_id}
    row = connection.execute(statement, values).one_or_none()
    return ChangeOutcome(row.outcome, row.reason, row.decided_ms, row.seats_left) if row else None


def last_reasons(connection: Connection, lane: int, count: int) -> list[str | None]:
    """Return the reasons of a lane's newest decisions, newest first."""
    statement = text("""
        SELECT reason
        FROM journal
        WHERE lane = :lane
        ORDER BY seq DESC
        LIMIT :count
    """)
    return list(connection.execute(statement, {"lane": lane, "count": count}).scalars())


def park(connection: Connection, lane: int, epoch: str, id_: StreamId, payload: str, error: str) -> None:
    """Keep the payload of an operation that could not be decided. Repeat: the first row stays."""
    statement = text("""
        INSERT INTO parked (lane, epoch, stream_ms, stream_seq, payload, error)
        VALUES (:lane, :epoch, :stream_ms, :stream_seq, :payload, :error)
        ON CONFLICT DO NOTHING
    """)
    values = {
        "lane": lane,
        "epoch": epoch,
        "stream_ms": id_.ms,
        "stream_seq": id_.seq,
        "payload": payload.encode("utf-8", "surrogateescape"),
        "error": error.replace("\0", ""),
    }
    connection.execute(statement, values)


def read(connection: Connection, lane: int, show_id: int | None = None) -> Iterator[JournalRow]:
    """Yield a lane's journal in order, or one show's rows of it, streamed. Reads the lane's whole journal."""
    statement = text("""
        SELECT lane, seq, epoch, stream_ms, stream_seq, part, kind, show_id, booking_id, outcome, reason,
            operation, decision, decided_ms
        FROM journal
        WHERE lane = :lane AND (CAST(:show_id AS integer) IS NULL OR show_id = :show_id)
        ORDER BY seq
    """)
    options = {"stream_results": True, "max_row_buffer": 5_000}
    for row in connection.execute(statement, {"lane": lane, "show_id": show_id}, execution_options=options):
        yield JournalRow(
            lane=row.lane,
            seq=row.seq,
            epoch=row.epoch,
            id=StreamId(row.stream_ms, row.stream_seq),
            part=row.part,
            kind=row.kind,
            show_id=row.show_id,
            booking_id=row.booking_id,
            outcome=row.outcome,
            reason=row.reason,
            operation=row.operation,
            decision=row.decision,
            decided_ms=row.decided_ms,
        )
