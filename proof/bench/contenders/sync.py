"""Contender sync: each request runs its transaction while the client waits, and is answered 201 or 409."""

from __future__ import annotations

from flask import Flask, Response

from api.access.tokens import Verifier
from core.settings import Settings
from proof.bench.contenders import web
from proof.bench.sql import transaction


def create_app() -> Flask:
    """Create the application of an api process."""
    settings = Settings.from_env()
    verifier = Verifier(settings.jwt_secret)
    app = web.application("sync")

    @app.post("/api/bookings")
    def create() -> Response:
        wanted = web.read(verifier)
        outcome = transaction.book(
            settings.database_url, wanted.id, wanted.show_id, wanted.user_id, wanted.seats, wanted.fingerprint
        )
        if outcome != transaction.CONFIRMED:
            return web.answer(409, {"code": outcome})
        return web.answer(201, {"id": str(wanted.id), "status": outcome, "seats": wanted.seats})

    return app
