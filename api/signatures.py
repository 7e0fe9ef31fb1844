"""Claims of our own tokens, read without the library's detours: it parses a token several times over.

Only a token that looks exactly as this installation's tokens do is read here: its header is, letter for letter, one
of those that we write. Everything else is the library's affair, refusals too. So what is accepted here is what the
library would accept; a test compares the two.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

import jwt
import orjson

from core.signing import sign

#: Header, as the text before a token's first dot -> the key that signs it.
Headers = Mapping[str, bytes]


def header_of(secret: str, algorithm: str, extra: Mapping[str, Any] | None = None) -> str:
    """The text before the first dot of every token that is signed with `secret`."""
    return jwt.encode({}, secret, algorithm, dict(extra) if extra else None).partition(".")[0]


def claims_of(token: str, headers: Headers) -> dict[str, Any] | None:
    """The claims of a token whose header we know and whose HMAC-SHA256 is right; None for all others."""
    signed, _, signature = token.rpartition(".")
    header, _, payload = signed.partition(".")
    secret = headers.get(header)
    if secret is None or not token.isascii():
        return None
    expected = urlsafe_b64encode(sign(secret, signed.encode())).rstrip(b"=")
    if not hmac.compare_digest(expected, signature.encode()):
        return None
    try:
        claims = orjson.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except ValueError:
        return None
    return claims if isinstance(claims, dict) else None


def hold_now(claims: Mapping[str, Any], now_s: float, *, issuer: str, audience: str, leeway_s: int) -> bool:
    """Whether the registered claims are all there and plainly true now. Seconds since 1970."""
    expires, issued, begins = claims.get("exp"), claims.get("iat"), claims.get("nbf")
    if type(expires) is not int or type(issued) is not int or type(begins) is not int:
        return False
    return (
        claims.get("iss") == issuer
        and claims.get("aud") == audience
        and type(claims.get("sub")) is str
        and type(claims.get("jti")) is str
        and expires > now_s - leeway_s
        and issued <= now_s + leeway_s
        and begins <= now_s + leeway_s
    )
