"""Fences: the rows of the table lanes. The transaction that locks a lane's row is the lane's only writer."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from core.errors import LaneBusy
from core.operations import StreamId
from db.postgres.engine import execute, sqlstate


@dataclass(frozen=True, slots=True)
class Fence:
    """A lane's row: no entry of `epoch` after `last` is decided; the journal says which of the others are.

    `seq`: the journal's last number."""

    lane: int
    epoch: str
    last: StreamId
    seq: int
    decided_ms: int
    #: Postgres's clock when the row was locked, ms.
    now_ms: int = 0


def lock(connection: Connection, lane: int) -> Fence:
    """Lock the lane's row until the transaction ends, without waiting (docs/locking.md rule 1).

    Raises: LaneBusy: another drain holds it.    Locks: lanes(lane) FOR UPDATE NOWAIT.
    """
    statement = """
        SELECT epoch, stream_ms, stream_seq, seq, decided_ms,
            CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint) AS now_ms
        FROM lanes
        WHERE lane = :lane
        FOR UPDATE NOWAIT
    """
    try:
        [row] = execute(connection, statement, {"lane": lane})
    except OperationalError as error:
        if sqlstate(error) == "55P03":
            raise LaneBusy from error
        raise
    return Fence(lane, row.epoch, StreamId(row.stream_ms, row.stream_seq), row.seq, row.decided_ms, row.now_ms)


def advance(connection: Connection, fence: Fence) -> None:
    """Record up to where the lane is decided now. The row must be locked."""
    statement = """
        UPDATE lanes
        SET epoch = :epoch, stream_ms = :stream_ms, stream_seq = :stream_seq,
            seq = :seq, decided_ms = :decided_ms
        WHERE lane = :lane
    """
    values = {
        "lane": fence.lane,
        "epoch": fence.epoch,
        "stream_ms": fence.last.ms,
        "stream_seq": fence.last.seq,
        "seq": fence.seq,
        "decided_ms": fence.decided_ms,
    }
    execute(connection, statement, values)


def create(connection: Connection, lanes: int) -> None:
    """Insert the rows of all lanes. Repeat: safe."""
    statement = text("""
        INSERT INTO lanes (lane)
        SELECT lane FROM generate_series(0, :last) AS lane
        ON CONFLICT DO NOTHING
    """)
    connection.execute(statement, {"last": lanes - 1})


def holders(connection: Connection) -> set[tuple[int, float]]:
    """Return the transactions that have locked a lane's row: backend pid, and start in seconds since 1970.

    Only the database's owner sees those of other roles.
    """
    statement = text("""
        SELECT pid, CAST(extract(epoch FROM xact_start) AS double precision) AS begun
        FROM pg_locks
        JOIN pg_stat_activity USING (pid)
        WHERE relation = CAST('lanes' AS regclass) AND mode = 'RowShareLock' AND granted
    """)
    return {(row.pid, row.begun) for row in connection.execute(statement)}
