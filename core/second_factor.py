"""The second factor of a log-in: one-time codes by time (TOTP, RFC 6238), and recovery codes for a lost device.

A one-time code is accepted within one step of the server's clock, and only for a step later than the last one used:
none is accepted twice. Recovery codes have 80 random bits: a plain hash of one cannot be reversed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from uuid import UUID

import pyotp

#: Seconds for which a code is shown; steps by which the clocks of server and device may differ.
STEP_S, DRIFT = 30, 1
#: Bytes of a secret (RFC 4226 recommends 160 bits), and of a recovery code.
SECRET_BYTES, RECOVERY_BYTES = 20, 10
#: How many recovery codes an account gets.
RECOVERY_CODES = 10
#: The step before any code is used.
NEVER = 0

_ONE_TIME = re.compile(r"[0-9]{6}", re.ASCII)
_RECOVERY = re.compile(r"[A-Z2-7]{16}", re.ASCII)
_IGNORED = re.compile(r"[ -]+")


def secret_text(secret: bytes) -> str:
    """Return a secret in base32, as apps for codes take it."""
    return base64.b32encode(secret).decode()


def address(secret: bytes, email: str, issuer: str) -> str:
    """Return the otpauth URI, which clients show as a QR code. Args: issuer: the installation's name."""
    return pyotp.TOTP(secret_text(secret)).provisioning_uri(name=email, issuer_name=issuer)


def code_at(secret: bytes, step: int) -> str:
    """Return the one-time code of a step: six digits."""
    return pyotp.TOTP(secret_text(secret)).generate_otp(step)


def step_of(secret: bytes, code: str, now_s: float, last_step: int) -> int | None:
    """Return the step that a one-time code belongs to; None if it is wrong, too old, or used.

    Args: now_s: seconds since 1970.  last_step: the last step whose code was used; NEVER if none was.
    """
    tidy, now = _IGNORED.sub("", code), int(now_s // STEP_S)
    if not _ONE_TIME.fullmatch(tidy):
        return None
    steps = range(max(now - DRIFT, last_step + 1), now + DRIFT + 1)
    return next((step for step in steps if hmac.compare_digest(code_at(secret, step), tidy)), None)


def recovery_code(drawn: bytes) -> str:
    """Return a recovery code as it is shown: ABCD-EFGH-IJKL-MNOP. Args: drawn: RECOVERY_BYTES random bytes."""
    text = base64.b32encode(drawn).decode()
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))


def recovery_hash(user_id: UUID, code: str) -> bytes | None:
    """Return what is stored of an account's recovery code, in any spelling; None if it cannot be one."""
    tidy = _IGNORED.sub("", code).upper()
    if not _RECOVERY.fullmatch(tidy):
        return None
    return hashlib.sha256(b"onsale recovery code" + user_id.bytes + tidy.encode()).digest()


def recovery_hashes(user_id: UUID, codes: Iterable[str]) -> list[bytes]:
    """Return what is stored of an account's new recovery codes."""
    return [stored for code in codes if (stored := recovery_hash(user_id, code)) is not None]
