"""Contender hello: a view that says hi. The ceiling of the HTTP side."""

from __future__ import annotations

from flask import Flask

from proof.bench.contenders import web


def create_app() -> Flask:
    """The application of a server's process."""
    app = web.application("hello")
    app.add_url_rule("/", "hello", lambda: "hi")
    return app
