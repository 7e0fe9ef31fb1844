"""Limits on logging in, signing up and refreshing, checked before any password is hashed.

Attempts are counted per account and per IP address, per minute and per hour, in Redis: all api processes share the
counts. An account is counted by a hash of its e-mail, known or not, so the answer does not reveal who has an account.
A successful log-in resets its account's count and returns its attempt to the IP address, so people behind one address
do not use up each other's attempts. Attempts that reveal whether an e-mail has an account (sign-up, a change of
e-mail) are never returned. A refresh is counted per session, known only to its owner, and per IP address if it fails.
"""

from __future__ import annotations

import hashlib
import math
import time
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from flask import current_app, request

from api.web.errors import TooManyLogins
from api.web.proxies import client_network
from core import logs
from core.errors import AcceptUnknown, RedisUnavailable
from core.settings import Settings
from db.kv import attempts
from db.kv.attempts import Limit
from db.kv.rounds import Rounds

MINUTE_S, HOUR_S = 60, 3_600
#: The limit per hour, as a multiple of the limit per minute.
AN_HOUR = 4
#: Max refreshes of one session per minute: tokens may live a minute, and be refreshed in many windows. Max rejected
#: refreshes of one IP address, as a multiple of its log-ins: all sessions behind it may have ended at once.
REFRESHES, MORE_REFRESHES = 30, 10

log = logs.logger(__name__)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A counted attempt. If it succeeds, the counts in `forgotten` are reset, and those in `lent` reduced by one."""

    rounds: Rounds
    forgotten: Sequence[Limit]
    lent: Sequence[Limit]
    counted_at: float

    def succeeded(self) -> None:
        """Note that the password, or the token, was right. To be called once."""
        try:
            if self.forgotten:
                attempts.forget(self.rounds, self.forgotten)
            if self.lent:
                since_ms = int((time.monotonic() - self.counted_at) * 1000)
                attempts.give_back(self.rounds, self.lent, since_ms)
        except (RedisUnavailable, AcceptUnknown) as error:
            log.warning("attempts_not_forgotten", error=str(error))  # the counts expire on their own


class Logins:
    """The limits of one installation. A setting of 0 attempts means no limit."""

    def __init__(self, rounds: Rounds, settings: Settings) -> None:
        self._rounds = rounds
        self._per_account = settings.logins_per_account
        self._per_address = settings.logins_per_address

    def attempt(self, account: str | None, address: str | None) -> Attempt:
        """Count one attempt by each argument that is not None. Raises: TooManyLogins, RedisUnavailable."""
        by_account, by_address = self._of_account(account), self._of_address("n:", address, self._per_address)
        self._count([*by_account, *by_address])
        return Attempt(self._rounds, by_account, by_address, time.monotonic())

    def refreshing(self, session: UUID, address: str | None) -> Attempt:
        """Count a refresh with a session's token. Raises: TooManyLogins, RedisUnavailable."""
        by_address = self._of_address("r:", address, MORE_REFRESHES * self._per_address)
        self._count([*_limits("s:" + session.hex, REFRESHES), *by_address])
        return Attempt(self._rounds, (), by_address, time.monotonic())

    def _count(self, limits: Sequence[Limit]) -> None:
        if not limits:
            return
        try:
            wait_ms = attempts.count(self._rounds, limits)
        except AcceptUnknown as error:
            raise RedisUnavailable from error
        if wait_ms:
            raise TooManyLogins(math.ceil(wait_ms / 1000))

    def _of_account(self, account: str | None) -> list[Limit]:
        if account is None or not self._per_account:
            return []
        # Coarser than the lower() of the database, so that no spelling of an e-mail gets a separate count.
        name = unicodedata.normalize("NFKC", account).casefold().encode()
        return _limits("a:" + hashlib.sha256(name).hexdigest()[:32], self._per_account)

    @staticmethod
    def _of_address(kind: str, address: str | None, per_minute: int) -> list[Limit]:
        return _limits(kind + client_network(address), per_minute) if address and per_minute else []


def _limits(subject: str, per_minute: int) -> list[Limit]:
    return [Limit(subject, per_minute, MINUTE_S), Limit(subject, AN_HOUR * per_minute, HOUR_S)]


def attempt(account: str | None = None) -> Attempt:
    """Count the current request as an attempt to log in, or to sign up. Raises: TooManyLogins, RedisUnavailable."""
    return _current().attempt(account, request.remote_addr)


def refreshing(session: UUID) -> Attempt:
    """Count the current request as a refresh of this session. Raises: TooManyLogins, RedisUnavailable."""
    return _current().refreshing(session, request.remote_addr)


def _current() -> Logins:
    return cast(Logins, current_app.extensions["onsale-logins"])
