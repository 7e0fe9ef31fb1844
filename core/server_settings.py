"""The settings of the api's server, read before any of its processes runs (api/__main__.py)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from environs import validate

from core.errors import ConfigurationError
from core.settings import LOG_LEVELS, api_threads, environment, leave_s, seal, trusted_proxies


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """Where the api listens, and the limits of its processes. Times have their unit in the name."""

    host: str
    port: int
    processes: int
    #: False: Flask answers everything, without the front (api/front.py).
    front: bool
    threads: int
    connections: int
    keep_alive_s: int
    leave_s: float
    log_json: bool
    log_level: str

    @classmethod
    def from_env(cls) -> ServerSettings:
        """Read the environment. Raises ConfigurationError that names every invalid variable."""
        env = environment()
        values: dict[str, Any] = {
            "host": env.str("HOST", "127.0.0.1"),
            "port": env.int("PORT", 8000, validate=validate.Range(0, 65_535)),
            "processes": env.int("API_PROCESSES", 2, validate=validate.Range(1, 64)),
            "front": env.bool("API_FRONT", True),
            "threads": api_threads(env),
            # A waiting or idle connection costs some 20 kB and a file descriptor.
            "connections": env.int("CONNECTIONS", 16_000, validate=validate.Range(64, 1_000_000)),
            # Longer than the 60 s for which common balancers keep an idle connection: the balancer must close it
            # first, or it may send a request into a connection that is just being closed.
            "keep_alive_s": env.int("KEEP_ALIVE_S", 75, validate=validate.Range(1, 3_600)),
            "trusted_proxies": trusted_proxies(env),
            "leave_s": leave_s(env),
            "log_json": env.bool("LOG_JSON", False),
            "log_level": env.str("LOG_LEVEL", "INFO", validate=validate.OneOf(LOG_LEVELS)),
        }
        seal(env)
        proxies = values.pop("trusted_proxies")
        if proxies and not values["front"]:
            raise ConfigurationError(
                "API_FRONT=false with TRUSTED_PROXIES: without the front, X_Forwarded_For, which a client may send, "
                "cannot be told from the proxy's X-Forwarded-For. Keep the front."
            )
        return cls(**values)
