"""Small process groups for tests of the supervisor."""

from __future__ import annotations

import sys
from pathlib import Path

from ops.up.process import Launch, Member

#: Code of a leader with one fork; both run until they are killed.
PAIR = """
import os, signal
if os.fork() == 0:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.pause()
"""


def launch(code: str, forks: int = 0, *, replaces: bool = False) -> Launch:
    command = (sys.executable, "-c", code)
    return Launch(name="pair", command=command, cwd=Path("/"), env={}, forks=forks, replaces=replaces)


def alive(member: Member) -> bool:
    return member.process() is not None
