"""Access tokens as the api makes them, minted with the configured secret.

So a rush measures booking and not the hashing of passwords. A buyer needs no account: bookings have no
users row. An admin does: making a show looks the account up.
"""

from __future__ import annotations

import time
import uuid
from typing import Literal

import jwt

from core.tokens import ALGORITHM, AUDIENCE, ISSUER, key_id

#: An hour, as the api's own default; a rush is over before.
TTL_S = 3600


def mint(secret: str, user_id: str, role: Literal["user", "admin"] = "user", *, ttl_s: int = TTL_S) -> str:
    """An access token for this user id (a UUID's text), valid from now for `ttl_s` seconds."""
    now = int(time.time())
    claims = {
        "sub": user_id,
        "jti": str(uuid.uuid4()),
        "iat": now,
        "nbf": now,
        "exp": now + ttl_s,
        "type": "access",
        "fresh": False,
        "role": role,
        "iss": ISSUER,
        "aud": AUDIENCE,
    }
    return jwt.encode(claims, secret, algorithm=ALGORITHM, headers={"kid": key_id(secret)})
