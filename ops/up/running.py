"""Finds the running system: the addresses and the key that `onsale rush`, `verify`, `status` and others need.

`onsale up` writes them to `<home>/run/state.json`; if none is running, they are read from the environment.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from core.addresses import other_database, with_driver
from core.errors import ConfigurationError
from core.local_settings import LocalSettings
from ops.up.home import is_locked, run_folder, write_private


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningSystem:
    """The addresses of a running system, and the key that signs its tokens. Never print `jwt_secret`.

    `database_url` is the owner's; the api and the workers have separate ones, with fewer rights.
    """

    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    broker_url: str = field(repr=False)
    jwt_secret: str = field(repr=False)
    base_url: str
    api_database_url: str = field(default="", repr=False)
    worker_database_url: str = field(default="", repr=False)
    #: The processes' ONSALE_MODE.
    mode: str = "production"


def find_running(home: Path | None = None) -> RunningSystem:
    """Return the system that `onsale up` runs in this home (None: ONSALE_HOME), else the environment's.

    Raises ConfigurationError if there is neither, or `onsale up` is still starting.
    """
    settings = LocalSettings.from_env()
    home = (settings.home if home is None else home).resolve()
    path = home / "run" / "state.json"
    if is_locked(home):
        try:
            return RunningSystem(**json.loads(path.read_text()))
        except FileNotFoundError:
            raise ConfigurationError(f"The onsale up of {home} is still starting.") from None
        except (OSError, ValueError, TypeError) as error:
            raise ConfigurationError(f"{path} cannot be read: {error}") from error
    given = {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "JWT_SECRET": settings.jwt_secret,
    }
    if missing := [name for name, value in given.items() if not value]:
        raise ConfigurationError(
            f"No onsale up runs in {home}. Start one, name its --home, or set DATABASE_URL, REDIS_URL, JWT_SECRET "
            f"and ONSALE_URL of a system elsewhere (missing: {', '.join(missing)})."
        )
    return RunningSystem(
        database_url=with_driver(settings.database_url),
        redis_url=settings.redis_url,
        broker_url=settings.broker_url or other_database(settings.redis_url),
        jwt_secret=settings.jwt_secret,
        base_url=settings.url.rstrip("/"),
        mode=settings.mode,
    )


def write_state(home: Path, state: RunningSystem) -> None:
    """Record where this home's system is, for `find_running`. Only its `onsale up` calls this."""
    write_private(run_folder(home) / "state.json", json.dumps(asdict(state)))


def remove_state(home: Path) -> None:
    """Delete the record. Repeat: nothing happens."""
    (home / "run" / "state.json").unlink(missing_ok=True)
