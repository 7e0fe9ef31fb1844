"""The oracle: its own record of what was asked, accepted and seen, compared with the stores when all is quiet."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from core.bookings import Booking, Status
from core.ids import lane_of
from core.operations import Book, StreamId
from db.kv import keys, lanes
from db.postgres import bookings
from db.postgres.engine import transaction
from ops.verify import verify
from proof.kit import sql
from proof.kit.taken_seats import untrue
from proof.simulator.ground import LANES, Ground


@dataclass
class Asked:
    """One booking that a client asked for: whether it was told "accepted", whether its client has asked for a Cancel,
    and the versions that it saw."""

    operation: Book
    accepted: bool = False
    cancelled: bool = False
    seen: list[tuple[int, str]] = field(default_factory=list)


@dataclass
class Oracle:
    """What is known outside of the system. `violations` grows as the schedule goes on."""

    asked: dict[UUID, Asked] = field(default_factory=dict)
    entries: list[tuple[int, str, StreamId]] = field(default_factory=list)
    wiped: bool = False
    #: How often the door has refused a seat that was taken.
    refused: int = 0
    violations: list[str] = field(default_factory=list)

    def accepted(self, operation_show: int, epoch: str, entry_id: str) -> None:
        """An operation was accepted as this entry of its lane."""
        if entry_id:
            self.entries.append((lane_of(operation_show, LANES), epoch, StreamId.parse(entry_id)))

    def saw(self, booking_id: UUID, version: int, status: str, since: int) -> None:
        """A client was told this of its booking. I3: it is not older than what any client knew when it asked.

        since: how many answers there were then. One that was sent earlier may arrive later, and then is no news.
        """
        seen = self.asked[booking_id].seen
        newest = max((known for known, _ in seen[:since]), default=0)
        if version < newest and not (version == 0 and self.wiped):
            self.violations.append(f"I3 booking {booking_id}: v{newest} was seen, then {status} v{version}")
        if (told := dict(seen).get(version, status)) != status:
            self.violations.append(f"I3 booking {booking_id}: v{version} was {told}, then {status}")
        seen.append((version, status))

    def check(self, ground: Ground) -> list[str]:
        """All violations, now that nothing is at work and the lanes are drained."""
        found = self.violations
        with transaction(ground.engine) as connection:
            recorded = {booking.id: booking for booking in bookings.all_bookings(connection)}
            journal = {
                (row.lane, row.epoch, StreamId(row.stream_ms, row.stream_seq))
                for row in connection.execute(sql.DECIDED_ENTRIES)
            }
            withdrawn = connection.execute(sql.CANCELLED_BOOKS).scalars()
            found += [
                f"I5 booking {id_} was withdrawn, and nobody has cancelled it"
                for id_ in withdrawn
                if id_ in self.asked and not self.asked[id_].cancelled
            ]
            parked = connection.execute(sql.PARKED).scalar_one()
        found += [f"parked: {parked} operations" for _ in range(bool(parked))]
        found += [f"I5 booking {id_} was never asked for" for id_ in recorded.keys() - self.asked.keys()]
        for id_, asked in self.asked.items():
            self._outcome(ground, asked, recorded.get(id_))
        if not self.wiped:
            found += [f"I2 accepted entry {entry} is not decided" for entry in self.entries if entry not in journal]
        found += verify(str(ground.settings.database_url)).violations
        found += untrue(ground.client, ground.engine, LANES)
        ask: Any = ground.client.execute_command
        for state in lanes.overview([ask(*each) for each in lanes.overview_commands(LANES)]):
            if state.depth:
                found.append(f"I9 lane {state.lane} still has {state.depth} entries")
        return found

    def _outcome(self, ground: Ground, asked: Asked, recorded: Booking | None) -> None:
        id_, found = asked.operation.booking_id, self.violations
        status = ground.client.hgetall(keys.status(lane_of(asked.operation.show_id, LANES), id_))
        if recorded is None:
            if asked.accepted:
                found.append(f"I2 booking {id_} was accepted and has no outcome")
            elif status:
                found.append(f"I2 booking {id_} has a status, {status}, and no outcome")
            return
        if asked.seen:
            self._final(asked, recorded)
        if status:
            told = (int(status["v"]), status["s"], "CONFIRM" in status, "CANCEL" in status)
            if told != (recorded.version, recorded.status.value, False, False):
                found.append(f"I3 booking {id_} is {recorded.status} v{recorded.version}, its status says {told}")
            elif json.loads(status["b"])["version"] != recorded.version:
                found.append(f"I3 booking {id_}: the body is of another version than the status")
        elif not self.wiped:
            found.append(f"I2 booking {id_} has an outcome and no status")
        if recorded.status in (Status.PENDING, Status.CONFIRMED) and not set(asked.operation.seats) <= set(
            recorded.seats
        ):
            found.append(f"I4 booking {id_} has seats {recorded.seats}, asked were {asked.operation.seats}")

    def _final(self, asked: Asked, recorded: Booking) -> None:
        version, told = max(asked.seen)
        if version > recorded.version or (version == recorded.version and told != recorded.status.value):
            found = (
                f"I4 booking {recorded.id} was seen as {told} v{version}, is {recorded.status} v{recorded.version}"
            )
            self.violations.append(found)
