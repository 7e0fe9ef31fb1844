"""Refresh tokens: a session id and a generation, signed. They can be derived again at any time, so none is stored.

A forged token is rejected by its signature, without calling a server. The signing key is derived from the secret, so
a signature of an access token is never valid for a refresh token, nor the other way round.
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
#: Length of every token: 52 bytes in base64 without padding.
CHARS = 70
#: The highest generation: its successor must still fit into an integer of Postgres.
LAST = 2**31 - 2


def make(secret: str, session: UUID, generation: int) -> str:
    """Return the refresh token of a session's generation; always the same."""
    named = session.bytes + generation.to_bytes(_GENERATION)
    return base64.urlsafe_b64encode(named + sign(_key(secret), named)).decode().rstrip("=")


def read(token: str, secrets: Iterable[str]) -> tuple[UUID, int] | None:
    """Return session and generation of a token that was signed with one of these secrets; None if it was not."""
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
