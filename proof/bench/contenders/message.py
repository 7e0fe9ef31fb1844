"""Contender message: one Dramatiq message per booking; its actor runs the transaction; polls ask Postgres.

The messages are in the Redis that writes to disk before it answers: this design, too, must keep what it accepts.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker
from flask import Flask, Response

from api.access.tokens import Verifier
from core.settings import Settings
from db.kv.rounds import connection_pool
from proof.bench.contenders import web
from proof.bench.sql import transaction
from workers.broker import SOCKET_TIMEOUT_S, DoorbellBroker

_database: dict[str, str] = {}


class Bookings(DoorbellBroker):
    """The product's broker without its queue bound: here messages are bookings, and none may be refused."""

    def enqueue(self, message: dramatiq.Message[Any], *, delay: int | None = None) -> dramatiq.Message[Any]:
        """Enqueue a booking. Raises: redis-py's errors."""
        return RedisBroker.enqueue(self, message, delay=delay)


broker = Bookings(client=redis.Redis(), middleware=[], namespace="dramatiq")  # type: ignore[no-untyped-call]


@dramatiq.actor(queue_name="bookings", broker=broker)
def book(id_: str, show_id: int, user_id: str, seats: list[str], fingerprint: str) -> None:
    """Decide one booking."""
    transaction.book(_database["url"], UUID(id_), show_id, UUID(user_id), seats, fingerprint)


def open_stores() -> Settings:
    """Read the settings and connect the broker. Called once, when a process starts."""
    settings = Settings.from_env()
    _database["url"] = settings.database_url
    pool = connection_pool(settings.redis_url, socket_timeout_s=SOCKET_TIMEOUT_S, decode=False)
    broker.client.connection_pool = pool
    return settings


def create_app() -> Flask:
    """Create the application of an api process."""
    settings = open_stores()
    verifier = Verifier(settings.jwt_secret)
    app = web.application("message")

    @app.post("/api/bookings")
    def create() -> Response:
        wanted = web.read(verifier)
        book.send(str(wanted.id), wanted.show_id, str(wanted.user_id), wanted.seats, wanted.fingerprint)
        return web.queued(wanted.id)

    @app.get("/api/bookings/<uuid:id_>")
    def status(id_: UUID) -> Response:
        return web.seen(id_, transaction.status_of(settings.database_url, id_, web.user(verifier)))

    return app
