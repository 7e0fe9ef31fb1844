"""A fake api, and rushes that must notice each rule that it breaks."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections import Counter
from typing import Any

import jwt
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from core.halls import Hall
from ops.rush.client import Sleep
from ops.rush.figures import Figures
from ops.rush.plan import Plan
from ops.rush.run import run_rush

SECRET = "stand-in-secret-of-thirty-two-by"
ADMIN = "2b0c1c6e-7b7c-4c0f-9a51-fd4c3b9be1a1"


class BoxOffice:
    """A fake api that sells the seats of one hall in order of the requests; `faults` switches its faults on."""

    def __init__(self, **faults: Any) -> None:
        self.faults = faults
        self.hall = Hall(0, ())
        self.owners: dict[str, str] = {}
        self.bookings: dict[tuple[str, str], dict[str, Any]] = {}
        self.tries: Counter[str] = Counter()

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/api/halls", self.make_hall)
        app.router.add_post("/api/movies", self.make)
        app.router.add_post("/api/shows", self.make)
        app.router.add_get("/api/shows/7/seats", self.seats)
        app.router.add_post("/api/bookings", self.book)
        app.router.add_get("/api/bookings/{id}", self.status)
        app.router.add_patch("/api/bookings/{id}/confirm", self.confirm)
        return app

    def user(self, request: web.Request, role: str = "user") -> str:
        token = request.headers["Authorization"].removeprefix("Bearer ")
        claims = jwt.decode(token, SECRET, ["HS256"], audience="onsale", issuer="onsale")
        assert claims["role"] == role
        return str(claims["sub"])

    async def make_hall(self, request: web.Request) -> web.Response:
        self.hall = Hall.from_plan(1, (await request.json())["plan"])
        return await self.make(request)

    async def make(self, request: web.Request) -> web.Response:
        if self.user(request, "admin") != ADMIN:
            return web.json_response({"code": "not_allowed", "detail": "No."}, status=403)
        return web.json_response({"id": 7}, status=201)

    async def seats(self, request: web.Request) -> web.Response:
        rows = [
            {
                "label": "?",
                "seats": [
                    {"label": s.label, "category": s.category, "status": "AVAILABLE"}
                    for s in map(row.seat, range(row.width))
                ],
            }
            for row in self.hall.rows
        ]
        return web.json_response({"version": 1, "rows": rows})

    async def book(self, request: web.Request) -> web.StreamResponse:
        key = (self.user(request), request.headers["Idempotency-Key"])
        self.tries[key[1]] += 1
        if self.tries[key[1]] <= self.faults.get("busy", 0):
            code = self.faults.get("code", "lane_full")
            return web.json_response({"code": code}, status=503, headers={"Retry-After": "0"})
        if len(self.bookings) >= self.faults.get("closed_after", 1e9) and key not in self.bookings:
            return web.json_response({"code": "sold_out"}, status=409)
        new = key not in self.bookings or bool(self.faults.get("forgets_keys"))
        if new:
            self.bookings[key] = self.decide(json.loads(await request.read()))
        elif self.faults.get("changes_its_mind"):
            self.bookings[key]["final"] = ("FAILED", "SEAT_TAKEN")
        if self.tries[key[1]] <= self.faults.get("resets", 0):
            assert request.transport is not None
            request.transport.abort()
        status_body = self.status_body(self.bookings[key])
        return web.json_response(
            status_body, status=202 if new else 200, headers={"Location": f"/api/bookings/{status_body['id']}"}
        )

    def decide(self, wanted: dict[str, Any]) -> dict[str, Any]:
        seats = wanted.get("seats") or self.best(wanted["quantity"], wanted.get("category"))
        taken = not seats or any(seat in self.owners for seat in seats)
        booking_id = str(uuid.uuid4())
        if not taken and not self.faults.get("sells_twice"):
            self.owners.update(dict.fromkeys(seats, booking_id))
        final = ("FAILED", "SEAT_TAKEN") if taken else ("CONFIRMED", None)
        return {"id": booking_id, "seats": seats, "final": final, "hold": bool(wanted.get("hold")), "polls": 0}

    def best(self, quantity: int, category: str | None) -> list[str]:
        free = [s.label for s in self.hall.seats.values() if s.label not in self.owners and s.category == category]
        if category is None:
            free = [label for label in self.hall.seats if label not in self.owners]
        return free[:quantity] if len(free) >= quantity else []

    def status_body(self, booking: dict[str, Any]) -> dict[str, Any]:
        """Return a booking's status: queued for two polls, then held until confirmed, or decided."""
        status, reason = booking["final"]
        stage = None
        if booking["polls"] < self.faults.get("slow", 2):
            status, stage = "PENDING", "QUEUED"
        elif booking["hold"] and reason is None:
            status, stage = "PENDING", "HELD"
        status_body = {"id": booking["id"], "status": status, "stage": stage, "poll_after_ms": 0}
        return status_body if stage else {**status_body, "reason": reason, "seats": booking["seats"]}

    def find(self, request: web.Request) -> dict[str, Any]:
        user, id_ = self.user(request), request.match_info["id"]
        return next(b for (owner, _), b in self.bookings.items() if owner == user and b["id"] == id_)

    async def status(self, request: web.Request) -> web.Response:
        booking = self.find(request)
        if self.faults.get("loses"):
            return web.json_response({"code": "not_found"}, status=404)
        booking["polls"] += 1
        return web.json_response(self.status_body(booking))

    async def confirm(self, request: web.Request) -> web.Response:
        booking = self.find(request)
        assert self.status_body(booking)["stage"] == "HELD"
        booking["hold"] = False
        if self.faults.get("late"):
            booking["final"] = ("FAILED", "HOLD_EXPIRED")
            return web.json_response({"code": "hold_expired"}, status=409)
        return web.json_response({"id": booking["id"], "status": "PENDING", "stage": "HELD"}, status=202)


def rush(office: BoxOffice, sleep: Sleep = asyncio.sleep, **changes: Any) -> Figures:
    async def play() -> Figures:
        async with TestServer(office.app()) as server:
            wanted: dict[str, Any] = {"buyers": 60, "seats": 40, "connections": 8, "seed": 1, "admin_id": ADMIN}
            plan = Plan(base_url=str(server.make_url("/")), jwt_secret=SECRET, **(wanted | changes))
            return await run_rush(plan, sleep=sleep)

    return asyncio.run(play())


@pytest.mark.parametrize(
    ("faults", "text"),
    [
        ({"sells_twice": True}, "two bookings"),
        ({"forgets_keys": True, "resets": 1}, "one key, two bookings"),
        ({"loses": True}, "not_found"),
        ({"changes_its_mind": True}, "CONFIRMED became FAILED"),
    ],
)
def test_a_broken_rule_is_noticed(faults: dict[str, Any], text: str) -> None:
    figures = rush(BoxOffice(**faults))

    assert not figures.good
    assert any(text in found for found in figures.found)
