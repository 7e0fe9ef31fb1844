"""HMAC-SHA256 with a prepared key.

`hmac.digest` releases the GIL for the microsecond that a few dozen bytes take, and another thread grabs it: at half
of the peak load this cost a tenth of an api process's time. Signing with a copy of a prepared key keeps the GIL.
"""

from __future__ import annotations

import hmac
from functools import lru_cache


def sign(key: bytes, message: bytes) -> bytes:
    """Return the signature, 32 bytes. `key`: one of the process's few keys: prepared ones are cached, 16 at most."""
    signing = _prepared(key).copy()
    signing.update(message)
    return signing.digest()


@lru_cache(maxsize=16)
def _prepared(key: bytes) -> hmac.HMAC:
    return hmac.new(key, digestmod="sha256")
