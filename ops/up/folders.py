"""Where the servers of one home keep their things: data and sockets.

Data lie in `<home>/data`. When root starts a home that the servers' user cannot reach (such as one below
/root), they lie in a system folder of their own. Parents are never opened for anybody: only folders
made here are given away.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from core.errors import ConfigurationError
from ops.up.account import Account, can_enter, server_account

#: For root only: what the servers' user cannot reach in its own place, data and programs (copies.py).
SYSTEM = Path("/var/lib/onsale")
#: Marks a data folder as made here. Only such a folder is ever emptied.
MARK = "made-by-onsale"
#: Everything that servers keep in a data folder; `.new` is one whose making was cut short.
KEPT = ("postgres", "postgres.new", "redis")


@dataclass(frozen=True, slots=True)
class Folders:
    """The folders of one home, existing, and the user who owns what the servers write."""

    data: Path
    sockets: Path
    account: Account

    def lend(self, name: str) -> Path:
        """A folder in the data folder that only the servers' user can open. Repeat: the same folder."""
        folder = self.data / name
        folder.mkdir(mode=0o700, exist_ok=True)
        _give(folder, self.account)
        return folder


def open_folders(home: Path) -> Folders:
    """Make or find the folders of a home, which must be an absolute path. Repeat: the same folders.

    Raises ConfigurationError if the data belong to somebody else, cannot be reached any more, or if the
    place of the sockets was taken by somebody else.
    """
    ours, system = home / "data", _system_data(home)
    kept = system if (system / MARK).exists() else ours
    account = server_account(kept / "postgres")
    _check_owner(kept, account)
    if kept == ours:
        home.mkdir(parents=True, exist_ok=True)
        _make_data(ours)
        if not can_enter(account, ours):
            if any((ours / name).exists() for name in KEPT):
                raise ConfigurationError(f"{ours} holds data, but the user {account.name} cannot reach it any more.")
            shutil.rmtree(ours)
            kept = system
            make_system(system.parent)
            _make_data(system)
    return Folders(kept, _sockets(home, account), account)


def empty(home: Path) -> None:
    """Delete the data of a home and its secrets, and nothing that was not made here. Repeat: nothing left."""
    for data in _data_folders(home):
        if (data / MARK).exists():
            for name in KEPT:
                if (data / name).exists():
                    shutil.rmtree(data / name)
    # The secrets sign tokens of users who are no more: the next ones would inherit them.
    (home / "secrets.json").unlink(missing_ok=True)


def remove(home: Path) -> None:
    """Empty a home and take its data and socket folders away too. The home itself stays."""
    empty(home)
    for data in _data_folders(home):
        if (data / MARK).exists():
            shutil.rmtree(data)
    for base in _socket_bases():
        if (folder := base / _short_name(home)).is_dir() and not folder.is_symlink():
            shutil.rmtree(folder, ignore_errors=True)


def clear_sockets(sockets: Path) -> None:
    """Unlink what killed servers left in their socket folder. The caller knows that none of them lives."""
    for left in sockets.iterdir():
        left.unlink()


def make_system(folder: Path) -> None:
    """Make a folder below SYSTEM that everybody can read. Only root calls this. Repeat: nothing happens."""
    for made in (SYSTEM, folder):
        made.mkdir(parents=True, exist_ok=True)
        if made.stat().st_uid != 0:
            raise ConfigurationError(f"{made} does not belong to root; it is not safe to use.")
        made.chmod(0o755)


def _make_data(data: Path) -> None:
    if not data.exists():
        data.mkdir(parents=True)
        # Others may pass, not look: the folders inside are closed to all but the servers' user.
        data.chmod(0o711)
        (data / MARK).touch()
    elif not (data / MARK).exists() and any(data.iterdir()):
        raise ConfigurationError(f"{data} exists but was not made by onsale. Choose another home.")
    else:
        (data / MARK).touch()


def _check_owner(data: Path, account: Account) -> None:
    for name in KEPT:
        folder = data / name
        if folder.exists() and folder.stat().st_uid not in (account.uid, os.geteuid()):
            raise ConfigurationError(
                f"{folder} was made by another user (uid {folder.stat().st_uid}). "
                "Start onsale as that user, or choose another home."
            )


def _sockets(home: Path, account: Account) -> Path:
    """A private folder with a short path: the path of a unix socket may have about 104 bytes.

    Where others may write (/tmp), somebody could have made it first: then it is refused, not used.
    """
    folder = next(base for base in _socket_bases() if os.access(base, os.W_OK)) / _short_name(home)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        about = folder.lstat()
        if not stat.S_ISDIR(about.st_mode) or about.st_uid not in (account.uid, os.geteuid()):
            raise ConfigurationError(
                f"{folder} belongs to somebody else: remove it, or choose another home."
            ) from None
    folder.chmod(0o700)
    _give(folder, account)
    return folder


def _socket_bases() -> list[Path]:
    bases = [Path("/run")] if os.geteuid() == 0 else []
    return [*(base for base in bases if base.is_dir()), Path("/tmp")]


def _data_folders(home: Path) -> list[Path]:
    return [home / "data", *([_system_data(home)] if os.geteuid() == 0 else [])]


def _system_data(home: Path) -> Path:
    return SYSTEM / "homes" / digest(str(home))


def _short_name(home: Path) -> str:
    return f"onsale-{digest(f'{os.geteuid()}:{home}')}"


def digest(text: str) -> str:
    """A short name for the text, the same at every start."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _give(folder: Path, account: Account) -> None:
    if folder.stat().st_uid != account.uid:
        os.chown(folder, account.uid, account.gid)
