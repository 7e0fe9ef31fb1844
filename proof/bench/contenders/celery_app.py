"""Contender celery: one Celery message per booking; its task runs the transaction; polls ask Postgres."""

from __future__ import annotations

from uuid import UUID

from celery import Celery
from flask import Flask, Response

from api.access.tokens import Verifier
from core.settings import Settings
from proof.bench.contenders import web
from proof.bench.sql import transaction

_database: dict[str, str] = {}

queue = Celery("bench")
queue.conf.update(
    task_ignore_result=True,
    broker_connection_retry_on_startup=True,
    worker_hijack_root_logger=False,
    task_acks_late=True,
)


def _book(id_: str, show_id: int, user_id: str, seats: list[str], fingerprint: str) -> None:
    transaction.book(_database["url"], UUID(id_), show_id, UUID(user_id), seats, fingerprint)


book = queue.task(name="book")(_book)


def open_stores() -> Settings:
    """Read the settings and set the addresses. Called once, when a process starts."""
    settings = Settings.from_env()
    _database["url"] = settings.database_url
    queue.conf.broker_url = broker_url(settings.redis_url)
    return settings


def broker_url(redis_url: str) -> str:
    """Return a Redis address in Celery's form, in which unix sockets are `redis+socket:`."""
    head, _, query = redis_url.partition("?")
    if not head.startswith("unix:"):
        return redis_url
    return f"redis+socket:{head.removeprefix('unix:')}?{query.replace('db=', 'virtual_host=')}"


def create_app() -> Flask:
    """Create the application of an api process."""
    settings = open_stores()
    verifier = Verifier(settings.jwt_secret)
    app = web.application("celery")

    @app.post("/api/bookings")
    def create() -> Response:
        wanted = web.read(verifier)
        book.delay(str(wanted.id), wanted.show_id, str(wanted.user_id), wanted.seats, wanted.fingerprint)
        return web.queued(wanted.id)

    @app.get("/api/bookings/<uuid:id_>")
    def status(id_: UUID) -> Response:
        return web.seen(id_, transaction.status_of(settings.database_url, id_, web.user(verifier)))

    return app
