"""Copies of the servers' programs, for when the user that runs them cannot reach the originals.

If root's virtual environment is below a private folder such as /root, that user cannot execute the programs in it.
One copy is then made where everybody can read it; the permissions of the original's folders stay unchanged.
"""

from __future__ import annotations

import shutil
import stat
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp

from core.errors import ConfigurationError
from ops.up.account import Account, succeeds
from ops.up.binaries import Program
from ops.up.folders import SYSTEM, digest, make_system


def reachable(program: Program, account: Account) -> Program:
    """Return the program, or a copy of it if the account cannot run it. Repeat: the same copy.

    Raises ConfigurationError if the program is from PATH (those are never copied), or the copy does not run.
    """
    if _runs(program, account):
        return program
    if not program.parts:
        raise ConfigurationError(f"The user {account.name} cannot reach {program.path}, which it must run.")
    about = program.path.stat()
    version = ".".join(map(str, program.version))
    origin = digest(f"{program.path}:{about.st_size}:{about.st_mtime_ns}")
    target = SYSTEM / "programs" / f"{program.path.name}-{version}-{origin}"
    copied = replace(program, path=target / program.path.relative_to(program.base))
    if not target.exists():
        make_system(target.parent)
        _copy(program, target)
    if not _runs(copied, account):
        raise ConfigurationError(
            f"The user {account.name} can run neither {program.path} nor its copy {copied.path}. "
            "Start onsale as an ordinary user, or set DATABASE_URL and REDIS_URL."
        )
    return copied


def _runs(program: Program, account: Account) -> bool:
    paths = [program.path, *(program.beside(name) for name in program.companions)]
    return all(succeeds(account, [str(path), "--version"]) for path in paths)


def _copy(program: Program, target: Path) -> None:
    """Copy to a temporary folder and rename it, so that an interrupted copy is never used."""
    aside = Path(mkdtemp(prefix=target.name, suffix=".new", dir=target.parent))
    for part in program.parts:
        place = aside / part.relative_to(program.base)
        place.parent.mkdir(parents=True, exist_ok=True)
        if part.is_dir():
            shutil.copytree(part, place, symlinks=True)
        else:
            shutil.copy2(part, place)
    for path in (aside, *aside.rglob("*")):
        if not path.is_symlink():
            runs = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
            path.chmod(0o755 if runs else 0o644)
    try:
        aside.rename(target)
    except OSError:
        # Another process has finished its copy first.
        shutil.rmtree(aside)
