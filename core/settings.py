"""The settings that all processes share, and the functions that read the environment for them.

Each process builds one `Settings` in its start function and passes it down; nothing but `metrics_folder` is read at
import. All problems are reported at once, by variable name. Every variable may also be given as a file: `NAME_FILE`.
`.env.example` lists the same variables; a test compares the two.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from environs import EnvValidationError, FileAwareEnv, validate
from marshmallow import ValidationError

from core.addresses import other_database, with_driver
from core.catalogue_settings import catalogue
from core.errors import ConfigurationError
from core.token_settings import tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of the api, the workers and the scheduler. Times have their unit in the name.

    Addresses contain passwords: neither they nor the keys are in the repr, which may be logged.
    """

    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    broker_url: str = field(repr=False)
    mode: str
    debug: bool
    jwt_secret: str = field(repr=False)
    jwt_secret_previous: str = field(repr=False)
    jwt_secret_next: str = field(repr=False)
    token_ttl_s: int
    refresh_ttl_s: int
    admin_second_factor: str
    logins_per_account: int
    logins_per_address: int
    rate_limit_per_s: float
    rate_limit_burst: int
    cors_origins: tuple[str, ...]
    cors_headers: tuple[str, ...]
    trusted_proxies: int
    hold_ttl_s: float
    changeover_min: int
    shows_may_overlap: bool
    installation_name: str
    #: ISO 4217. All amounts are integers of its minor unit.
    currency: str
    #: IANA: where halls are that do not name their own.
    time_zone: str
    catalogue_cache_s: float
    lanes: int
    lane_cap: int
    show_cap: int
    undecided_per_user: int
    bookings_per_user_hour: int
    batch: int
    linger_ms: int
    drain_s: float
    lease_ms: int
    status_ttl_s: int
    wait_cap_s: float
    waiters: int
    streams: int
    streams_per_user: int
    heartbeat_s: float
    api_threads: int
    leave_s: float
    #: Of `onsale up`, which starts the api itself: how the api sets the number of workers. Empty: nobody to ask.
    supervisor_socket: str
    log_json: bool
    log_level: str
    worker_metrics_port: int
    pending_alarm_s: float
    fail_pending_after_s: float
    #: For tests alone: core/crash_points.py.
    crash: str

    @classmethod
    def from_env(cls) -> Settings:
        """Read the environment. Raises ConfigurationError that names every invalid variable."""
        env = environment()
        values = {
            **_servers(env),
            **tokens(env),
            **_request_limits(env),
            **_http(env),
            **catalogue(env),
            **_queue_limits(env),
            **_workers(env),
            **_process(env),
        }
        seal(env)
        return cls(**_derived(values))


def _servers(env: FileAwareEnv) -> dict[str, Any]:
    return {
        "database_url": env.str("DATABASE_URL", validate=validate.Length(min=1)),
        "redis_url": env.str("REDIS_URL", validate=validate.Length(min=1)),
        "broker_url": env.str("BROKER_URL", ""),
        "lanes": lanes(env),
        "status_ttl_s": env.int("STATUS_TTL_S", 3_600, validate=validate.Range(min=1)),
    }


def _request_limits(env: FileAwareEnv) -> dict[str, Any]:
    return {
        # Per minute; four times as many per hour. More per address than per account: an office shares one address.
        "logins_per_account": env.int("LOGINS_PER_ACCOUNT", 5, validate=validate.Range(0, 10_000)),
        "logins_per_address": env.int("LOGINS_PER_ADDRESS", 30, validate=validate.Range(0, 10_000)),
        # Far above what one buyer's page sends, yet a single user cannot keep an api busy.
        "rate_limit_per_s": env.float("RATE_LIMIT_PER_S", 50.0, validate=validate.Range(0, 100_000)),
        "rate_limit_burst": env.int("RATE_LIMIT_BURST", 500, validate=validate.Range(1, 1_000_000)),
    }


def _http(env: FileAwareEnv) -> dict[str, Any]:
    return {
        "cors_origins": env.list("CORS_ORIGIN", [], validate=_origins),
        "cors_headers": env.list("CORS_HEADERS", [], subcast=str.strip, validate=_header_names),
        "trusted_proxies": trusted_proxies(env),
        "wait_cap_s": env.float("WAIT_CAP_S", 20.0, validate=validate.Range(0, 60)),
        # A waiting client costs its connection and some 10 kB, but no thread.
        "waiters": env.int("WAITERS", 5_000, validate=validate.Range(0, 1_000_000)),
        "streams": env.int("STREAMS", 2_000, validate=validate.Range(0, 1_000_000)),
        "streams_per_user": env.int("STREAMS_PER_USER", 10, validate=validate.Range(1, 1_000_000)),
        "heartbeat_s": env.float("HEARTBEAT_S", 15.0, validate=validate.Range(0.01, 3_600)),
        "api_threads": api_threads(env),
        "leave_s": leave_s(env),
        "supervisor_socket": env.str("SUPERVISOR_SOCKET", ""),
    }


def _queue_limits(env: FileAwareEnv) -> dict[str, Any]:
    return {
        # 20,000 entries of about 500 bytes are 10 MB per lane, far below any maxmemory.
        "lane_cap": env.int("LANE_CAP", 20_000, validate=validate.Range(min=1)),
        "total_cap": env.int("TOTAL_CAP", 160_000, validate=validate.Range(min=1)),
        # Percent of the lane's cap; the rest is for other shows of the lane.
        "show_share": env.int("SHOW_SHARE", 75, validate=validate.Range(1, 100)),
        # Users who retry before their first answer arrives must not fill the queue.
        "undecided_per_user": env.int("UNDECIDED_PER_USER", 4, validate=validate.Range(0, 1_000_000)),
        # One every ten seconds, for hours: more than any buyer needs, and at most some 15 MB of rows a day.
        "bookings_per_user_hour": env.int("BOOKINGS_PER_USER_HOUR", 360, validate=validate.Range(0, 1_000_000)),
    }


def _workers(env: FileAwareEnv) -> dict[str, Any]:
    return {
        "batch": env.int("BATCH", 500, validate=validate.Range(1, 5_000)),
        # For each further busy lane of the worker: with four busy lanes 60 ms, with one none.
        "linger_ms": env.int("LINGER_MS", 20, validate=validate.Range(0, 1_000)),
        "drain_s": env.float("DRAIN_S", 3.0, validate=validate.Range(0.01, 60)),
        "lease_ms": env.int("LEASE_MS", 2_000, validate=validate.Range(100, 60_000)),
        # 0 is off: an accepted request gets seats if there are any, however late.
        "fail_pending_after_s": env.float("FAIL_PENDING_AFTER_S", 0.0, validate=validate.Range(0, 7 * 24 * 3600)),
    }


def _process(env: FileAwareEnv) -> dict[str, Any]:
    return {
        "mode": env.str("ONSALE_MODE", "production", validate=validate.OneOf(MODES)),
        "debug": _is_on(env.str("DEBUG", "")) or _is_on(env.str("FLASK_DEBUG", "")),
        "crash": env.str("ONSALE_CRASH", ""),
        "log_json": env.bool("LOG_JSON", False),
        "log_level": env.str("LOG_LEVEL", "INFO", validate=validate.OneOf(LOG_LEVELS)),
        # 0: metrics go through PROMETHEUS_MULTIPROC_DIR to the api's /metrics (one machine).
        "worker_metrics_port": env.int("WORKER_METRICS_PORT", 0, validate=validate.Range(0, 65_535)),
        # Ten times the delay of a killed drain: operations that wait longer need a person.
        "pending_alarm_s": env.float("PENDING_ALARM_S", 30.0, validate=validate.Range(1, 24 * 3600)),
    }


def _derived(read: dict[str, Any]) -> dict[str, Any]:
    """Convert valid values to the fields of Settings: units, defaults and shares that depend on other values."""
    values = dict(read)
    values["database_url"] = with_driver(values["database_url"])
    values["broker_url"] = values["broker_url"] or other_database(values["redis_url"])
    # An equal share for each lane, so that all lanes together keep to the total without a common count.
    values["lane_cap"] = max(1, min(values["lane_cap"], values.pop("total_cap") // values["lanes"]))
    values["show_cap"] = max(1, -(-values["lane_cap"] * values.pop("show_share") // 100))
    values["token_ttl_s"] *= 60
    values["refresh_ttl_s"] *= 24 * 3600
    values["hold_ttl_s"] *= 60
    values |= {name: tuple(values[name]) for name in ("cors_origins", "cors_headers")}
    return values


LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
#: local: unsafe settings (core/safety.py) are accepted. `onsale up` sets it when it starts the servers itself.
MODES = ("production", "local")
#: An origin as a browser sends it. It is compared literally, so wildcards are not allowed.
ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?")
#: Letters, digits and hyphens. RFC 9110 allows more, which no tracing header needs.
HEADER_NAME = re.compile(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*", re.ASCII)


def lanes(env: FileAwareEnv) -> int:
    """Read LANES. It is fixed at the first start and kept in Postgres; a different value later is refused."""
    return env.int("LANES", 8, validate=validate.Range(1, 1024))


def api_threads(env: FileAwareEnv) -> int:
    """Read API_THREADS, for each process of the api and for its server."""
    return env.int("API_THREADS", 16, validate=validate.Range(2, 1_000))


def leave_s(env: FileAwareEnv) -> float:
    """Read LEAVE_S: how long a leaving process still serves, until load balancers have noticed that /readyz fails."""
    return env.float("LEAVE_S", 0.0, validate=validate.Range(0, 300))


def trusted_proxies(env: FileAwareEnv) -> int:
    """Read TRUSTED_PROXIES."""
    return env.int("TRUSTED_PROXIES", 0, validate=validate.Range(0, 10))


class _Environment(FileAwareEnv):
    """Reports an unreadable NAME_FILE like an invalid value, together with all others."""

    def _get_value(self, env_key: str, default: Any) -> Any:
        try:
            return super()._get_value(env_key, default)
        except ValueError as error:
            raise ConfigurationError(str(error)) from error


def metrics_folder() -> Path | None:
    """Return the folder through which the processes of one machine share their metrics; None if they do not.

    Not in Settings: prometheus_client needs it when metrics are defined, at import, and reads it by itself.
    """
    env = environment()
    folder: str = env.str("PROMETHEUS_MULTIPROC_DIR", "")
    seal(env)
    return Path(folder) if folder else None


def environment() -> FileAwareEnv:
    """Return a reader of the environment. It collects problems; `seal` raises them all."""
    return _Environment(eager=False, strip_whitespace=True)


def _origins(origins: list[str]) -> None:
    wrong = [origin for origin in origins if origin != "*" and not ORIGIN.fullmatch(origin)]
    if wrong:
        raise ValidationError(f"Not an origin, such as https://shop.example: {', '.join(wrong)}.")


def _header_names(names: list[str]) -> None:
    wrong = [name for name in names if not HEADER_NAME.fullmatch(name)]
    if wrong:
        raise ValidationError(f"Not a header name, such as traceparent: {', '.join(wrong)}.")


def _is_on(switch: str) -> bool:
    return switch.lower() not in ("", "0", "false", "no", "off")


def seal(env: FileAwareEnv) -> None:
    """Raise ConfigurationError that names every invalid variable, if there is one."""
    try:
        env.seal()
    except EnvValidationError as error:
        messages = dict(error.error_messages)  # type: ignore[arg-type]  # a mapping, unless eager
        problems = "; ".join(f"{name}: {' '.join(texts)}" for name, texts in messages.items())
        raise ConfigurationError(problems) from error
