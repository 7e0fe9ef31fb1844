"""Checks for unsafe settings. Each finding is a sentence that names the variable, never its value.

Outside the local mode a process with a finding does not start. db/guard.py checks the servers.
"""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from core import logs
from core.addresses import database_of
from core.errors import ConfigurationError
from core.settings import Settings
from core.texts import shows_something

log = logs.logger(__name__)

#: Parts of secrets that people make up. A generated secret contains one by chance once in a million.
WORDS = ("change", "secret", "passwor", "default", "example", "qwerty", "abcdefgh", "01234567", "12345678")
#: Min number of different characters in a secret: one with fewer was typed, not generated.
DIFFERENT = 10
#: Min length of an administrator's password.
PASSWORD_CHARS = 12
#: Default passwords of servers and of their manuals.
PASSWORDS = frozenset({"postgres", "onsale", "admin", "root", "redis", "valkey", "test", "guest", "user"})


def unsafe(settings: Settings) -> list[str]:
    """Return all findings about these settings, one sentence each."""
    found = []
    for name in ("jwt_secret", "jwt_secret_previous", "jwt_secret_next"):
        if guessable(getattr(settings, name)):
            found.append(f"{name.upper()} can be guessed: generate one with `openssl rand -hex 32`")
    if settings.debug:
        found.append("DEBUG and FLASK_DEBUG must not be on: a debugger runs what a client sends")
    if "*" in settings.cors_origins:
        found.append(
            "CORS_ORIGIN must list origins: with * every page in the world may call the api in a user's name"
        )
    if any(origin.startswith("http://") for origin in settings.cors_origins):
        found.append("CORS_ORIGIN must be https: a page sent unencrypted may have been changed in transit")
    for name in ("database_url", "redis_url", "broker_url"):
        password = urlsplit(getattr(settings, name)).password
        if password and (unquote(password).lower() in PASSWORDS or _has_word(unquote(password))):
            found.append(f"{name.upper()} has a password that can be guessed")
    if same_server(settings.redis_url, settings.broker_url) and database_of(settings.redis_url) == database_of(
        settings.broker_url
    ):
        found.append("BROKER_URL is the database of REDIS_URL: doorbells must not share it with accepted operations")
    return found


def refuse_unsafe(settings: Settings) -> None:
    """Raise ConfigurationError with all findings, unless in the local mode."""
    found = unsafe(settings)
    if settings.mode == "local":
        return
    if found:
        raise refusal(found)
    if same_server(settings.redis_url, settings.broker_url):
        log.warning("broker_shares_redis", why="doorbells take the memory of the lanes, and an fsync each")


def same_server(one: str, other: str) -> bool:
    """Return whether two Redis addresses name the same server; DNS names are not resolved."""
    return _server(one) == _server(other)


def _server(redis_url: str) -> tuple[str, int]:
    parts = urlsplit(redis_url)
    if parts.scheme == "unix":
        return parts.path, 0
    host = parts.hostname or "localhost"
    return ("localhost" if host in ("127.0.0.1", "::1") else host), parts.port or 6379


def refusal(found: list[str]) -> ConfigurationError:
    """Return the error with all findings, which also says how to start on a private machine all the same."""
    return ConfigurationError(f"Not safe to start: {'; '.join(found)}. (ONSALE_MODE=local starts all the same.)")


def guessable(secret: str, different: int = DIFFERENT) -> bool:
    """Return whether a secret was made up by a person or copied from a manual; False if it is empty.

    Args:    different: min number of different characters.
    """
    return bool(secret) and (len(set(secret)) < different or _has_word(secret))


def weak_password(password: str) -> bool:
    """Return whether a password is too weak for an administrator: short, easy to guess, or invisible."""
    return len(password) < PASSWORD_CHARS or guessable(password, different=6) or not shows_something(password)


def _has_word(secret: str) -> bool:
    lowered = secret.lower()
    return any(word in lowered for word in WORDS)
