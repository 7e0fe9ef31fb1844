"""The settings of the catalogue: terms of new shows, the currency, where the halls are, the cache."""

from __future__ import annotations

from typing import Any

from environs import FileAwareEnv, validate
from marshmallow import ValidationError

from core.currencies import EXPONENTS
from core.time_zones import is_known


def catalogue(env: FileAwareEnv) -> dict[str, Any]:
    """Read the catalogue's settings, by their names in core/settings.py Settings. `env` collects the problems."""
    return {
        # Time to confirm a hold, for shows that do not set their own.
        "hold_ttl_s": env.float("BOOKING_EXPIRY_MINUTES", 2.0, validate=validate.Range(0.01, 24 * 60)),
        # Between two shows in a hall: one audience leaves, the next enters. A day at most.
        "changeover_min": env.int("CHANGEOVER_MINUTES", 0, validate=validate.Range(0, 24 * 60)),
        "shows_may_overlap": env.bool("SHOWS_MAY_OVERLAP", False),
        "installation_name": env.str("INSTALLATION_NAME", "Onsale", validate=validate.Length(1, 200)),
        "currency": env.str("CURRENCY", "EUR", validate=_is_currency),
        # Also what Redis keeps for an outage of Postgres, and what a drop that got lost costs. 0: no cache in Redis.
        "catalogue_cache_s": env.float("CATALOGUE_CACHE_S", 30.0, validate=validate.Range(0, 3_600)),
        "time_zone": env.str("TIME_ZONE", "UTC", validate=_is_time_zone),
    }


def _is_currency(code: str) -> None:
    if code not in EXPONENTS:
        raise ValidationError("Not a currency of ISO 4217, such as EUR.")


def _is_time_zone(name: str) -> None:
    if not is_known(name):
        raise ValidationError("Not a time zone of the IANA database, such as Europe/Berlin.")
