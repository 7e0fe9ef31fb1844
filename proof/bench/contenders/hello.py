"""Contender hello: a view that says "hi", the upper bound of the HTTP side."""

from __future__ import annotations

from flask import Flask

from proof.bench.contenders import web


def create_app() -> Flask:
    """Create the application of an api process."""
    app = web.application("hello")
    app.add_url_rule("/", "hello", lambda: "hi")
    return app
