"""What every maker and reader of access tokens agrees on: issuer, audience, algorithm, and the names of keys.

A key's id is derived from the key, so that a rotation moves secrets alone: nothing else has to be kept in step.
"""

from __future__ import annotations

import hashlib
import hmac

ISSUER = AUDIENCE = "onsale"
#: The one algorithm with which tokens are made and read.
ALGORITHM = "HS256"


def key_id(secret: str) -> str:
    """The `kid` of tokens signed with this secret. It tells no more of the secret than a signature does."""
    return hmac.digest(secret.encode(), b"onsale key id", hashlib.sha256)[:8].hex()
