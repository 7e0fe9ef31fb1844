"""The settings of tokens: their keys and lifetimes, and whether administrators need a second factor for them."""

from __future__ import annotations

from typing import Any

from environs import FileAwareEnv, validate
from marshmallow import ValidationError

#: RFC 7518 section 3.2: a key for HS256 must be at least as long as the hash, 256 bits.
SECRET_MIN_BYTES = 32
#: Max lifetime of an access token, seconds. A revocation of unknown tokens is kept this long.
MAX_TOKEN_TTL_S = 7 * 24 * 3600


def tokens(env: FileAwareEnv) -> dict[str, Any]:
    """Read the settings of tokens, by their names in core/settings.py Settings. `env` collects the problems."""
    return {
        "jwt_secret": env.str("JWT_SECRET", validate=_long_enough),
        # While the key is rotated, tokens signed with these two are accepted as well.
        "jwt_secret_previous": env.str("JWT_SECRET_PREVIOUS", "", validate=_empty_or_long_enough),
        "jwt_secret_next": env.str("JWT_SECRET_NEXT", "", validate=_empty_or_long_enough),
        # An hour: long enough for an on-sale, short enough that a stolen token soon expires.
        "token_ttl_s": env.int("JWT_EXPIRY_MINUTES", 60, validate=validate.Range(1, MAX_TOKEN_TTL_S // 60)),
        "refresh_ttl_s": env.int("REFRESH_EXPIRY_DAYS", 30, validate=validate.Range(1, 365)),
        "admin_second_factor": env.str(
            "ADMIN_SECOND_FACTOR", "optional", validate=validate.OneOf(("optional", "required"))
        ),
    }


def _long_enough(secret: str) -> None:
    if len(secret.encode()) < SECRET_MIN_BYTES:
        raise ValidationError(f"Shorter than {SECRET_MIN_BYTES} bytes.")


def _empty_or_long_enough(secret: str) -> None:
    if secret:
        _long_enough(secret)
