"""The Lua scripts, read once from db/kv/lua. A script is called by its hash, and loaded where Redis lacks it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import redis

_FOLDER = Path(__file__).parent / "lua"


@dataclass(frozen=True, slots=True)
class Script:
    """One script: its source, and the SHA-1 hash by which Redis knows it."""

    source: str
    sha: str

    def run(self, client: redis.Redis, keys: list[str], arguments: Sequence[str | int | bytes]) -> object:
        """Run the script; load it first if Redis does not have it. Raises redis-py's errors."""
        try:
            return client.evalsha(self.sha, len(keys), *keys, *arguments)
        except redis.exceptions.NoScriptError:
            client.script_load(self.source)
            return client.evalsha(self.sha, len(keys), *keys, *arguments)


def _read(name: str) -> Script:
    source = (_FOLDER / f"{name}.lua").read_text()
    return Script(source, hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest())


ACCEPT = _read("accept")
ATTEMPT = _read("attempt")
BEAT = _read("beat")
FINISH = _read("finish")
GIVE_BACK = _read("give_back")
PEEK = _read("peek")
PUT_IF_NEWER = _read("put_if_newer")
RELEASE = _read("release")
RESET_LANE = _read("reset_lane")
TAKE = _read("take")

_ALL = (ACCEPT, ATTEMPT, BEAT, FINISH, GIVE_BACK, PEEK, PUT_IF_NEWER, RELEASE, RESET_LANE, TAKE)
BY_SHA = {script.sha: script for script in _ALL}
