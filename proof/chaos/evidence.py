"""The evidence by which the oracle judges: requests and answers, the journal and tables, and the logs."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import inf
from pathlib import Path
from uuid import UUID

from sqlalchemy import Connection

from core import ids
from core.halls import Hall
from core.journal import JournalRow
from core.shows import ShowSettings
from db import installation
from db.postgres import audit, audit_log, halls, journal
from db.postgres.audit_log import AuditFilter, AuditRow
from db.postgres.engine import make_engine, transaction
from ops.verify import verify
from proof.chaos.record import BOOK, CHANGE_SHOW, CHANGES, STATUS, Call

#: The invariant that each check of db/postgres/audit.py belongs to.
AUDITED = {
    "seat in two live bookings": "I1",
    "live booking without its seats": "I8",
    "seat of no live booking": "I8",
    "counter other than rows": "I8",
    "amount other than its seats": "I8",
    "seat both released and kept": "I8",
    "booking decided other than once": "I2",
    "operation decided twice": "I2",
    "limit per user exceeded": "I7",
    "waiting list other than its rows": "I8",
    "waiting numbers out of order": "I6",
    "offered past somebody": "I6",
}
#: States in which a booking has its seats.
LIVE = ("PENDING", "CONFIRMED")
#: Characters at the end of a secret that are searched for in the logs.
PIECE = 24
#: More acts than any run has.
ALL_ACTS = 1_000_000
_INTENT = re.compile(r"intent_id\W+([0-9]+)")
#: The first letters of every token that is signed with HS256.
TOKEN_HEAD = "eyJhbGciOi"


@dataclass(frozen=True, slots=True)
class Wipe:
    """A time at which Redis was emptied, or set back to an earlier state, in seconds since 1970.

    back_to: the time of that state; what was accepted later is lost. None: everything is lost.
    """

    begun: float
    ended: float
    back_to: float | None = None


@dataclass
class Evidence:
    """Everything about one run. Rows are ordered by lane and seq."""

    calls: Sequence[Call]
    rows: Sequence[JournalRow]
    lanes: int
    booking_secret: bytes
    limits: dict[int, int]
    audited: dict[str, list[str]] = field(default_factory=dict)
    replayed: list[str] = field(default_factory=list)
    #: What was not at rest within the bound after the last fault.
    unfinished: list[str] = field(default_factory=list)
    #: The names of secrets that were found in a log.
    leaked: list[str] = field(default_factory=list)
    wipes: Sequence[Wipe] = ()
    #: (lane, seq) -> when the row was recorded, by Postgres's clock, in seconds since 1970.
    recorded: dict[tuple[int, int], float] = field(default_factory=dict)
    #: Lanes whose ids were set ahead of the clock: the ids of their rows give the order, not the time.
    ahead: frozenset[int] = frozenset()
    #: Show -> its settings as created: the journal has every change. And its hall.
    created: dict[int, ShowSettings] = field(default_factory=dict)
    halls: dict[int, Hall] = field(default_factory=dict)
    #: The audit log, oldest first; and the intents whose answer could not be recorded, as the log says.
    acts: Sequence[AuditRow] = ()
    unrecorded: frozenset[int] = frozenset()
    #: What stopped for longer than its bound, and when that was seen (proof/chaos/bounds.py).
    overdue: Sequence[tuple[str, float]] = ()
    #: Processes that do not belong to this installation and were not refused.
    unrefused: Sequence[str] = ()
    #: Seconds for which final statuses stay in Redis at least; later a repeated key may show QUEUED once more.
    status_ttl_s: float = 3600.0
    #: Seconds for which statuses may be stale after Redis was set back: the life of a hold, or of a final status.
    stale_s: float = 0.0
    #: When the system came to rest: statuses read later must have nothing undecided.
    rested_at: float = float("inf")
    #: Bookings whose 202 was lost with Redis's data, before they were repeated.
    lost_by_wipe: frozenset[str] = frozenset()
    #: Of those, the ones whose repetition was refused for good: an answer, though not an outcome.
    refused_again: frozenset[str] = frozenset()

    def id_of(self, call: Call) -> str:
        """Return the booking that a call is about: the derived id of a BOOK, else the id in the request."""
        if call.kind != BOOK:
            return call.booking
        return str(ids.booking_id(self.booking_secret, call.show, UUID(call.user), call.key))

    @cached_property
    def by_booking(self) -> dict[str, list[Call]]:
        """The owner's calls about each booking, in the order in which they were sent."""
        found: dict[str, list[Call]] = defaultdict(list)
        for call in sorted(self.calls, key=lambda each: each.sent_at):
            if call.kind in (BOOK, *CHANGES, STATUS):
                found[self.id_of(call)].append(call)
        return found

    @cached_property
    def rows_of(self) -> dict[str, list[JournalRow]]:
        """The decisions about each booking, in the journal's order."""
        found: dict[str, list[JournalRow]] = defaultdict(list)
        for row in self.rows:
            if row.booking_id is not None:
                found[str(row.booking_id)].append(row)
        return found

    @cached_property
    def outcomes(self) -> dict[str, list[JournalRow]]:
        """The outcomes of each booking: there must be exactly one."""
        return {
            id_: first
            for id_, rows in self.rows_of.items()
            if (first := [row for row in rows if row.kind == BOOK and row.part == 0 and row.outcome != "REFUSED"])
        }

    def with_settings(self) -> Iterator[tuple[JournalRow, ShowSettings | None]]:
        """Yield each row with its show's settings after it; None if there is no such show."""
        settings = dict(self.created)
        for row in self.rows:
            if row.kind == CHANGE_SHOW and "settings" in row.decision:
                settings[row.show_id] = ShowSettings.from_json(row.decision["settings"])
            yield row, settings.get(row.show_id)

    def wiped_between(self, begun: float, ended: float) -> bool:
        """Return whether Redis was emptied or set back between two moments."""
        return any(wipe.begun <= ended and begun <= wipe.ended for wipe in self.wipes)

    def may_be_lost(self, call: Call) -> bool:
        """Return whether Redis may have lost the operation that this call had accepted."""
        return any(
            call.sent_at <= wipe.ended and (wipe.back_to is None or (call.answered_at or wipe.ended) >= wipe.back_to)
            for wipe in self.wipes
        )

    def stale_until(self, since: float) -> float:
        """Return until when statuses may be older than at `since`; 0 if Redis was not set back after that."""
        later = [wipe for wipe in self.wipes if wipe.back_to is not None and wipe.ended >= since]
        return max((wipe.ended + self.stale_s for wipe in later), default=0.0)

    def accepted_at(self, row: JournalRow) -> float:
        """Return when a row's operation was accepted, in seconds since 1970.

        It is when the row was recorded if the lane's ids are ahead of the clock and the operation names no time.
        """
        if named_ms := row.operation.get("accepted_ms"):
            return float(named_ms) / 1000
        recorded = self.recorded.get((row.lane, row.seq))
        return recorded if row.lane in self.ahead and recorded is not None else row.id.ms / 1000

    def decided_at(self, row: JournalRow) -> float:
        """Return when a row was decided, in seconds since 1970, also if its lane is ahead of the clock."""
        return min(row.decided_ms / 1000, self.recorded.get((row.lane, row.seq), inf))

    def accepted(self) -> Iterator[tuple[str, list[Call]]]:
        """Yield every booking that was answered 202 or 200, with the BOOK calls that got that answer."""
        for id_, calls in self.by_booking.items():
            taken = [call for call in calls if call.kind == BOOK and call.accepted]
            if taken:
                yield id_, taken


def collect(
    database_url: str, calls: Sequence[Call], *, logs: Sequence[Path] = (), secrets: dict[str, str]
) -> Evidence:
    """Read the tables and the logs. `secrets`: name -> text that no log may contain."""
    engine = make_engine(database_url, pool_size=1, statement_timeout_ms=0, idle_timeout_ms=0)
    try:
        with transaction(engine) as connection:
            audit.begin_snapshot(connection)
            kept = installation.get(connection)
            rows = [row for lane in audit.lanes_in_journal(connection) for row in journal.read(connection, lane)]
            audited = {check: audit.violations(connection, check) for check in audit.CHECKS}
            settings = audit.settings_now(connection)
            created = audit.shows_as_created(connection)
            plans = {hall_id: _hall(connection, hall_id) for hall_id in {hall_id for hall_id, _ in created.values()}}
            acts = audit_log.list_acts(connection, AuditFilter(), after=None, limit=ALL_ACTS)[::-1]
            times = [recorded_ms / 1000 for _, _, recorded_ms in audit.decision_times(connection)]
    finally:
        engine.dispose()
    known = {text for texts in audited.values() for text in texts}
    return Evidence(
        calls=calls,
        rows=rows,
        lanes=kept.lanes,
        booking_secret=kept.booking_secret,
        limits={id_: each.seats_per_user for id_, each in settings.items()},
        created={id_: each for id_, (_, each) in created.items()},
        halls={id_: plans[hall_id] for id_, (hall_id, _) in created.items()},
        acts=acts,
        unrecorded=frozenset(intent for path in logs for intent in unrecorded(path.read_text(errors="replace"))),
        recorded={(row.lane, row.seq): at for row, at in zip(rows, times, strict=True)},
        audited=audited,
        replayed=[text for text in verify(database_url).violations if text not in known],
        leaked=leaks(logs, {**secrets, "booking secret": kept.booking_secret.hex()}),
    )


def _hall(connection: Connection, hall_id: int) -> Hall:
    row = halls.get_hall(connection, hall_id)
    assert row is not None  # shows_hall_exists
    return Hall.from_plan(hall_id, row.plan)


def unrecorded(text: str) -> list[int]:
    """Return the intents of the audit log whose answer could not be recorded, from the text of a log."""
    lines = [line for line in text.splitlines() if "act_not_recorded" in line]
    return [int(found) for line in lines for found in _INTENT.findall(line)]


def leaks(logs: Iterable[Path], secrets: dict[str, str]) -> list[str]:
    """Return the names of the secrets whose last PIECE characters are in a log, with the log's name."""
    found = []
    for path in logs:
        text = path.read_text(errors="replace")
        found += [f"{name} in {path.name}" for name, secret in secrets.items() if secret[-PIECE:] in text]
    return found
