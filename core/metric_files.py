"""Share metrics between the processes of one machine, in files of the folder PROMETHEUS_MULTIPROC_DIR.

prometheus_client names these files after process ids and never removes them. Here each process claims the first free
*slot* and names its files after it. The kernel frees the slot when the process ends, however it ends; the next one
claims it, opens its files and continues their counts. So there are never more files than for the most processes that
ran at one time, counters never go backwards, nothing has to be merged or removed, and reused process ids do no harm.
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
    """The slot of the running process; a forked child claims a separate one.

    It is held by a POSIX record lock, which belongs to the process and not to the open file: a child neither inherits
    its parent's lock nor releases it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._locks: int | None = None
        self._pid = 0
        self._name = ""

    def name(self) -> str:
        """Return this process's slot, such as "slot-0"; claim one if it has none. Raises OSError from the folder."""
        if os.getpid() != self._pid:
            self._claim()
        return self._name

    def _claim(self) -> None:
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
    """Have metrics that are defined from now on count in the files of a slot, if a folder is configured.

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
    """Return a registry with the counts of all processes; None without a folder: each has only its own counts."""
    folder = metrics_folder()
    if folder is None or not folder.is_dir():
        return None
    registry = CollectorRegistry()
    _Gathered(registry, str(folder))  # type: ignore[no-untyped-call]
    return registry


class _Gathered(MultiProcessCollector):
    """Skips unreadable files, on which the library's collector fails, so that the other counts are still scraped."""

    def collect(self) -> Iterable[Metric]:
        """Called by the registry."""
        files = [str(path) for path in Path(self._path).glob("*.db") if is_whole(path)]
        merged: Iterable[Metric] = self.merge(files)  # type: ignore[no-untyped-call]
        return merged


def is_whole(path: Path) -> bool:
    """Return whether a file can be read to its end. New files are empty, and stay so if their creator is killed."""
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
