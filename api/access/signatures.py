"""Signed tokens (JWS compact form, RFC 7515): checks their form, header, key and signature, and returns their claims.

Nothing else reads access tokens. tokens.py checks the claims. docs/decisions/0020-one-verification.md says why no
library does this.
"""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

import orjson

from api.web.errors import TokenInvalid
from core.signing import sign
from core.tokens import ALGORITHM

#: Header, claims, and the 32 bytes of an HMAC-SHA256, each in base64url without padding.
_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{43})", re.ASCII)
#: Allowed JOSE headers; tokens with any other (jku, jwk, x5u, crit ...) are rejected.
_HEADER = {"alg", "kid", "typ"}


def claims_of(token: str, keys: Mapping[str, bytes]) -> dict[str, Any]:
    """Return the claims of a token that was signed with one of these keys.

    The header's `kid` selects the key; the algorithm is fixed. Only the canonical form of a signature is accepted.

    Args:    token: of bounded length.  keys: key id -> secret.
    Raises:  TokenInvalid.
    """
    parts = _COMPACT.fullmatch(token)
    if parts is None:
        raise TokenInvalid
    header, payload, signature = parts.groups()
    signed = token[: parts.end(2)].encode()
    expected = urlsafe_b64encode(sign(_key_of(_object(header), keys), signed)).rstrip(b"=")
    if not hmac.compare_digest(expected, signature.encode()):
        raise TokenInvalid
    return _object(payload)


def _key_of(header: Mapping[str, Any], keys: Mapping[str, bytes]) -> bytes:
    """Return the key that a header names. Raises: TokenInvalid, also for another algorithm or an unknown header."""
    kid = header.get("kid")
    key = keys.get(kid) if type(kid) is str else None
    if key is None or header.get("alg") != ALGORITHM or header.keys() - _HEADER:
        raise TokenInvalid
    return key


def _object(part: str) -> dict[str, Any]:
    """Decode the JSON object in a part of a token. Raises: TokenInvalid."""
    try:
        value = orjson.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except ValueError:
        raise TokenInvalid from None
    if not isinstance(value, dict):
        raise TokenInvalid
    return value
