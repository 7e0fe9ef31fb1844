"""Evidence: everything the oracle judges by. What was sent and seen, what is recorded, what was logged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import inf
from pathlib import Path
from uuid import UUID

from core import ids
from core.journal import JournalRow
from db import installation
from db.postgres import audit, journal
from db.postgres.engine import make_engine, transaction
from ops.verify import verify
from proof.chaos.record import BOOK, CANCEL, CONFIRM, STATUS, Call

#: Which invariant each question of db/postgres/audit.py belongs to.
AUDITED = {
    "seat in two live bookings": "I1",
    "live booking without its seats": "I8",
    "seat of no live booking": "I8",
    "counter other than rows": "I8",
    "booking decided other than once": "I2",
    "operation decided twice": "I2",
    "limit per user exceeded": "I7",
}
#: States in which a booking has its seats.
LIVE = ("PENDING", "CONFIRMED")
#: Tokens and secrets must not stand in a log; a text this long is compared in pieces of this size.
PIECE = 24
#: The first letters of every token that is signed with HS256.
TOKEN_HEAD = "eyJhbGciOi"


@dataclass(frozen=True, slots=True)
class Wipe:
    """When Redis was emptied, or went back to an earlier state, seconds since 1970.

    `back_to`: the moment of that state; what was accepted later is gone. None: everything is.
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
    #: What had not come to rest within the bound after the last fault.
    restless: list[str] = field(default_factory=list)
    #: Names of secrets that were found in a log.
    leaked: list[str] = field(default_factory=list)
    wipes: Sequence[Wipe] = ()
    #: (lane, seq) -> when a row was recorded, by Postgres's clock, seconds since 1970.
    recorded: dict[tuple[int, int], float] = field(default_factory=dict)
    #: Lanes whose ids were put ahead of the clock: their rows' ids tell the order, not the time.
    ahead: frozenset[int] = frozenset()
    #: Show -> how long a hold of it lasts, seconds.
    holds_s: dict[int, float] = field(default_factory=dict)
    #: What stood still for longer than a fault excuses, and when that was seen (proof/chaos/bounds.py).
    overdue: Sequence[tuple[str, float]] = ()
    #: Neighbours that do not fit and were not refused.
    unrefused: Sequence[str] = ()
    #: Final statuses stay in Redis at least so long, seconds; above it a repeated key may show QUEUED once more.
    status_ttl_s: float = 3600.0
    #: After Redis went back, statuses may be older than they were so long, seconds: a hold's, or a final one's life.
    stale_s: float = 0.0
    #: When the system had come to rest: later looks must find nothing undecided.
    rested_at: float = float("inf")
    #: Bookings whose 202 was lost with Redis's data, before they were repeated.
    lost_by_wipe: frozenset[str] = frozenset()
    #: Of those, the ones whose repetition the door refused for good: an answer, though not an outcome.
    refused_again: frozenset[str] = frozenset()

    def id_of(self, call: Call) -> str:
        """The booking that a call is about: the derived id of a BOOK, the one that was named otherwise."""
        if call.kind != BOOK:
            return call.booking
        return str(ids.booking_id(self.booking_secret, call.show, UUID(call.user), call.key))

    @cached_property
    def by_booking(self) -> dict[str, list[Call]]:
        """The calls about each booking, by the time they were sent; those of strangers are not among them."""
        found: dict[str, list[Call]] = defaultdict(list)
        for call in sorted(self.calls, key=lambda each: each.sent_at):
            if call.kind in (BOOK, CONFIRM, CANCEL, STATUS):
                found[self.id_of(call)].append(call)
        return found

    @cached_property
    def rows_of(self) -> dict[str, list[JournalRow]]:
        """The decisions about each booking, in order."""
        found: dict[str, list[JournalRow]] = defaultdict(list)
        for row in self.rows:
            if row.booking_id is not None:
                found[str(row.booking_id)].append(row)
        return found

    @cached_property
    def outcomes(self) -> dict[str, list[JournalRow]]:
        """The first decisions of each booking: there must be one."""
        return {
            id_: first
            for id_, rows in self.rows_of.items()
            if (first := [row for row in rows if row.kind == BOOK and row.part == 0 and row.outcome != "REFUSED"])
        }

    def wiped_between(self, begun: float, ended: float) -> bool:
        """Whether Redis was emptied, or went back, between two moments."""
        return any(wipe.begun <= ended and begun <= wipe.ended for wipe in self.wipes)

    def may_be_lost(self, call: Call) -> bool:
        """Whether Redis may have lost what it had accepted by this call."""
        return any(
            call.sent_at <= wipe.ended and (wipe.back_to is None or (call.answered_at or wipe.ended) >= wipe.back_to)
            for wipe in self.wipes
        )

    def stale_until(self, since: float) -> float:
        """Until when what was seen at a moment may be seen older: Redis went back after it. 0: it did not."""
        later = [wipe for wipe in self.wipes if wipe.back_to is not None and wipe.ended >= since]
        return max((wipe.ended + self.stale_s for wipe in later), default=0.0)

    def accepted_at(self, row: JournalRow) -> float:
        """When the operation of a row was accepted, or, where neither it nor its id tells that, recorded; seconds."""
        if named_ms := row.operation.get("accepted_ms"):
            return float(named_ms) / 1000
        recorded = self.recorded.get((row.lane, row.seq))
        return recorded if row.lane in self.ahead and recorded is not None else row.id.ms / 1000

    def decided_at(self, row: JournalRow) -> float:
        """When a row was decided, also where its lane's time is ahead; seconds."""
        return min(row.decided_ms / 1000, self.recorded.get((row.lane, row.seq), inf))

    def accepted(self) -> Iterator[tuple[str, list[Call]]]:
        """Every booking that a 202 or 200 was given for, with the BOOK calls that got one."""
        for id_, calls in self.by_booking.items():
            taken = [call for call in calls if call.kind == BOOK and call.accepted]
            if taken:
                yield id_, taken


def collect(
    database_url: str, calls: Sequence[Call], *, logs: Iterable[Path] = (), secrets: dict[str, str]
) -> Evidence:
    """Read what the stores recorded and the logs. `secrets`: name -> text that no log may hold."""
    engine = make_engine(database_url, pool_size=1, statement_timeout_ms=0, idle_timeout_ms=0)
    try:
        with transaction(engine) as connection:
            audit.begin_snapshot(connection)
            kept = installation.get(connection)
            rows = [row for lane in audit.lanes_in_journal(connection) for row in journal.read(connection, lane)]
            audited = {check: audit.violations(connection, check) for check in audit.CHECKS}
            settings = audit.settings_now(connection)
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
        holds_s={id_: each.hold_ms / 1000 for id_, each in settings.items()},
        recorded={(row.lane, row.seq): at for row, at in zip(rows, times, strict=True)},
        audited=audited,
        replayed=[text for text in verify(database_url).violations if text not in known],
        leaked=leaks(logs, {**secrets, "booking secret": kept.booking_secret.hex()}),
    )


def leaks(logs: Iterable[Path], secrets: dict[str, str]) -> list[str]:
    """The names of secrets that stand in a log, whole or cut off after PIECE characters."""
    found = []
    for path in logs:
        text = path.read_text(errors="replace")
        found += [f"{name} in {path.name}" for name, secret in secrets.items() if secret[-PIECE:] in text]
    return found
