"""The step that makes the stores ready before api and workers start (bootstrap.py), with the settings' addresses.

`onsale up` runs it as a separate process (`python -m ops.migrate [--demo]`, which prints one line of JSON), so that
Ctrl-C works meanwhile; `onsale migrate` is the same step for compose.yaml.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

from core.addresses import with_driver
from core.errors import ConfigurationError, OnsaleError, WrongInstallation
from core.local_settings import LocalSettings
from db.guard import EXIT_CODE
from ops.bootstrap import BootstrapResult, bootstrap


def migrate(settings: LocalSettings, *, demo: bool) -> BootstrapResult:
    """Bootstrap the stores that the settings name; `demo`: load the demo catalogue if there are no movies.

    Raises: ConfigurationError: an address is missing, or as `bootstrap` raises it.
            SchemaError: the schema is newer than this program.   PostgresUnavailable, RedisUnavailable.
    Repeat: existing data are kept.
    """
    if not (settings.database_url and settings.redis_url):
        raise ConfigurationError("DATABASE_URL and REDIS_URL must be set for onsale migrate.")
    return bootstrap(
        with_driver(settings.database_url),
        settings.redis_url,
        lanes=settings.lanes,
        admin_email=settings.admin_email,
        admin_password=settings.admin_password,
        logins={
            "onsale_api": with_driver(settings.api_database_url),
            "onsale_worker": with_driver(settings.worker_database_url),
        },
        demo=demo,
    )


def main() -> int:
    """Migrate and print the result as JSON; return the exit code.

    On an error, print one line to standard error and return 2, or 78 if the stores belong to different installations.
    """
    try:
        result = migrate(LocalSettings.from_env(), demo="--demo" in sys.argv[1:])
    except OnsaleError as error:
        print(f"onsale: {error}", file=sys.stderr)
        return EXIT_CODE if isinstance(error, WrongInstallation) else 2
    print(json.dumps(asdict(result)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
