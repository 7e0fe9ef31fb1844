"""The step before api and workers start (prepare.py), run from the environment's addresses.

`onsale up` runs it as a process of its own (`python -m ops.migrate`, with --demo or without; one line of JSON
as its answer), so that a Ctrl-C is obeyed meanwhile; `onsale migrate` is the same step for compose.yaml.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

from core.addresses import with_driver
from core.errors import ConfigurationError, OnsaleError, WrongInstallation
from core.local_settings import LocalSettings
from db.guard import EXIT_CODE
from ops.prepare import Prepared, prepare


def apply(settings: LocalSettings, *, demo: bool) -> Prepared:
    """Do the step; `demo`: load the demo catalogue into an empty database. Repeat: what is there is kept.

    Raises: ConfigurationError: an address is missing, or as `prepare` raises it.
            SchemaError: the schema is newer than this program.   PostgresUnavailable, RedisUnavailable.
    """
    if not (settings.database_url and settings.redis_url):
        raise ConfigurationError("DATABASE_URL and REDIS_URL must be set for this step.")
    return prepare(
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
    """Do the step and print its answer. Returns the exit code: after one line about what is wrong 2, or 78 if the
    stores are not of one installation."""
    try:
        prepared = apply(LocalSettings.from_env(), demo="--demo" in sys.argv[1:])
    except OnsaleError as error:
        print(f"onsale: {error}", file=sys.stderr)
        return EXIT_CODE if isinstance(error, WrongInstallation) else 2
    print(json.dumps(asdict(prepared)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
