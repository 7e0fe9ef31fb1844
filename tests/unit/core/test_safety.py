"""Unsafe settings are refused at the start outside the local mode, each with its own message."""

from __future__ import annotations

import secrets

import pytest
from structlog.testing import capture_logs

from core.errors import ConfigurationError
from core.safety import guessable, refuse_unsafe, unsafe
from core.settings import Settings
from proof.kit.environment import offline_settings

DRAWN = "9b1f63e0c24a8d57f00e3c6d1a2b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d"


def good(**changes: str) -> Settings:
    return offline_settings(**{"JWT_SECRET": DRAWN, **changes})


def test_good_settings_are_safe() -> None:
    settings = good(
        JWT_SECRET_NEXT=secrets.token_urlsafe(48),
        CORS_ORIGIN="https://shop.example,https://desk.example:8443",
        DATABASE_URL="postgresql+psycopg://onsale_api_login:jR7dkw02mcPq@db/onsale",
        DEBUG="0",
    )

    assert unsafe(settings) == []
    refuse_unsafe(settings)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"JWT_SECRET": "change-me-change-me-change-me-change-me"}, "JWT_SECRET can be guessed"),
        ({"JWT_SECRET": "x" * 64}, "JWT_SECRET can be guessed"),
        ({"JWT_SECRET": "my-super-secret-jwt-key-0123-wxyz-plmk"}, "JWT_SECRET can be guessed"),
        ({"JWT_SECRET_PREVIOUS": "0123456789" * 4}, "JWT_SECRET_PREVIOUS can be guessed"),
        ({"JWT_SECRET_NEXT": "Example of a key that is long enough!"}, "JWT_SECRET_NEXT can be guessed"),
        ({"DEBUG": "1"}, "DEBUG"),
        ({"FLASK_DEBUG": "true"}, "FLASK_DEBUG"),
        ({"CORS_ORIGIN": "*"}, "CORS_ORIGIN must list origins"),
        ({"CORS_ORIGIN": "https://a.example,*"}, "CORS_ORIGIN must list origins"),
        ({"CORS_ORIGIN": "http://shop.example"}, "CORS_ORIGIN must be https"),
        ({"DATABASE_URL": "postgresql://u:postgres@db/onsale"}, "DATABASE_URL has a password"),
        ({"DATABASE_URL": "postgresql://u:Pass%77ord1@db/onsale"}, "DATABASE_URL has a password"),
        ({"REDIS_URL": "redis://:redis@r:6379/0"}, "REDIS_URL has a password"),
        ({"BROKER_URL": "redis://:changeme@r:6379/0"}, "BROKER_URL has a password"),
        ({"BROKER_URL": "redis://127.0.0.1:1/0"}, "BROKER_URL is the database of REDIS_URL"),
        ({"REDIS_URL": "redis://r/7?db=2", "BROKER_URL": "redis://R:6379/2"}, "BROKER_URL is the database"),
        ({"REDIS_URL": "unix:///r?db=1", "BROKER_URL": "unix:///r?db=1"}, "BROKER_URL is the database"),
    ],
)
def test_each_is_refused_by_name_and_not_repeated(changes: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named) as caught:
        refuse_unsafe(good(**changes))

    assert not any(value in str(caught.value) for value in changes.values() if len(value) > 8)
    refuse_unsafe(good(**changes, ONSALE_MODE="local"))


@pytest.mark.parametrize(
    ("broker_url", "told"), [("", True), ("redis://localhost:1/3", True), ("redis://127.0.0.1:2/0", False)]
)
def test_a_broker_on_the_same_server_is_logged_and_not_refused(broker_url: str, told: bool) -> None:
    with capture_logs() as lines:
        refuse_unsafe(good(BROKER_URL=broker_url))

    assert [line["event"] for line in lines] == ["broker_shares_redis"] * told


def test_all_findings_are_reported_at_once() -> None:
    found = unsafe(good(JWT_SECRET="x" * 32, DEBUG="1", CORS_ORIGIN="*"))

    assert len(found) == 3


def test_generated_secrets_are_never_refused() -> None:
    for _ in range(2_000):
        assert not guessable(secrets.token_hex(32))
        assert not guessable(secrets.token_urlsafe(32))
