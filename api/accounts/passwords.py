"""Passwords: argon2id, at most two hashes at once in each process.

A hash costs 19 MiB and tens of milliseconds of a core (OWASP's floor), and those who wait for one hold a
thread that bookings want: so few may wait, not for long, and the rest is told to come again.

A password is hashed in its composed spelling: another keyboard may type its accents in another one.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from api.web.errors import Busy
from core.texts import composed

AT_ONCE = 2
#: Threads that may wait for their turn, of the 32 that a process has by default.
WAITING = 6
#: Seconds they wait: some 60 hashes' time.
WAIT_S = 2.0

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_running = threading.BoundedSemaphore(AT_ONCE)
_present = threading.BoundedSemaphore(AT_ONCE + WAITING)


def hash_password(password: str) -> str:
    """An argon2id hash with its parameters inside. Raises: Busy."""
    with _turn():
        return _hasher.hash(composed(password))


def password_fits(password_hash: str | None, password: str) -> bool:
    """Whether the password belongs to the hash; without a hash it takes as long and says no. Raises: Busy.

    Passwords set by older versions were hashed as they were typed: then that is compared, too.
    """
    with _turn():
        # Drawn before it is known whether it is needed: the first unknown address would answer late.
        stand_in = _nobodys_hash()
        fits = [_verify(password_hash or stand_in, spelling) for spelling in {composed(password), password}]
        return any(fits) and password_hash is not None


def newer_hash(password_hash: str, password: str) -> str | None:
    """A hash of today's strength and spelling if this one is not; None if it is as it should be. Raises: Busy.

    `password`: one that fits it.
    """
    if _hasher.check_needs_rehash(password_hash):
        return hash_password(password)
    as_typed = composed(password) != password and not password_fits(password_hash, composed(password))
    return hash_password(password) if as_typed else None


def _verify(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobodys_hash() -> str:
    """What an unknown address is compared with, so that it answers no sooner than a known one."""
    return _hasher.hash(secrets.token_urlsafe())


@contextmanager
def _turn() -> Iterator[None]:
    if not _present.acquire(blocking=False):
        raise Busy
    try:
        if not _running.acquire(timeout=WAIT_S):
            raise Busy
        try:
            yield
        finally:
            _running.release()
    finally:
        _present.release()
