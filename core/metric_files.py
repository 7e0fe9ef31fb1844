"""Share metrics between the processes of one machine, in files of the folder PROMETHEUS_MULTIPROC_DIR.

prometheus_client names these files after process ids and never removes them. Here each process takes the first free
*slot* and names its files after it. The kernel frees the slot when the process ends, however it ends; the next one
takes it, opens its files and continues their counts. So the number of files is bounded by the most processes that ran
at one time, counters never go backwards, nothing has to be merged or removed, and reused process ids do no harm.
"""

from __future__ import annotations

import fcntl
import itertools
import os
import struct
from collections.abc import Iterable
from pathlib import Path

from prometheus_client import CollectorRegistry, values
from prometheus_client.metrics_core import Metric
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector

from core import logs
from core.settings import metrics_folder

#: Byte n of this file is locked by the process that has slot n.
LOCKS = "slots.lock"

log = logs.logger(__name__)
_slot: Slot | None = None


class Slot:
    """The slot of the running process; a forked child takes one of its own.

    It is held by a POSIX record lock. That belongs to the process, not to the open file, so a child neither inherits
    its parent's lock nor releases it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._locks: int | None = None
        self._pid = 0
        self._name = ""

    def name(self) -> str:
        """Return this process's slot, such as "slot-0"; take one if it has none. Raises OSError from the folder."""
        if os.getpid() != self._pid:
            self._take()
        return self._name

    def _take(self) -> None:
        if self._locks is None:
            # Open it once and never close it: closing any descriptor of a file releases the process's locks on it.
            self._locks = os.open(self._folder / LOCKS, os.O_RDWR | os.O_CREAT, 0o600)
        number = next(number for number in itertools.count() if _lock(self._locks, number))
        self._pid, self._name = os.getpid(), f"slot-{number}"
        for path in self._folder.glob(f"*_{self._name}.db"):
            if not is_whole(path):
                log.error("metrics_file_removed", file=path.name)
                path.unlink()


def share() -> None:
    """Make metrics that are defined from now on count in the files of a slot, if there is a folder for them.

    Repeat: nothing happens. Raises OSError if the folder cannot be used.
    """
    global _slot
    folder = metrics_folder()
    if folder is None:
        # If the variable is set but empty, the library would put its files into the working folder.
        values.ValueClass = values.MutexValue
    elif _slot is None:
        _slot = Slot(folder)
        values.ValueClass = values.MultiProcessValue(_slot.name)  # type: ignore[no-untyped-call]


def gathered() -> CollectorRegistry | None:
    """Return a registry of what all processes have counted; None without a folder: each knows only its own counts."""
    folder = metrics_folder()
    if folder is None or not folder.is_dir():
        return None
    registry = CollectorRegistry()
    _Gathered(registry, str(folder))  # type: ignore[no-untyped-call]
    return registry


class _Gathered(MultiProcessCollector):
    """Leave out unreadable files, on which the library's collector fails: all other counts are worth a scrape."""

    def collect(self) -> Iterable[Metric]:
        """Called by the registry."""
        files = [str(path) for path in Path(self._path).glob("*.db") if is_whole(path)]
        merged: Iterable[Metric] = self.merge(files)  # type: ignore[no-untyped-call]
        return merged


def is_whole(path: Path) -> bool:
    """Return whether a file can be read to its end. New files are empty, and stay so if their maker is killed."""
    try:
        for _ in MmapedDict.read_all_values_from_file(str(path)):  # type: ignore[no-untyped-call]
            pass
    except (OSError, struct.error, RuntimeError, ValueError):
        return False
    return True


def _lock(file: int, number: int) -> bool:
    """Lock one byte of a file; return False if another process has locked it."""
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, number)
    except (BlockingIOError, PermissionError):  # POSIX allows either
        return False
    return True
