"""Access tokens with any claims, header and key; valid by default."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID, uuid4

import jwt

from core.tokens import key_id
from proof.kit.environment import SECRET

KEYS = {key_id(SECRET): SECRET.encode()}
ALICE = UUID("a11ce000-0000-4000-8000-000000000001")


def claims_with(**changes: Any) -> dict[str, Any]:
    """Return valid claims for Alice, with `changes`; None removes a claim."""
    now = int(time.time())
    claims = {
        "sub": str(ALICE),
        "jti": uuid4().hex,
        "iat": now,
        "nbf": now,
        "exp": now + 60,
        "type": "access",
        "role": "user",
        "iss": "onsale",
        "aud": "onsale",
        **changes,
    }
    return {name: value for name, value in claims.items() if value is not None}


def signed(
    secret: str = SECRET, algorithm: str = "HS256", header: dict[str, Any] | None = None, **changes: Any
) -> str:
    """Return a token that PyJWT makes from `claims_with(changes)`. The default header names the key."""
    return jwt.encode(
        claims_with(**changes), secret, algorithm, {"kid": key_id(secret)} if header is None else header
    )
