"""A description of the machine: ratios can be compared between machines, rates cannot."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import psutil

from core.local_settings import LocalSettings
from ops.up.binaries import find_postgres, find_valkey


def describe() -> dict[str, Any]:
    """Return processor, memory, system, load, and the versions of Python and the servers."""
    servers = LocalSettings.from_env().servers
    return {
        "processor": _processor(),
        "cores": len(psutil.Process().cpu_affinity() or []),
        "memory_gb": round(psutil.virtual_memory().total / 2**30),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "postgres": ".".join(map(str, find_postgres(servers).version)),
        "valkey": ".".join(map(str, find_valkey(servers).version)),
        "load_before": round(psutil.getloadavg()[0], 2),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
