"""A small run for the oracle: users book over HTTP on real stores; all calls are recorded, and then judged."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient

from db.kv import lanes
from db.postgres import bookings
from db.postgres.engine import transaction
from proof.chaos.evidence import TOKEN_HEAD, Evidence, collect
from proof.chaos.oracle import Verdict, judge
from proof.chaos.record import (
    BOOK,
    CANCEL,
    CHANGE_SHOW,
    CONFIRM,
    EXTEND,
    FOREIGN,
    RELEASE,
    SEATS,
    SHOW,
    STATUS,
    Call,
    Record,
)
from proof.kit.waiting import within
from tests.support.factories import headers_of, make_admin
from tests.support.stage import Stage
from workers import expire, sweep


class RecordedRun:
    """The clients' calls and their answers, and the oracle's verdict on them."""

    def __init__(self, app: Flask, client: FlaskClient, stage: Stage) -> None:
        self.record = Record()
        self.stage = stage
        self._app = app
        self._client = client

    @cached_property
    def admin(self) -> UUID:
        return make_admin(self.stage.stores.engine)

    # -- what clients do --------------------------------------------------------------------------------

    def book(self, show: int, *seats: str, user: UUID | None = None, key: str = "", **more: Any) -> Call:
        asked = {**({"seats": list(seats)} if seats else {}), **more}
        user, key = user or self.stage.alice, key or f"key-{len(self.record.calls)}"
        call = self.record.sent(BOOK, user=str(user), show=show, key=key, asked=asked)
        return self._send(call, "POST", "/api/bookings", {"show_id": show, **asked}, {"Idempotency-Key": key})

    def confirm(self, booked: Call) -> Call:
        return self._about(CONFIRM, booked, "PATCH", "/confirm")

    def cancel(self, booked: Call) -> Call:
        return self._about(CANCEL, booked, "DELETE", "")

    def extend(self, booked: Call) -> Call:
        return self._about(EXTEND, booked, "PATCH", "/extend")

    def release(self, booked: Call, *seats: str) -> Call:
        return self._about(RELEASE, booked, "DELETE", "", seats=list(seats))

    def change_show(self, show: int, **changes: Any) -> Call:
        call = self.record.sent(CHANGE_SHOW, user=str(self.admin), show=show, asked=changes)
        return self._send(call, "PATCH", f"/api/shows/{show}", changes, role="admin")

    def cancel_show(self, show: int) -> Call:
        changes = {"state": "CLOSED", "cancelled": True}
        call = self.record.sent(CHANGE_SHOW, user=str(self.admin), show=show, asked=changes)
        return self._send(call, "DELETE", f"/api/shows/{show}?cancel_bookings=true", role="admin")

    def look(self, booked: Call) -> Call:
        return self._about(STATUS, booked, "GET", "")

    def spy(self, booked: Call, user: UUID) -> Call:
        call = self.record.sent(FOREIGN, user=str(user), show=booked.show, booking=booked.said["id"])
        return self._send(call, "GET", f"/api/bookings/{call.booking}")

    def read(self, show: int) -> None:
        self._send(self.record.sent(SHOW, show=show), "GET", f"/api/shows/{show}")
        self._send(self.record.sent(SEATS, show=show), "GET", f"/api/shows/{show}/seats")

    def drain(self) -> None:
        while self.stage.drain():
            pass

    def _about(self, kind: str, booked: Call, method: str, tail: str, **asked: Any) -> Call:
        id_ = booked.said["id"]
        call = self.record.sent(kind, user=booked.user, show=booked.show, booking=id_, asked=asked)
        return self._send(call, method, f"/api/bookings/{id_}{tail}", asked or None)

    def _send(
        self,
        call: Call,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        role: str = "user",
    ) -> Call:
        who = headers_of(self._app, UUID(call.user), role) if call.user else {}
        response = self._client.open(path, method=method, json=body, headers={**who, **(headers or {})})
        self.record.answered(call, response.status_code, response.get_json(silent=True) or {})
        return call

    # -- the oracle's verdict ---------------------------------------------------------------------------

    def evidence(self, *, rested: bool = True, logs: Sequence[Path] = (), bound_s: float = 2.0) -> Evidence:
        """Wait until nothing is left to do, read everything once more, and collect the evidence."""
        unfinished = self._rest(bound_s) if rested else []
        rested_at = time.time()
        booked = {call.said["id"]: call for call in self.record.calls if call.kind == BOOK and call.accepted}
        for call in booked.values():
            self.look(call)
        for show in {call.show for call in booked.values()}:
            self.read(show)
        settings = self.stage.stores.settings
        found = collect(
            settings.database_url,
            self.record.calls,
            logs=logs,
            secrets={"JWT secret": settings.jwt_secret, "a token": TOKEN_HEAD},
        )
        return replace(found, unfinished=unfinished, rested_at=rested_at, status_ttl_s=settings.status_ttl_s)

    def judged(self, **how: Any) -> Verdict:
        return judge(self.evidence(**how))

    def _rest(self, bound_s: float) -> list[str]:
        """Do the workers' periodic work until nothing is left to do or the bound has passed; return what is left."""

        def rested() -> bool:
            if not self._find_unfinished():
                return True
            sweep.run_once(self.stage.stores, self.stage.rescue)
            expire.run_once(self.stage.stores, self.stage.rung.append)
            return False

        within(rested, bound_s)
        return self._find_unfinished()

    def _find_unfinished(self) -> list[str]:
        stores = self.stage.stores
        replies = stores.rounds.call(lanes.overview_commands(stores.settings.lanes), writes=False)
        found = [f"lane {state.lane} holds {state.depth}" for state in lanes.overview(replies) if state.depth]
        with transaction(stores.engine) as connection:
            held = bookings.count_by_state(connection).get("HELD", 0)
        return found + ([f"{held} holds have not ended"] if held else [])
