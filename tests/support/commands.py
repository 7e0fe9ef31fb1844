"""The command `onsale`, run in this process, and what it records of its acts."""

from __future__ import annotations

from click.testing import CliRunner, Result
from sqlalchemy import text

from db.postgres.engine import transaction
from ops.cli import main
from ops.rehearse.copies import Stores


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def acts(stores: Stores) -> list[tuple[str, str]]:
    """Return the action and subject of every act in the audit log, oldest first."""
    with transaction(stores.engine) as connection:
        rows = connection.execute(text("SELECT action, subject FROM audit_log ORDER BY id"))
        return [(row.action, row.subject) for row in rows]
