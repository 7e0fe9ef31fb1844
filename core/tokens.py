"""What every issuer and verifier of access tokens agrees on: issuer, audience, algorithm, and key ids.

A key's id is derived from the key, so a rotation changes the secrets alone.
"""

from __future__ import annotations

import hashlib
import hmac

ISSUER = AUDIENCE = "onsale"
#: The only algorithm with which tokens are signed and verified.
ALGORITHM = "HS256"


def key_id(secret: str) -> str:
    """Return the `kid` of tokens signed with this secret. It reveals no more of the secret than a signature does."""
    return hmac.digest(secret.encode(), b"onsale key id", hashlib.sha256)[:8].hex()
