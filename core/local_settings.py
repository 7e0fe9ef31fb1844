"""The settings of `onsale up` and of the commands that go with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from environs import validate

from core.settings import MODES, environment, lanes, seal


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalSettings:
    """What `onsale up` needs to start everything on one machine."""

    home: Path
    host: str
    port: int
    workers: int
    api_processes: int
    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    broker_url: str = field(repr=False)
    api_database_url: str = field(repr=False)
    worker_database_url: str = field(repr=False)
    mode: str
    jwt_secret: str = field(repr=False)
    admin_email: str
    admin_password: str = field(repr=False)
    log_json: bool
    lanes: int
    servers: str
    fresh: bool
    url: str
    load_test_tokens: bool

    @classmethod
    def from_env(cls) -> LocalSettings:
        """Read the environment. Raises ConfigurationError that names every invalid variable."""
        env = environment()
        values: dict[str, Any] = {
            "home": Path(env.str("ONSALE_HOME", ".onsale")),
            "host": env.str("HOST", "127.0.0.1"),
            "port": env.int("PORT", 8000, validate=validate.Range(0, 65_535)),
            "workers": env.int("WORKERS", 2, validate=validate.Range(0, 64)),
            "api_processes": env.int("API_PROCESSES", 2, validate=validate.Range(1, 64)),
            "database_url": env.str("DATABASE_URL", ""),
            "redis_url": env.str("REDIS_URL", ""),
            "broker_url": env.str("BROKER_URL", ""),
            # Roles with fewer rights; DATABASE_URL is then the owner's.
            "api_database_url": env.str("API_DATABASE_URL", ""),
            "worker_database_url": env.str("WORKER_DATABASE_URL", ""),
            "mode": env.str("ONSALE_MODE", "production", validate=validate.OneOf(MODES)),
            "jwt_secret": env.str("JWT_SECRET", ""),
            "admin_email": env.str("ADMIN_EMAIL", ""),
            "admin_password": env.str("ADMIN_PASSWORD", ""),
            "log_json": env.bool("LOG_JSON", False),
            "lanes": lanes(env),
            # Where the servers' programs come from: PATH only if requested.
            "servers": env.str("ONSALE_SERVERS", "wheels", validate=validate.OneOf(("wheels", "path"))),
            "fresh": env.bool("FRESH", False),
            # The api's address, for commands that call one not started by `onsale up`.
            "url": env.str("ONSALE_URL", "http://127.0.0.1:8000"),
            # Read by `onsale tokens` alone.
            "load_test_tokens": env.bool("LOAD_TEST_TOKENS", False),
        }
        seal(env)
        return cls(**values)
