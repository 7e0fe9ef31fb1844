"""What clients need to know about this installation: its name, its currency, its time zone."""

from __future__ import annotations

from flask import Response
from flask_smorest import Blueprint

from api.catalogue import public
from api.shapes import answers
from api.web.backend import backend
from api.web.openapi import route
from core.currencies import EXPONENTS

blueprint = Blueprint("installation", __name__, url_prefix="/api/installation", description="This installation.")


@route(
    blueprint, "GET", "", request_headers=("If-None-Match",), answers={200: answers.INSTALLATION, 304: None},
    headers={200: ("ETag",), 304: ("ETag",)},
)  # fmt: skip
def get_installation() -> Response:
    """Show the name, the currency with its minor unit, and the time zone."""
    settings = backend().settings
    return public.fixed(
        {
            "name": settings.installation_name,
            "currency": settings.currency,
            "currency_exponent": EXPONENTS[settings.currency],
            "time_zone": settings.time_zone,
        }
    )
