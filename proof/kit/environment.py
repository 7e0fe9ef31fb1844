"""The environment of proofs and tests: their settings, and what they pass on to processes that they start."""

from __future__ import annotations

import os
from unittest import mock

from core.settings import Settings

SECRET = "another secret for tests, long enough for HS256"


def offline_settings(**changes: str) -> Settings:
    """Return settings whose servers nobody listens at; `changes` are environment variables."""
    environment = {
        "DATABASE_URL": "postgresql+psycopg://nobody@127.0.0.1:1/nowhere",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "JWT_SECRET": SECRET,
        **changes,
    }
    with mock.patch.dict(os.environ, environment):
        return Settings.from_env()


def without_settings() -> dict[str, str]:
    """Return this process's environment without the variables that would make `onsale up` use other servers."""
    ours = ("DATABASE_URL", "REDIS_URL", "BROKER_URL", "WORKERS", "API_PROCESSES", "FRESH", "JWT_SECRET", "LANES")
    return {name: value for name, value in os.environ.items() if name not in ours}
