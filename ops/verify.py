"""`onsale verify`: check all data in Postgres in one snapshot, also while bookings are being taken.

It proves that no seat belongs to two live bookings; counters equal rows; every decision is recorded once; decisions
are in accepted order in each lane; and replaying the journal rebuilds every booking and every seat.
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
from core.waiting import WaitingList
from db.postgres import audit, bookings, halls, journal
from db.postgres.engine import make_engine, transaction

#: Max violations printed; all are counted.
LISTED = 20


@dataclass
class Report:
    """What was checked, and the violations that were found."""

    violations: list[str] = field(default_factory=list)
    decisions: int = 0
    bookings: int = 0
    seats_owned: int = 0
    shows: int = 0


def verify(database_url: str) -> Report:
    """Check the database's contents; return the report. Raises PostgresUnavailable. Writes nothing."""
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
    """Replay every lane, then compare the result with the tables."""
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
            replay.feed(row)
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
            report.violations.append(f"booking {booking.id} is missing from the replay")
        elif expected != booking:
            report.violations.append(f"booking {booking.id} is {booking}, but in the replay {expected}")
    report.violations += [f"booking {id_} is in the replay, but not in the table" for id_ in replayed]


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
            report.violations.append(
                f"seat {label} of show {show_id} belongs to {owner}, but in the replay to {expected}"
            )
    for (show_id, label), owner in owned.items():
        report.violations.append(f"seat {label} of show {show_id} is free, but in the replay belongs to {owner}")
    for show_id, settings in audit.settings_now(connection).items():
        if show_id in states and states[show_id].show.settings != settings:
            report.violations.append(f"show {show_id} has other settings than in the replay")
    for show_id, listed in audit.waiting_lists(connection).items():
        waiting = states[show_id].waiting if show_id in states else WaitingList()
        expected_list = (waiting.count, waiting.last)
        if listed != expected_list:
            report.violations.append(f"show {show_id} has {listed} waiting (count, last), the replay {expected_list}")


@click.command("verify")
@click.option("--home", type=click.Path(path_type=Path), default=None, help="The home folder. [env: ONSALE_HOME]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of sentences.")
def command(home: Path | None, as_json: bool) -> None:
    """Prove that no seat was sold twice, and that every decision is recorded once, in order of arrival.

    Exits with 1 if it finds a violation.
    """
    from ops.up.running import find_running

    report = verify(find_running(home).database_url)
    counts = {name: getattr(report, name) for name in ("decisions", "bookings", "seats_owned", "shows")}
    if as_json:
        click.echo(json.dumps({**counts, "violations": len(report.violations), "found": report.violations}))
    else:
        for violation in report.violations[:LISTED]:
            click.echo(f"VIOLATION  {violation}")
        click.echo(
            f"violations: {len(report.violations)}  (decisions replayed: {report.decisions}, "
            f"bookings: {report.bookings}, owned seats: {report.seats_owned}, shows: {report.shows})"
        )
    sys.exit(1 if report.violations else 0)
