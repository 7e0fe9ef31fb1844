"""Limits on logging in and signing up, asked before any password is hashed.

Per account and per address, a minute and an hour each, in Redis: all api processes count together. An account is
counted by a hash of its address, known or not, so the answer says nothing about who has an account. A log-in that
succeeds starts its account's count again; the address's goes on.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
import unicodedata
from typing import cast

from flask import current_app, request

from api.errors import TooManyLogins
from core import logs
from core.errors import AcceptUnknown, RedisAway
from core.settings import Settings
from db import attempts
from db.attempts import Limit
from db.rounds import Rounds

MINUTE_S, HOUR_S = 60, 3_600
#: An hour has so many times a minute's attempts.
AN_HOUR = 4

log = logs.logger(__name__)


class Logins:
    """The limits of one installation. 0 attempts: no limit."""

    def __init__(self, rounds: Rounds, settings: Settings) -> None:
        self._rounds = rounds
        self._per_account = settings.logins_per_account
        self._per_address = settings.logins_per_address

    def attempt(self, account: str | None, address: str | None) -> None:
        """Count one attempt; None: not counted by that. Raises: TooManyLogins, RedisAway."""
        limits = self._of_account(account) + self._of_address(address)
        if not limits:
            return
        try:
            wait_ms = attempts.count(self._rounds, limits)
        except AcceptUnknown as error:
            raise RedisAway from error
        if wait_ms:
            raise TooManyLogins(math.ceil(wait_ms / 1000))

    def succeeded(self, account: str) -> None:
        """The password was right: the account's count starts again."""
        limits = self._of_account(account)
        try:
            if limits:
                attempts.forget(self._rounds, limits)
        except (RedisAway, AcceptUnknown) as error:
            log.warning("attempts_not_forgotten", error=str(error))  # they end by themselves

    def _of_account(self, account: str | None) -> list[Limit]:
        if account is None or not self._per_account:
            return []
        # Coarser than the database's own lower(): no spelling of an address gets a count of its own.
        name = unicodedata.normalize("NFKC", account).casefold().encode()
        return _limits("a:" + hashlib.sha256(name).hexdigest()[:32], self._per_account)

    def _of_address(self, address: str | None) -> list[Limit]:
        return _limits("n:" + network(address), self._per_address) if address and self._per_address else []


def _limits(subject: str, per_minute: int) -> list[Limit]:
    return [Limit(subject, per_minute, MINUTE_S), Limit(subject, AN_HOUR * per_minute, HOUR_S)]


def network(address: str) -> str:
    """What counts as one client: an IPv4 address, or an IPv6 network of 64 bits, which one client has for itself."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False).network_address)
    return str(parsed)


def attempt(account: str | None = None) -> None:
    """Count the current request as an attempt to log in. Raises: TooManyLogins, RedisAway."""
    _current().attempt(account, request.remote_addr)


def succeeded(account: str) -> None:
    """The current request's password was right."""
    _current().succeeded(account)


def _current() -> Logins:
    return cast(Logins, current_app.extensions["onsale-logins"])
