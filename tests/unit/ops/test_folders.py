"""Folders of a home: private, the same at every start, and emptied only of what was made here."""

from __future__ import annotations

import os
import stat

import pytest

from core.errors import ConfigurationError
from ops.up import copies, folders, postgres
from ops.up.account import Account, server_account
from ops.up.binaries import Program

ME = Account("me", os.geteuid(), os.getegid())


@pytest.fixture
def home(tmp_path):
    made = tmp_path / "home"
    yield made
    folders.remove(made)


def test_the_socket_folder_is_private_short_and_the_same_at_every_start(home):
    first = folders.open_folders(home)
    again = folders.open_folders(home)

    about = first.sockets.stat()
    assert stat.S_IMODE(about.st_mode) == 0o700
    assert about.st_uid == first.account.uid
    assert len(str(first.sockets / ".s.PGSQL.5432.lock")) < 104
    assert again == first


def test_a_link_in_place_of_the_socket_folder_is_refused(home, monkeypatch, tmp_path):
    monkeypatch.setattr(folders, "_socket_bases", lambda: [tmp_path])
    (tmp_path / folders._short_name(home)).symlink_to(tmp_path)

    with pytest.raises(ConfigurationError, match="belongs to another user"):
        folders.open_folders(home)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_socket_folder_planted_by_another_user_is_refused(home, monkeypatch, tmp_path):
    monkeypatch.setattr(folders, "_socket_bases", lambda: [tmp_path])
    planted = tmp_path / folders._short_name(home)
    planted.mkdir()
    os.chown(planted, 12345, 12345)

    with pytest.raises(ConfigurationError, match="belongs to another user"):
        folders.open_folders(home)


def test_a_data_folder_that_was_not_made_here_is_neither_used_nor_emptied(home):
    precious = home / "data" / "postgres" / "precious"
    precious.parent.mkdir(parents=True)
    precious.touch()

    folders.empty(home)
    with pytest.raises(ConfigurationError, match="not made by onsale"):
        folders.open_folders(home)

    assert precious.exists()


def test_emptying_takes_the_data_and_the_secrets_and_nothing_else(home):
    kept = folders.open_folders(home)
    (kept.lend("redis") / "appendonly.aof").touch()
    (home / "secrets.json").touch()
    (home / "notes.txt").touch()

    folders.empty(home)
    folders.empty(home)

    assert not (kept.data / "redis").exists()
    assert not (home / "secrets.json").exists()
    assert (home / "notes.txt").exists()


def test_data_of_another_postgres_version_are_a_clear_error(home):
    kept = folders.open_folders(home)
    data = kept.lend("postgres")
    (data / "PG_VERSION").write_text("16\n")

    with pytest.raises(ConfigurationError, match="made by Postgres 16, but the program found is Postgres 18"):
        postgres.prepare(Program(home / "postgres", (18, 4), home), kept)


def test_root_never_runs_the_servers_itself():
    account = server_account()

    assert account.uid != 0
    assert os.geteuid() == 0 or account.uid == os.geteuid()


def test_a_program_out_of_reach_is_copied_once_and_readable_by_all(monkeypatch, tmp_path):
    monkeypatch.setattr(folders, "SYSTEM", tmp_path / "system")
    monkeypatch.setattr(copies, "SYSTEM", tmp_path / "system")
    monkeypatch.setattr(folders, "make_system", lambda folder: folder.mkdir(parents=True, exist_ok=True))
    monkeypatch.setattr(copies, "make_system", lambda folder: folder.mkdir(parents=True, exist_ok=True))
    original = tmp_path / "private" / "bin" / "server"
    original.parent.mkdir(parents=True)
    original.write_text("#!/bin/sh\necho 1.0\n")
    original.chmod(0o700)
    monkeypatch.setattr(copies, "_runs", lambda program, _account: program.path != original)
    program = Program(original, (1, 0), tmp_path / "private", (original.parent,))

    first = copies.reachable(program, ME)
    again = copies.reachable(program, ME)

    assert first == again
    assert first.path.read_text() == original.read_text()
    assert stat.S_IMODE(first.path.stat().st_mode) == 0o755
    assert stat.S_IMODE(original.stat().st_mode) == 0o700
    assert [path.name for path in first.path.parents[2].iterdir()] == [first.path.parents[1].name]


def test_a_server_from_path_that_is_out_of_reach_is_not_copied(monkeypatch, tmp_path):
    monkeypatch.setattr(copies, "_runs", lambda _program, _account: False)

    with pytest.raises(ConfigurationError, match="cannot reach"):
        copies.reachable(Program(tmp_path / "postgres", (15, 0), tmp_path), ME)
