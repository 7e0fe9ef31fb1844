"""The folders of one home's servers: data and sockets.

Data are in `<home>/data`. If root starts a home that the servers' user cannot reach (such as one below /root), they
are in a separate system folder. Permissions of parent folders are never changed: only folders made here get another
owner.
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

#: For root only: data, and copies of programs (copies.py), whose usual place the servers' user cannot reach.
SYSTEM = Path("/var/lib/onsale")
#: A file that marks a data folder as made here. Only such a folder is ever emptied.
MARK = "made-by-onsale"
#: The servers' folders in a data folder; `.new` is one that initdb has not finished.
KEPT = ("postgres", "postgres.new", "redis")


@dataclass(frozen=True, slots=True)
class Folders:
    """The folders of one home, which exist, and the user that owns what the servers write."""

    data: Path
    sockets: Path
    account: Account

    def lend(self, name: str) -> Path:
        """Make and return a folder in the data folder that only the servers' user can open. Repeat: no change."""
        folder = self.data / name
        folder.mkdir(mode=0o700, exist_ok=True)
        _give(folder, self.account)
        return folder


def open_folders(home: Path) -> Folders:
    """Make or find the folders of a home, which must be an absolute path. Repeat: the same folders.

    Raises ConfigurationError if the data belong to another user or can no longer be reached, or if the socket folder
    belongs to another user.
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
                raise ConfigurationError(f"{ours} has data, but the user {account.name} can no longer reach it.")
            shutil.rmtree(ours)
            kept = system
            make_system(system.parent)
            _make_data(system)
    return Folders(kept, _sockets(home, account), account)


def empty(home: Path) -> None:
    """Delete a home's data and secrets, but nothing that was not made here. Repeat: nothing happens."""
    for data in _data_folders(home):
        if (data / MARK).exists():
            for name in KEPT:
                if (data / name).exists():
                    shutil.rmtree(data / name)
    # With the old secret, tokens of the deleted users would stay valid.
    (home / "secrets.json").unlink(missing_ok=True)


def remove(home: Path) -> None:
    """Empty a home and delete its data and socket folders too. The home itself stays."""
    empty(home)
    for data in _data_folders(home):
        if (data / MARK).exists():
            shutil.rmtree(data)
    for base in _socket_bases():
        if (folder := base / _short_name(home)).is_dir() and not folder.is_symlink():
            shutil.rmtree(folder, ignore_errors=True)


def clear_sockets(sockets: Path) -> None:
    """Unlink what killed servers left in their socket folder. The caller makes sure that none is running."""
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
        # Others may traverse it, but not list it; only the servers' user can open the folders inside.
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
    """Make a private folder with a short path: the path of a unix socket is limited to about 104 bytes.

    In a folder where others may write (/tmp), another user could have made it first: then refuse it.
    """
    folder = next(base for base in _socket_bases() if os.access(base, os.W_OK)) / _short_name(home)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        about = folder.lstat()
        if not stat.S_ISDIR(about.st_mode) or about.st_uid not in (account.uid, os.geteuid()):
            raise ConfigurationError(
                f"{folder} belongs to another user: remove it, or choose another home."
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
    """Return a short name for the text, the same at every start."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _give(folder: Path, account: Account) -> None:
    if folder.stat().st_uid != account.uid:
        os.chown(folder, account.uid, account.gid)
