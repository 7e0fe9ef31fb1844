"""Processes that a killed `onsale up` left running: recorded while it runs, ended at the next start.

The kernel has already sent most of them their stop signal (process.py). The record has each process's id and creation
time, so that an unrelated process that has got the same id since is never touched.
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

#: Seconds that leftover servers have to shut down before they are killed. A kill loses nothing: all is on disk.
SERVERS_END_S = 5.0


def record(home: Path, groups: Iterable[ProcessGroup]) -> None:
    """Record the members of all running groups. Called whenever they change."""
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
    """End the recorded processes that are still running, and their descendants; return their process ids.

    Args: gently: names of the groups that get their stop signal and `SERVERS_END_S` seconds; others are killed at
    once. The caller holds the home's lock, so no recorded process belongs to a running `onsale up`. Repeat: nothing
    happens.
    """
    stopping: list[psutil.Process] = []
    killed: list[psutil.Process] = []
    for row in _rows(home):
        members = [Member(int(pid), float(created)) for pid, created in row["members"]]
        living = [process for member in members if (process := member.process())]
        family = living + [child for process in living for child in _children(process)]
        if row["name"] in gently:
            for process in living[:1]:
                with suppress(psutil.Error):
                    process.send_signal(signal.Signals(int(row["stop"])))
            stopping += family
        else:
            killed += family
    _kill(killed)
    _, stubborn = psutil.wait_procs(stopping, timeout=SERVERS_END_S)
    _kill(stubborn)
    psutil.wait_procs([*killed, *stubborn], timeout=SERVERS_END_S)
    return sorted({process.pid for process in [*stopping, *killed]})


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
        # psutil checks the creation time again before it sends the signal.
        with suppress(psutil.Error):
            process.kill()
