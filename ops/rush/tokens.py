"""Access tokens like the api's own, signed with the configured secret.

Without logins, a rush measures bookings and not password hashing. A buyer needs no account, because booking never
reads the table users. An admin needs one: making a show looks the account up. `onsale tokens` creates accounts and
signs their tokens here, for load clients that are not ours.
"""

from __future__ import annotations

import time
import uuid
from typing import Literal

import jwt

from core.tokens import ALGORITHM, AUDIENCE, ISSUER, key_id

#: Seconds that a token is valid by default: an hour, like the api's own default.
TTL_S = 3600


def mint(
    secret: str,
    user_id: str,
    role: Literal["user", "admin"] = "user",
    *,
    ttl_s: int = TTL_S,
    session: str = "",
) -> str:
    """Return an access token for this user id (a UUID's text), valid for `ttl_s` seconds from now.

    Args: session: the session that it belongs to, and with which it is revoked; "": none.
    """
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
        **({"sid": session} if session else {}),
    }
    return jwt.encode(claims, secret, algorithm=ALGORITHM, headers={"kid": key_id(secret)})
