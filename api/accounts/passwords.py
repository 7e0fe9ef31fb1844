"""Passwords: argon2id, at most two hashes at once in each process.

A hash costs 19 MiB and tens of milliseconds of a core (OWASP's minimum), and each request that waits for one holds a
thread: so few may wait, not for long, and the others are rejected with Busy.

A password is hashed in its composed form (NFC): another keyboard may type its accents in another form.
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
#: Max threads that wait for their turn.
WAITING = 6
#: Max seconds that one waits: the time of some 60 hashes.
WAIT_S = 2.0

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_running = threading.BoundedSemaphore(AT_ONCE)
_present = threading.BoundedSemaphore(AT_ONCE + WAITING)


def hash_password(password: str) -> str:
    """Return an argon2id hash, which includes its parameters. Raises: Busy."""
    with _turn():
        return _hasher.hash(composed(password))


def password_fits(password_hash: str | None, password: str) -> bool:
    """Return whether the password fits the hash; without a hash, False after the same time. Raises: Busy.

    Older versions hashed passwords as they were typed, so that form is compared, too.
    """
    with _turn():
        # Compute the dummy hash up front, so an unknown e-mail takes no longer.
        stand_in = _nobodys_hash()
        fits = [_verify(password_hash or stand_in, spelling) for spelling in {composed(password), password}]
        return any(fits) and password_hash is not None


def newer_hash(password_hash: str, password: str) -> str | None:
    """Return a hash of today's strength and form if this one is outdated, else None. Raises: Busy.

    Args: password: one that fits the hash.
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
    """Return the dummy hash for unknown e-mails, so that they are answered no sooner than known ones."""
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
