"""Refresh tokens: a session and a generation, signed. The next one of a session can be made again, and none is kept.

Who cannot sign has no token, so an unknown one costs a signature and no server. A key of our own is derived from the
secret: no signature of an access token is one of a refresh token, nor the other way round.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterable
from functools import lru_cache
from uuid import UUID

from core.signing import sign

#: Bytes of the session's id, of the generation, and of the signature.
_SESSION, _GENERATION, _SIGNATURE = 16, 4, 32
#: Characters of every token: its bytes in base64, without padding, for their number is a multiple of three less two.
CHARS = 70
#: The largest number that a generation may be: of integer in Postgres, with one more to come.
LAST = 2**31 - 2


def make(secret: str, session: UUID, generation: int) -> str:
    """The refresh token of a session in its n-th generation; always the same."""
    named = session.bytes + generation.to_bytes(_GENERATION)
    return base64.urlsafe_b64encode(named + sign(_key(secret), named)).decode().rstrip("=")


def read(token: str, secrets: Iterable[str]) -> tuple[UUID, int] | None:
    """Session and generation of a token that was signed with one of these secrets; None: of no other."""
    if len(token) != CHARS:
        return None
    try:
        raw = base64.b64decode(token + "==", altchars=b"-_", validate=True)
    except ValueError:
        return None
    named, signature = raw[:-_SIGNATURE], raw[-_SIGNATURE:]
    session, generation = UUID(bytes=named[:_SESSION]), int.from_bytes(named[_SESSION:])
    signed = any(hmac.compare_digest(sign(_key(secret), named), signature) for secret in secrets if secret)
    return (session, generation) if signed and generation <= LAST else None


@lru_cache(maxsize=8)
def _key(secret: str) -> bytes:
    return hmac.digest(secret.encode(), b"onsale refresh token", "sha256")
