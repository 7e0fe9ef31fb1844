"""The oracle: its record of what was requested, accepted and seen, compared with the stores at the end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from core.bookings import Booking
from core.ids import lane_of
from core.operations import BOOKING_CHANGES, Book, StreamId
from db.kv import keys, lanes
from db.postgres import bookings
from db.postgres.engine import transaction
from ops.verify import verify
from proof.kit import sql
from proof.kit.taken_seats import untrue
from proof.simulator.fixture import LANES, Fixture


@dataclass
class Asked:
    """A requested booking. `accepted`: its client got that answer. `cancelled`: its client requested a Cancel.

    named: the seats that its client requested to give back.   seen: the (version, status) pairs that clients saw.
    """

    operation: Book
    accepted: bool = False
    cancelled: bool = False
    named: set[str] = field(default_factory=set)
    seen: list[tuple[int, str]] = field(default_factory=list)


@dataclass
class Oracle:
    """The record kept outside of the system. `violations` grows during the schedule."""

    asked: dict[UUID, Asked] = field(default_factory=dict)
    entries: list[tuple[int, str, StreamId]] = field(default_factory=list)
    wiped: bool = False
    #: How often accept.lua has refused a taken seat.
    refused: int = 0
    violations: list[str] = field(default_factory=list)

    def accepted(self, operation_show: int, epoch: str, entry_id: str) -> None:
        """Record that an operation was accepted as this entry of its lane."""
        if entry_id:
            self.entries.append((lane_of(operation_show, LANES), epoch, StreamId.parse(entry_id)))

    def saw(self, booking_id: UUID, version: int, status: str, since: int) -> None:
        """Record an answer about a booking. I3: it is not older than what any client knew when it sent the request.

        since: how many answers there were then. Later ones do not count: answers may arrive in another order.
        """
        seen = self.asked[booking_id].seen
        newest = max((known for known, _ in seen[:since]), default=0)
        if version < newest and not (version == 0 and self.wiped):
            self.violations.append(f"I3 booking {booking_id}: v{newest} was seen, then {status} v{version}")
        if (before := dict(seen).get(version, status)) != status:
            self.violations.append(f"I3 booking {booking_id}: v{version} was {before}, then {status}")
        seen.append((version, status))

    def check(self, fixture: Fixture) -> list[str]:
        """Return all violations, once no job runs and the lanes are drained."""
        found = self.violations
        with transaction(fixture.engine) as connection:
            recorded = {booking.id: booking for booking in bookings.all_bookings(connection)}
            journal = {
                (row.lane, row.epoch, StreamId(row.stream_ms, row.stream_seq))
                for row in connection.execute(sql.DECIDED_ENTRIES)
            }
            withdrawn = connection.execute(sql.CANCELLED_BOOKS).scalars()
            found += [
                f"I5 booking {id_} was withdrawn, and no client cancelled it"
                for id_ in withdrawn
                if id_ in self.asked and not self.asked[id_].cancelled
            ]
            parked = connection.execute(sql.PARKED).scalar_one()
        found += [f"parked: {parked} operations" for _ in range(bool(parked))]
        found += [f"I5 booking {id_} was never requested" for id_ in recorded.keys() - self.asked.keys()]
        for id_, asked in self.asked.items():
            self._outcome(fixture, asked, recorded.get(id_))
        if not self.wiped:
            found += [f"I2 accepted entry {entry} is not decided" for entry in self.entries if entry not in journal]
        found += verify(str(fixture.settings.database_url)).violations
        found += untrue(fixture.client, fixture.engine, LANES)
        execute: Any = fixture.client.execute_command
        for state in lanes.overview([execute(*each) for each in lanes.overview_commands(LANES)]):
            if state.depth:
                found.append(f"I9 lane {state.lane} still has {state.depth} entries")
        return found

    def _outcome(self, fixture: Fixture, asked: Asked, recorded: Booking | None) -> None:
        id_, found = asked.operation.booking_id, self.violations
        status = fixture.client.hgetall(keys.status(lane_of(asked.operation.show_id, LANES), id_))
        if recorded is None:
            if asked.accepted:
                found.append(f"I2 booking {id_} was accepted and has no outcome")
            elif status:
                found.append(f"I2 booking {id_} has a status, {status}, and no outcome")
            return
        if asked.seen:
            self._final(asked, recorded)
        if status:
            published = (int(status["v"]), status["s"], [kind for kind in BOOKING_CHANGES if kind in status])
            if published != (recorded.version, recorded.status.value, []):
                found.append(f"I3 booking {id_} is {recorded.status} v{recorded.version}, its status is {published}")
            elif json.loads(status["b"])["version"] != recorded.version:
                found.append(f"I3 booking {id_}: the body is of another version than the status")
        elif not self.wiped:
            found.append(f"I2 booking {id_} has an outcome and no status")
        found += [f"I4 booking {id_} {text}" for text in unwished(asked, recorded)]

    def _final(self, asked: Asked, recorded: Booking) -> None:
        version, status = max(asked.seen)
        if version > recorded.version or (version == recorded.version and status != recorded.status.value):
            found = (
                f"I4 booking {recorded.id} was seen as {status} v{version}, is {recorded.status} v{recorded.version}"
            )
            self.violations.append(found)


def unwished(asked: Asked, recorded: Booking) -> Iterator[str]:
    """Yield what a booking has other than requested: what it gave back, and if it is live, its seats and amount."""
    if not asked.named.issuperset(recorded.released):
        yield f"gave {recorded.released} back, named were {sorted(asked.named)}"
    if not recorded.live:
        return
    wish = asked.operation.ranked[recorded.wish_granted or 0]
    got = {*recorded.seats, *recorded.released}
    if (wish.seats and got != set(wish.seats)) or len(got) != wish.wanted:
        yield f"got seats {sorted(got)}, wished was {wish}"
    expected = wish.expected_amount_cents
    if expected is not None and not recorded.released and recorded.amount_cents != expected:
        yield f"costs {recorded.amount_cents}, {expected} was expected"
    if recorded.amount_cents != sum(recorded.seat_prices_cents):
        yield f"costs {recorded.amount_cents}, and its seats {recorded.seat_prices_cents}"
