"""Servers with a data folder that is copied: initdb takes a second of a core, and a copy a tenth of that.

The folder is made once per pytest process, by the same code that makes it for a home (ops/up/postgres.py).
"""

from __future__ import annotations

import shutil
import subprocess
from functools import partial
from pathlib import Path
from tempfile import mkdtemp

from ops.up.folders import Folders, open_folders, remove
from ops.up.servers import postgres_server
from proof.kit import servers

_made: list[tuple[Path, Path]] = []


def plant(folders: Folders) -> None:
    """Put a data folder of Postgres where there is none; it belongs to whom the original belongs."""
    if not _made:
        home = Path(mkdtemp(prefix="onsale-seed-"))
        _made.append((home, open_folders(home).data / "postgres"))
        postgres_server(open_folders(home), "wheels")
    subprocess.run(["cp", "-a", str(_made[0][1]), str(folders.data / "postgres")], check=True)


def plant_home(home: Path) -> None:
    """Give a home that nobody has used its data folder, before `onsale up` does."""
    plant(open_folders(home.resolve()))


def forget() -> None:
    """Remove the folder that was copied."""
    while _made:
        home, _ = _made.pop()
        remove(home)
        shutil.rmtree(home)


#: As of the kit, with a copied data folder.
start_servers = partial(servers.start_servers, plant=plant)
