"""`onsale verify`: the proof, from Postgres alone, in one snapshot, also while bookings go on.

No seat belongs to two live bookings; counters equal rows; every decision stands once; decision order equals
accepted order in each lane; and replaying the journal rebuilds every booking and every seat.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import click
from sqlalchemy import Connection

from core.bookings import Booking
from core.halls import Hall
from core.journal import Replay
from core.shows import Show
from db.postgres import audit, bookings, halls, journal
from db.postgres.engine import make_engine, transaction

#: So many violations of one kind are listed; the rest is counted.
LISTED = 20


@dataclass
class Report:
    """What was looked at, and what was wrong with it."""

    violations: list[str] = field(default_factory=list)
    decisions: int = 0
    bookings: int = 0
    seats_owned: int = 0
    shows: int = 0


def verify(database_url: str) -> Report:
    """Prove the database's contents. Raises: PostgresUnavailable.   Repeat: safe, it writes nothing."""
    engine = make_engine(database_url, pool_size=1, statement_timeout_ms=0, idle_timeout_ms=0, writes=False)
    try:
        with transaction(engine) as connection:
            audit.begin_snapshot(connection)
            report = Report()
            for check in audit.CHECKS:
                report.violations += audit.violations(connection, check)
            _replay(connection, report)
            return report
    finally:
        engine.dispose()


def _replay(connection: Connection, report: Report) -> None:
    """Replay every lane, then compare what comes out with what the tables say."""
    created = audit.shows_as_created(connection)
    report.shows = len(created)
    plans: dict[int, Hall] = {}

    def show(show_id: int) -> Show | None:
        if show_id not in created:
            return None
        hall_id, settings = created[show_id]
        if hall_id not in plans:
            row = halls.get_hall(connection, hall_id)
            assert row is not None  # shows_hall_exists
            plans[hall_id] = Hall.from_plan(hall_id, row.plan)
        return Show(show_id, plans[hall_id], settings)

    replays = []
    for lane in audit.lanes_in_journal(connection):
        replay = Replay(lane, show)
        for row in journal.read(connection, lane):
            replay.take(row)
            report.decisions += 1
        replay.end()
        report.violations += replay.violations
        replays.append(replay)
    _compare_bookings(connection, replays, report)
    _compare_shows(connection, replays, report)


def _compare_bookings(connection: Connection, replays: list[Replay], report: Report) -> None:
    replayed: dict[UUID, Booking] = {}
    for replay in replays:
        replayed.update(replay.homeless)
        for state in replay.states.values():
            replayed.update(state.bookings)
    for booking in bookings.all_bookings(connection):
        report.bookings += 1
        expected = replayed.pop(booking.id, None)
        if expected is None:
            report.violations.append(f"booking {booking.id} does not come out of the replay")
        elif expected != booking:
            report.violations.append(f"booking {booking.id} is {booking}, and its replay {expected}")
    report.violations += [f"booking {id_} comes out of the replay, and is not there" for id_ in replayed]


def _compare_shows(connection: Connection, replays: list[Replay], report: Report) -> None:
    states = {show_id: state for replay in replays for show_id, state in replay.states.items()}
    owned = {
        (show_id, label): owner
        for show_id, state in states.items()
        for label, owner in state.owners.items()
        if owner is not None
    }
    for show_id, label, owner in audit.every_owned_seat(connection):
        report.seats_owned += 1
        expected = owned.pop((show_id, label), None)
        if expected != owner:
            report.violations.append(f"seat {label} of show {show_id} is of {owner}, and in the replay of {expected}")
    for (show_id, label), owner in owned.items():
        report.violations.append(f"seat {label} of show {show_id} is nobody's, and in the replay of {owner}")
    for show_id, settings in audit.settings_now(connection).items():
        if show_id in states and states[show_id].show.settings != settings:
            report.violations.append(f"show {show_id} has settings that do not come out of the replay")


@click.command("verify")
@click.option("--home", type=click.Path(path_type=Path), default=None, help="The home of the running system.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of sentences.")
def command(home: Path | None, as_json: bool) -> None:
    """Prove that no seat was sold twice, that every decision stands once, and in the order of arrival."""
    from ops.up.running import running

    report = verify(running(home).database_url)
    counts = {name: getattr(report, name) for name in ("decisions", "bookings", "seats_owned", "shows")}
    if as_json:
        click.echo(json.dumps({**counts, "violations": len(report.violations), "found": report.violations}))
    else:
        for violation in report.violations[:LISTED]:
            click.echo(f"VIOLATION  {violation}")
        click.echo(
            f"{report.decisions} decisions replayed, {report.bookings} bookings and {report.seats_owned} owned seats"
            f" of {report.shows} shows compared: {len(report.violations)} violations"
        )
    sys.exit(1 if report.violations else 0)
