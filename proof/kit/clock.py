"""Redis's clock, settable by tests: the scripts add the value of a key to the time that they read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest import mock

import redis

from db.kv import scripts

#: The key with the milliseconds by which the clock is ahead. Set it again after Redis was emptied.
AHEAD = "tests:ahead_ms"
_PRELUDE = f"""
local function clock()
  local time = redis.call('TIME')
  local ms = time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(redis.call('GET', '{AHEAD}') or '0')
  return {{math.floor(ms / 1000), ms % 1000 * 1000}}
end
"""
_NAMES = ("ACCEPT", "FINISH", "PEEK", "PUT_IF_NEWER")


@contextmanager
def settable() -> Iterator[None]:
    """Let this process's scripts read the time from the clock that `set_ahead` sets, until the block ends."""
    by_sha = dict(scripts.BY_SHA)
    patched: dict[str, Any] = {name: _with_clock(name) for name in _NAMES}
    with mock.patch.multiple(scripts, BY_SHA=by_sha, **patched):
        by_sha |= {script.sha: script for script in (getattr(scripts, name) for name in _NAMES)}
        yield


def set_ahead(client: redis.Redis, ms: int) -> None:
    """Set the clock `ms` milliseconds ahead of the machine's; behind it if negative."""
    client.set(AHEAD, ms)


def _with_clock(name: str) -> scripts.Script:
    script: scripts.Script = getattr(scripts, name)
    assert "redis.call('TIME')" in script.source
    source = _PRELUDE + script.source.replace("redis.call('TIME')", "clock()")
    return replace(script, source=source, sha=hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest())
