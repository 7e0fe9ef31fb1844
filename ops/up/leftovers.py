"""What an `up` that was itself killed left running: recorded while it runs, ended at the next start.

The kernel already asked most of it to end (process.py). A record holds the number of each process and the
time of its creation: a stranger who got the number since is never touched.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from ops.up.home import run_folder, write_private
from ops.up.process import Member, ProcessGroup

#: Servers are asked to end in good order for this long, then killed: what they promised is on disk.
SERVERS_END_S = 5.0


def record(home: Path, groups: Iterable[ProcessGroup]) -> None:
    """Write down the members of all running groups. Called whenever they change."""
    rows = [
        {
            "name": group.launch.name,
            "stop": int(group.launch.stop_signal),
            "members": [[member.pid, member.created] for member in group.members],
        }
        for group in groups
    ]
    write_private(run_folder(home) / "processes.json", json.dumps(rows))


def end_leftovers(home: Path, *, gently: frozenset[str]) -> list[int]:
    """End what is recorded and still lives, and its descendants. Returns the process ids it ended.

    Args: gently: names of groups that are asked first and get `SERVERS_END_S` seconds; others are killed.
    The caller holds the home's lock, so nothing recorded belongs to a living `up`. Repeat: nothing is left.
    """
    asked: list[psutil.Process] = []
    killed: list[psutil.Process] = []
    for row in _rows(home):
        members = [Member(int(pid), float(created)) for pid, created in row["members"]]
        living = [process for member in members if (process := member.process())]
        family = living + [child for process in living for child in _children(process)]
        if row["name"] in gently:
            for process in living[:1]:
                with suppress(psutil.Error):
                    process.send_signal(signal.Signals(int(row["stop"])))
            asked += family
        else:
            killed += family
    _kill(killed)
    _, stubborn = psutil.wait_procs(asked, timeout=SERVERS_END_S)
    _kill(stubborn)
    psutil.wait_procs([*killed, *stubborn], timeout=SERVERS_END_S)
    return sorted({process.pid for process in [*asked, *killed]})


def _rows(home: Path) -> list[dict[str, Any]]:
    try:
        rows = json.loads((home / "run" / "processes.json").read_text())
    except (OSError, ValueError):
        return []
    return rows if isinstance(rows, list) else []


def _children(process: psutil.Process) -> list[psutil.Process]:
    with suppress(psutil.Error):
        return process.children(recursive=True)
    return []


def _kill(processes: Iterable[psutil.Process]) -> None:
    for process in processes:
        # psutil looks at the time of creation again before it sends the signal.
        with suppress(psutil.Error):
            process.kill()
