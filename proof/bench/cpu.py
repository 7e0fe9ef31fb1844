"""CPU seconds of whole process trees: the cost of a design, including all of its processes."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

import psutil


def tree_s(pid: int) -> float:
    """Return the CPU seconds that a process and its descendants have used so far; 0 if it is gone.

    Descendants that have ended count once their parent has reaped them.
    """
    total = 0.0
    with suppress(psutil.Error):
        root = psutil.Process(pid)
        for process in [root, *root.children(recursive=True)]:
            with suppress(psutil.Error):
                total += sum(process.cpu_times()[:4])
    return total


def used_s(groups: Mapping[str, int]) -> dict[str, float]:
    """Return the CPU seconds used so far, per kind of process: `worker-1` and `worker-2` are both `worker`."""
    found: dict[str, float] = {}
    for name, pid in groups.items():
        kind = name.partition("-")[0]
        found[kind] = found.get(kind, 0.0) + tree_s(pid)
    return found


def since(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """Return the CPU seconds used between two calls of `used_s`, per kind of process."""
    return {kind: max(0.0, seconds - before.get(kind, 0.0)) for kind, seconds in after.items()}
