"""The home folder's own files: the secrets, and in `<home>/run` the lock and the records of what is running.

Only one `onsale up` runs per home; it holds a lock that the kernel releases however its holder ends. All files here
are readable by their owner only.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import ConfigurationError

#: Random bytes per secret. 48 bytes are 64 characters, more than HS256 can use.
SECRET_BYTES = 48


@dataclass(frozen=True, slots=True)
class Secrets:
    """The key that signs tokens, and the passwords of the api's and the workers' Postgres roles. Never print them."""

    jwt_secret: str = field(repr=False)
    api_password: str = field(repr=False)
    worker_password: str = field(repr=False)


SECRETS = ("jwt_secret", "api_password", "worker_password")


def run_folder(home: Path) -> Path:
    """Return the folder of the running `onsale up`'s records; make it if missing. Raises ConfigurationError."""
    folder = home / "run"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"The home {home} cannot be used: {error.strerror}. Choose another one.") from error
    return folder


def metrics_folder(home: Path) -> Path:
    """Make an empty folder for all processes' metrics: files of an earlier run would be counted again."""
    folder = run_folder(home) / "metrics"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    return folder


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """Hold the home's lock until the block ends. Raises ConfigurationError if another `onsale up` holds it."""
    lock = _open_lock(run_folder(home) / "lock")
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(lock, 20, 0).decode() or "unknown"
            raise ConfigurationError(
                f"onsale up already runs in {home} (pid {holder}). Stop it, or choose another --home and --port."
            ) from None
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        yield
    finally:
        # Keep the file: after a removal, two runs could lock two different files of this name.
        os.close(lock)


def is_locked(home: Path) -> bool:
    """Return whether an `onsale up` is running in this home."""
    path = home / "run" / "lock"
    if not path.exists():
        return False
    lock = _open_lock(path)
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def kept_secrets(home: Path) -> Secrets:
    """Return a home's secrets; generate and store those that are missing."""
    path = home / "secrets.json"
    try:
        kept = json.loads(path.read_text()) if path.exists() else {}
        missing = [name for name in SECRETS if name not in kept]
        kept |= {name: secrets.token_urlsafe(SECRET_BYTES) for name in missing}
        if missing:
            write_private(path, json.dumps(kept))
        return Secrets(**{name: str(kept[name]) for name in SECRETS})
    except (OSError, ValueError, TypeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from error


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read; replace it atomically."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    part.rename(path)


def _open_lock(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be opened: {error.strerror}. It may belong to another user."
        ) from error
