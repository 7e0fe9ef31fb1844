"""Passwords: right, wrong, of unknown accounts, and too many at once."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher

from api.accounts import passwords
from api.accounts.passwords import hash_password, newer_hash, password_fits
from api.web.errors import Busy


def test_a_password_fits_its_hash_only() -> None:
    stored = hash_password("correct horse")

    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert password_fits(stored, "correct horse")
    assert not password_fits(stored, "correct horsE")


def test_a_password_without_an_account_is_hashed_and_never_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[str] = []

    class Watched:
        def hash(self, _password: str) -> str:
            return "nobody's"

        def verify(self, stored: str, _password: str) -> bool:
            compared.append(stored)
            return True

    monkeypatch.setattr(passwords, "_hasher", Watched())
    passwords._nobodys_hash.cache_clear()

    assert not password_fits(None, "anything")
    assert compared == ["nobody's"]
    passwords._nobodys_hash.cache_clear()


def test_an_invalid_hash_fits_nothing() -> None:
    assert not password_fits("no hash at all", "anything")


def test_too_many_hashes_at_once_are_rejected_immediately() -> None:
    turns = passwords.AT_ONCE + passwords.WAITING
    for _ in range(turns):
        assert passwords._present.acquire(blocking=False)
    try:
        with pytest.raises(Busy):
            hash_password("anything")
    finally:
        for _ in range(turns):
            passwords._present.release()

    assert hash_password("anything")


def test_waiting_for_a_hash_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "WAIT_S", 0.01)
    for _ in range(passwords.AT_ONCE):
        passwords._running.acquire()
    try:
        with pytest.raises(Busy):
            hash_password("anything")
    finally:
        for _ in range(passwords.AT_ONCE):
            passwords._running.release()

    assert hash_password("anything")


def test_the_first_unknown_address_takes_no_longer_than_the_first_known_one(monkeypatch: pytest.MonkeyPatch) -> None:
    work: list[str] = []

    class Watched:
        def hash(self, _password: str) -> str:
            work.append("hash")
            return "nobody's"

        def verify(self, _stored: str, _password: str) -> bool:
            work.append("verify")
            return True

    monkeypatch.setattr(passwords, "_hasher", Watched())
    done = []
    for stored in (None, "somebody's"):
        passwords._nobodys_hash.cache_clear()
        work.clear()
        password_fits(stored, "x")
        done.append(list(work))
    passwords._nobodys_hash.cache_clear()

    assert done[0] == done[1]


def test_an_outdated_hash_is_replaced() -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash("correct horse")

    newer = newer_hash(weak, "correct horse")

    assert newer is not None
    assert password_fits(newer, "correct horse")
    assert newer_hash(newer, "correct horse") is None
