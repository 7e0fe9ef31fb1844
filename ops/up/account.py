"""The user that runs the servers: the caller, or for root a user without privileges.

Postgres refuses to run as root. Permissions are checked by trying as that user, never by reading mode bits: access
control lists, mount options and security modules count too.
"""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from core.errors import ConfigurationError

#: Users to run the servers as when root starts them; the first that exists is used.
CANDIDATES = ("postgres", "nobody")


class Identity(TypedDict, total=False):
    """The arguments of `subprocess.Popen` that make a child run as another user."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class Account:
    """A user of this machine. `server_account` never returns root (`uid` 0)."""

    name: str
    uid: int
    gid: int

    def identity(self) -> Identity:
        """Return the arguments that make a child run as this user; none if we are this user."""
        if self.uid == os.geteuid():
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def server_account(kept: Path | None = None) -> Account:
    """Return the user to run the servers as: the caller, or for root the owner of `kept`, postgres or nobody.

    Args:   kept: Postgres's existing data folder, if any.
    Raises: ConfigurationError: root calls, and none of these users exists.
    """
    if os.geteuid() != 0:
        return Account(_name(os.geteuid()), os.geteuid(), os.getegid())
    if kept is not None and kept.exists() and (owner := kept.stat()).st_uid != 0:
        return Account(_name(owner.st_uid), owner.st_uid, owner.st_gid)
    for name in CANDIDATES:
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, user.pw_uid, user.pw_gid)
    raise ConfigurationError(
        f"Postgres does not run as root, and there is no user {' or '.join(CANDIDATES)} to run it as. "
        "Start onsale as an ordinary user, or set DATABASE_URL."
    )


def can_enter(account: Account, folder: Path) -> bool:
    """Return whether the account can reach and enter the folder, by trying it as that user."""
    command = ["/bin/sh", "-c", 'test -x "$1"', "sh", str(folder)]
    return succeeds(account, command)


def succeeds(account: Account, command: list[str]) -> bool:
    """Return whether the command, run as the account, ends with exit code 0 within 20 seconds."""
    try:
        done = subprocess.run(
            command,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=20,
            check=False,
            **account.identity(),
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
