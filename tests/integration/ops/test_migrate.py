"""`onsale migrate`: what it always creates, and that it loads the demo catalogue only on request."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine, text

from db.postgres.engine import transaction
from ops import migrate
from ops.cli import main


def run_migrate(*options: str) -> None:
    result = CliRunner().invoke(main, ["migrate", *options])
    assert result.exit_code == 0, result.output


def catalogue(engine: Engine) -> tuple[int, int, int]:
    """Return the number of movies, halls and shows."""
    with transaction(engine) as connection:
        counts = [
            connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one()  # noqa: S608
            for name in ("movies", "halls", "shows")
        ]
    return counts[0], counts[1], counts[2]


@pytest.mark.usefixtures("settings")
def test_migrate_creates_an_admin_and_loads_the_demo_only_on_request(engine: Engine) -> None:
    run_migrate()
    assert catalogue(engine) == (0, 0, 0)
    with transaction(engine) as connection:
        assert connection.execute(text("SELECT role FROM users")).scalars().all() == ["admin"]

    run_migrate("--demo")
    assert catalogue(engine) == (3, 3, 5)
    run_migrate("--demo")
    run_migrate()
    assert catalogue(engine) == (3, 3, 5)


@pytest.mark.usefixtures("settings")
def test_the_migration_of_onsale_up_loads_the_demo_only_on_request(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["schema"])
    assert migrate.main() == 0
    assert json.loads(capsys.readouterr().out)["demo_show_id"] is None
    assert catalogue(engine) == (0, 0, 0)

    monkeypatch.setattr("sys.argv", ["schema", "--demo"])
    assert migrate.main() == 0
    assert json.loads(capsys.readouterr().out)["demo_show_id"] is not None
