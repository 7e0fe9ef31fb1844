"""Settings: all problems at once, secrets from files, and the limits of every number."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from redis.connection import parse_url

from core.addresses import database_of, other_database
from core.errors import ConfigurationError
from core.local_settings import LocalSettings
from core.settings import Settings

REQUIRED = {
    "DATABASE_URL": "postgresql+psycopg://onsale@db/onsale",
    "REDIS_URL": "redis://redis:6379/0",
    "JWT_SECRET": "x" * 32,
}


@pytest.fixture(autouse=True)
def only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the caller's environment."""
    for name in list(os.environ):
        monkeypatch.delenv(name)


def settings(**variables: str) -> Settings:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**REQUIRED, **variables}.items():
            patch.setenv(name, value)
        return Settings.from_env()


def local_settings(**variables: str) -> LocalSettings:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        return LocalSettings.from_env()


def test_all_missing_names_are_reported_at_once():
    with pytest.raises(ConfigurationError) as caught:
        Settings.from_env()

    assert all(name in str(caught.value) for name in REQUIRED)


def test_a_missing_name_and_a_bad_number_are_reported_together_and_no_other_name():
    with pytest.raises(ConfigurationError) as caught:
        settings(REDIS_URL="", BATCH="many", LANES="0")

    assert all(name in str(caught.value) for name in ("REDIS_URL", "BATCH", "LANES"))
    assert "JWT_SECRET" not in str(caught.value)


@pytest.mark.parametrize("secret", ["", "x" * 31])
def test_a_short_secret_is_refused_and_not_repeated(secret):
    with pytest.raises(ConfigurationError, match="JWT_SECRET") as caught:
        settings(JWT_SECRET=secret)

    assert not secret or secret not in str(caught.value)


def test_a_secret_is_measured_in_bytes():
    assert settings(JWT_SECRET="ü" * 16).jwt_secret == "ü" * 16


@pytest.fixture
def secret_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that JWT_SECRET_FILE names; the other two variables are set."""
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.setenv(name, REQUIRED[name])
    path = tmp_path / "secret"
    monkeypatch.setenv("JWT_SECRET_FILE", str(path))
    return path


def test_any_value_may_come_from_a_file(secret_file):
    secret_file.write_text("from a file, thirty-two bytes or more")

    assert Settings.from_env().jwt_secret == "from a file, thirty-two bytes or more"


def test_the_line_break_that_ends_a_file_is_no_part_of_the_value(secret_file):
    secret_file.write_text("from a file, thirty-two bytes or more\n")

    assert Settings.from_env().jwt_secret == "from a file, thirty-two bytes or more"


def test_a_file_that_cannot_be_read_is_reported_by_name(secret_file):
    with pytest.raises(ConfigurationError, match="JWT_SECRET"):
        Settings.from_env()


def test_no_secret_is_in_what_may_be_printed():
    hidden = "hUnTeR2hUnTeR2hUnTeR2hUnTeR2hUnTeR2"
    address = f"redis://:{hidden}@host/0"
    secrets = {"JWT_SECRET": hidden, "JWT_SECRET_PREVIOUS": hidden, "JWT_SECRET_NEXT": hidden}
    stores = {"DATABASE_URL": f"postgresql://u:{hidden}@db/onsale", "REDIS_URL": address, "BROKER_URL": address}
    logins = {"API_DATABASE_URL": stores["DATABASE_URL"], "WORKER_DATABASE_URL": stores["DATABASE_URL"]}

    assert hidden not in repr(settings(**secrets, **stores))
    assert hidden not in repr(local_settings(**secrets, **stores, **logins, ADMIN_PASSWORD=hidden))


def test_units_are_those_of_the_names():
    read = settings(
        JWT_EXPIRY_MINUTES="2", BOOKING_EXPIRY_MINUTES="0.5", CORS_ORIGIN="https://a.example,https://b.example",
        CORS_HEADERS="traceparent, baggage",
    )  # fmt: skip

    assert (read.token_ttl_s, read.hold_ttl_s) == (120, 30.0)
    assert read.cors_origins == ("https://a.example", "https://b.example")
    assert read.cors_headers == ("traceparent", "baggage")


def test_a_hold_lasts_two_minutes_unless_told_otherwise():
    assert settings().hold_ttl_s == 120


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("JWT_EXPIRY_MINUTES", "0", "10081"),
        ("TRUSTED_PROXIES", "-1", "11"),
        ("REFRESH_EXPIRY_DAYS", "0", "366"),
        ("LOGINS_PER_ACCOUNT", "-1", "10001"),
        ("LOGINS_PER_ADDRESS", "-1", "10001"),
        ("RATE_LIMIT_PER_S", "-1", "100001"),
        ("RATE_LIMIT_BURST", "0", "1000001"),
        ("CHANGEOVER_MINUTES", "-1", "1441"),
        ("TOTAL_CAP", "0", None),
        ("INSTALLATION_NAME", "", "x" * 201),
        ("CURRENCY", "EURO", "eur"),
        ("TIME_ZONE", "Berlin", "../etc/passwd"),
        ("ONSALE_MODE", "debug", ""),
        ("CORS_ORIGIN", "https://*.example.com", "https://shop.example/"),
        ("CORS_ORIGIN", "null", "https://a.example|.*"),
        ("CORS_HEADERS", "trace.*", "*"),
        ("CORS_HEADERS", "a b", "x_trace,baggage"),
        ("CORS_HEADERS", "baggage,", "-a"),
        ("BOOKING_EXPIRY_MINUTES", "0", "1441"),
        ("LANES", "0", "1025"),
        ("LANE_CAP", "0", None),
        ("SHOW_SHARE", "0", "101"),
        ("UNDECIDED_PER_USER", "-1", "1000001"),
        ("BOOKINGS_PER_USER_HOUR", "-1", "1000001"),
        ("BATCH", "0", "5001"),
        ("LINGER_MS", "-1", "1001"),
        ("DRAIN_S", "0", "61"),
        ("LEASE_MS", "99", "60001"),
        ("STATUS_TTL_S", "0", None),
        ("PENDING_ALARM_S", "0", "86401"),
        ("FAIL_PENDING_AFTER_S", "-1", "604801"),
        ("WAIT_CAP_S", "-1", "61"),
        ("WAITERS", "-1", "1000001"),
        ("WORKER_METRICS_PORT", "-1", "65536"),
        ("LOG_LEVEL", "LOUD", "info"),
    ],
)
def test_what_is_out_of_range_is_refused_by_name(name, low, high):
    for value in filter(None, (low, high)):
        with pytest.raises(ConfigurationError, match=name):
            settings(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "65536"),
        ("WORKERS", "65"),
        ("API_PROCESSES", "0"),
        ("ONSALE_SERVERS", "docker"),
        ("FRESH", "perhaps"),
    ],
)
def test_what_onsale_up_cannot_use_is_refused_by_name(name, value):
    with pytest.raises(ConfigurationError, match=name):
        local_settings(**{name: value})


@pytest.mark.parametrize("name", ["JWT_SECRET_PREVIOUS", "JWT_SECRET_NEXT"])
def test_the_other_keys_may_be_missing_but_not_short(name):
    assert (settings().jwt_secret_previous, settings().jwt_secret_next) == ("", "")
    with pytest.raises(ConfigurationError, match=name):
        settings(**{name: "x" * 31})


def test_lanes_share_the_total_cap():
    assert settings().lane_cap == 20_000
    assert settings(LANES="100").lane_cap == 1_600
    assert settings(LANE_CAP="50").lane_cap == 50
    assert settings(TOTAL_CAP="1").lane_cap == 1


def test_a_show_may_fill_a_share_of_its_lane():
    assert settings().show_cap == 15_000
    assert settings(LANE_CAP="3").show_cap == 3
    assert settings(LANE_CAP="1", SHOW_SHARE="1").show_cap == 1
    assert settings(LANE_CAP="50", SHOW_SHARE="10").show_cap == 5


@pytest.mark.parametrize("name", ["DEBUG", "FLASK_DEBUG"])
def test_debug_is_on_unless_the_word_means_no(name):
    for value, on in (("1", True), ("true", True), ("app:*", True), ("", False), ("0", False), ("False", False)):
        assert settings(**{name: value}).debug is on


def test_onsale_up_needs_nothing():
    assert local_settings().port == 8000


@pytest.mark.parametrize(
    ("redis_url", "broker_url"),
    [
        ("redis://host:6379", "redis://host:6379/1"),
        ("redis://host:6379/3", "redis://host:6379/4"),
        ("rediss://u:p@host/0?ssl_cert_reqs=none", "rediss://u:p@host/1?ssl_cert_reqs=none"),
        ("unix:///run/r.sock?db=2", "unix:///run/r.sock?db=3"),
        ("unix:///run/r.sock", "unix:///run/r.sock?db=1"),
        ("redis://host:6379?db=3", "redis://host:6379?db=4"),
        ("redis://host:6379/7?db=3", "redis://host:6379/7?db=4"),
        ("rediss://u:p@host/7?db=0&ssl_cert_reqs=none", "rediss://u:p@host/7?ssl_cert_reqs=none&db=1"),
    ],
)
def test_the_broker_never_shares_the_database_of_the_lanes(redis_url, broker_url):
    assert other_database(redis_url) == broker_url
    assert settings(REDIS_URL=redis_url).broker_url == broker_url


@pytest.mark.parametrize(
    "redis_url",
    ["redis://h", "redis://h/3", "redis://h/3?db=5", "redis://h?db=5&x=1", "unix:///r.sock?db=2", "unix:///5"],
)
def test_a_database_is_read_as_redis_py_reads_it(redis_url):
    assert database_of(redis_url) == parse_url(redis_url).get("db", 0)


def test_a_given_broker_url_is_used_unchanged():
    assert settings(BROKER_URL="redis://broker:6379/0").broker_url == "redis://broker:6379/0"
