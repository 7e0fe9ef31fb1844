"""A stage for tests of the booking path: makes shows, accepts operations with the real script, drains on call.

By convention alice buys, and bob is her rival.
"""

from __future__ import annotations

import itertools
import json
import time
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text

from core import ids
from core.bookings import Booking
from core.halls import Hall
from core.ids import lane_of
from core.operations import Book, Cancel, ChangeShow, Confirm, Expire, Extend, Operation, Release, StreamId
from core.shows import ShowSettings
from db.kv import admission, cards, statuses
from db.kv.admission import AcceptReply
from db.postgres import bookings, catalogue, halls, movies, shows
from db.postgres.engine import transaction
from ops.verify import verify
from proof.kit.shows import HOUR_MS, plan
from workers import sweep
from workers.drain import drain
from workers.stores import Stores

_keys = itertools.count(1)


class Stage:
    """Each step of a booking's path as one method, on real stores."""

    def __init__(self, stores: Stores) -> None:
        self.stores = stores
        self.alice, self.bob = uuid4(), uuid4()
        self.rung: list[int] = []

    def show(self, rows: int = 2, seats: int = 5, *, premium: int = 0, **settings: Any) -> int:
        """Insert a show that is on sale and publish its card; return its id."""
        now_ms = int(time.time() * 1000)
        values = {
            "sales_close_ms": now_ms + HOUR_MS,
            "starts_ms": now_ms + HOUR_MS,
            "seats_per_user": 10,
            "hold_ms": 120_000,
            "prices": {"standard": 1000, "premium": 1500},
            **settings,
        }
        plan_ = plan(rows, seats, premium)
        labels = list(Hall.from_plan(0, plan_).seats)
        with transaction(self.stores.engine) as connection:
            movie = movies.insert_movie(
                connection, {"title": "Row Lock", "description": "", "genre": "", "duration_min": 90}
            )
            hall_id = halls.insert_hall(connection, "Studio", plan_, len(labels))
            show_id = catalogue.insert_show(
                connection,
                movie_id=movie.id,
                hall_id=hall_id,
                settings=ShowSettings(**values),
                capacity=len(labels),
            )
            catalogue.insert_seats(connection, show_id, labels)
        self.publish_card(show_id)
        return show_id

    def publish_card(self, show_id: int) -> None:
        with transaction(self.stores.engine) as connection:
            row = shows.get(connection, show_id)
        assert row is not None
        card = cards.card(
            row.settings, version=row.version, hall_id=row.hall_id, sold_out_until_ms=0, forgets_at_ms=1 << 52
        )
        cards.publish(self.stores.rounds, show_id, card, self.stores.settings.lanes)

    def accept(self, operation: Operation) -> AcceptReply:
        settings = self.stores.settings
        return admission.accept(
            self.stores.rounds,
            operation,
            lanes=settings.lanes,
            cap=settings.lane_cap,
            lease_ms=settings.lease_ms,
        )

    def book(
        self,
        show_id: int,
        *seats: str,
        user: UUID | None = None,
        key: str | None = None,
        body: str = "",
        **more: Any,
    ) -> UUID:
        """Accept a Book and return the booking's id."""
        operation = self.operation(show_id, *seats, user=user, key=key, body=body, **more)
        accepted = self.accept(operation)
        assert accepted.code in ("ACCEPTED", "SAME"), accepted
        return operation.booking_id

    def operation(
        self,
        show_id: int,
        *seats: str,
        user: UUID | None = None,
        key: str | None = None,
        body: str = "",
        **more: Any,
    ) -> Book:
        """Return a Book; without `key`, with a new one."""
        user = user or self.alice
        return Book(
            booking_id=ids.booking_id(b"k" * 32, show_id, user, key or f"key {next(_keys)}"),
            show_id=show_id,
            user_id=user,
            seats=seats,
            fingerprint=body or json.dumps(seats),
            **more,
        )

    def confirm(self, id_: UUID, user: UUID | None = None) -> AcceptReply:
        return self.accept(Confirm(booking_id=id_, show_id=ids.show_of(id_), user_id=user or self.alice))

    def cancel(self, id_: UUID, user: UUID | None = None) -> AcceptReply:
        return self.accept(Cancel(booking_id=id_, show_id=ids.show_of(id_), user_id=user or self.alice))

    def extend(self, id_: UUID, user: UUID | None = None) -> AcceptReply:
        return self.accept(Extend(booking_id=id_, show_id=ids.show_of(id_), user_id=user or self.alice))

    def release(self, id_: UUID, *seats: str, user: UUID | None = None) -> AcceptReply:
        named = {"user_id": user or self.alice, "seats": seats}
        return self.accept(Release(booking_id=id_, show_id=ids.show_of(id_), **named))

    def expire(self, show_id: int, limit: int = 500) -> AcceptReply:
        return self.accept(Expire(show_id=show_id, limit=limit))

    def change(self, show_id: int, **changes: Any) -> AcceptReply:
        return self.accept(ChangeShow(show_id=show_id, changes=changes))

    def drain(self, *show_ids: int) -> int:
        """Drain one batch from each lane of these shows (default: every lane); return the number of decisions."""
        wanted = {lane_of(show_id, self.stores.settings.lanes) for show_id in show_ids}
        every = wanted or range(self.stores.settings.lanes)
        return sum(drain(self.stores, lane, self.rung.append, for_s=0) for lane in sorted(every))

    def rescue(self, lane: int) -> int:
        """Rescue a stalled lane as the sweeper does, with one batch."""
        return sweep.rescue(self.stores, lane, self.rung.append, for_s=0)

    def booking(self, id_: UUID) -> Booking:
        """Return the booking as recorded in Postgres."""
        with transaction(self.stores.engine) as connection:
            found = bookings.get(connection, id_)
        assert found is not None
        return found

    def status(self, id_: UUID) -> dict[str, Any]:
        """Return the body published in Redis; {} while queued, or if there is none."""
        fields, _ = statuses.read(self.stores.rounds, id_, ids.show_of(id_), self.stores.settings.lanes)
        body: dict[str, Any] = json.loads(fields.get("b", "{}"))
        return body

    def seats(self, show_id: int) -> dict[str, tuple[str, UUID | None]]:
        with transaction(self.stores.engine) as connection:
            rows = connection.execute(
                text("SELECT label, status, booking_id FROM seats WHERE show_id = :id"), {"id": show_id}
            )
            return {row.label: (row.status, row.booking_id) for row in rows}

    def counters(self, show_id: int) -> tuple[int, int]:
        with transaction(self.stores.engine) as connection:
            row = shows.get(connection, show_id)
        assert row is not None
        return row.held, row.sold

    def decided_ms(self, lane: int, entry: StreamId) -> int:
        """Return when an entry was decided, ms: the time of the holds that it made begins then."""
        with transaction(self.stores.engine) as connection:
            statement = text(
                "SELECT max(decided_ms) FROM journal WHERE lane = :lane AND (stream_ms, stream_seq) = (:ms, :seq)"
            )
            found = connection.execute(statement, {"lane": lane, "ms": entry.ms, "seq": entry.seq}).scalar_one()
        return int(found)

    def outcomes(self, show_id: int) -> set[str]:
        """Return the outcomes that a show's journal has."""
        with transaction(self.stores.engine) as connection:
            statement = text("SELECT DISTINCT outcome FROM journal WHERE show_id = :id")
            return set(connection.execute(statement, {"id": show_id}).scalars())

    def let_holds_lapse(self, show_id: int) -> None:
        """Move the deadlines of a show's holds into the past."""
        with transaction(self.stores.engine) as connection:
            connection.execute(
                text("UPDATE bookings SET expires_at = accepted_at WHERE show_id = :id AND status = 'PENDING'"),
                {"id": show_id},
            )

    def proven(self) -> None:
        """Assert that `onsale verify` finds no violation."""
        violations = verify(self.stores.settings.database_url).violations
        assert violations == [], "\n".join(violations)

    def limit(self, **changes: Any) -> None:
        """Change settings of the worker."""
        self.stores.settings = replace(self.stores.settings, **changes)
