"""What is not safe about settings: each finding is a sentence with the variable's name, and none of its value.

Outside the local mode a process with a finding does not start. What only a server can tell, db/guard.py asks.
"""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from core import logs
from core.addresses import database_of
from core.errors import ConfigurationError
from core.settings import Settings
from core.texts import shows_something

log = logs.logger(__name__)

#: In a secret that was drawn, one of these is found by chance once in a million times.
WORDS = ("change", "secret", "passwor", "default", "example", "qwerty", "abcdefgh", "01234567", "12345678")
#: A secret of so few different characters was typed, not drawn.
DIFFERENT = 10
#: An administrator's password has so many characters at least.
PASSWORD_CHARS = 12
#: What servers and their manuals come with.
PASSWORDS = frozenset({"postgres", "onsale", "admin", "root", "redis", "valkey", "test", "guest", "user"})


def unsafe(settings: Settings) -> list[str]:
    """Everything that these settings must not be outside the local mode."""
    found = []
    for name in ("jwt_secret", "jwt_secret_previous", "jwt_secret_next"):
        if guessable(getattr(settings, name)):
            found.append(f"{name.upper()} can be guessed: draw one with `openssl rand -hex 32`")
    if settings.debug:
        found.append("DEBUG and FLASK_DEBUG must not be on: a debugger runs what a client sends")
    if "*" in settings.cors_origins:
        found.append(
            "CORS_ORIGIN must list origins: with * every page in the world may call the api in a user's name"
        )
    if any(origin.startswith("http://") for origin in settings.cors_origins):
        found.append("CORS_ORIGIN must be https: a page that came in the clear may have been changed on its way")
    for name in ("database_url", "redis_url", "broker_url"):
        password = urlsplit(getattr(settings, name)).password
        if password and (unquote(password).lower() in PASSWORDS or _has_word(unquote(password))):
            found.append(f"{name.upper()} has a password that can be guessed")
    if same_server(settings.redis_url, settings.broker_url) and database_of(settings.redis_url) == database_of(
        settings.broker_url
    ):
        found.append("BROKER_URL is the database of REDIS_URL: doorbells must not lie among what was accepted")
    return found


def refuse_unsafe(settings: Settings) -> None:
    """Refuse to go on with these settings outside the local mode. Raises: ConfigurationError that names them all."""
    found = unsafe(settings)
    if settings.mode == "local":
        return
    if found:
        raise refusal(found)
    if same_server(settings.redis_url, settings.broker_url):
        log.warning("broker_shares_redis", why="doorbells take the memory of the lanes, and an fsync each")


def same_server(one: str, other: str) -> bool:
    """Whether two addresses of Redis lead to the same server, as far as they tell."""
    return _server(one) == _server(other)


def _server(redis_url: str) -> tuple[str, int]:
    parts = urlsplit(redis_url)
    if parts.scheme == "unix":
        return parts.path, 0
    host = parts.hostname or "localhost"
    return ("localhost" if host in ("127.0.0.1", "::1") else host), parts.port or 6379


def refusal(found: list[str]) -> ConfigurationError:
    """The error that tells all findings, and the way out for a machine of one's own."""
    return ConfigurationError(f"Not safe to start: {'; '.join(found)}. (ONSALE_MODE=local starts all the same.)")


def guessable(secret: str, different: int = DIFFERENT) -> bool:
    """Whether a secret was made up by a person, or copied from a manual. An empty one is none.

    Args:    different: how many different characters it must have at least.
    """
    return bool(secret) and (len(set(secret)) < different or _has_word(secret))


def weak_password(password: str) -> bool:
    """Whether a password is no good for an administrator: short, one that can be guessed, or nothing to be seen."""
    return len(password) < PASSWORD_CHARS or guessable(password, different=6) or not shows_something(password)


def _has_word(secret: str) -> bool:
    lowered = secret.lower()
    return any(word in lowered for word in WORDS)
