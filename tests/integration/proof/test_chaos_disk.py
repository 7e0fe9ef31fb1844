"""Chaos fills a disk: the server stops accepting writes, and keeps what it has acknowledged."""

from __future__ import annotations

import asyncio
import os
import random
from pathlib import Path
from types import SimpleNamespace

import pytest
import redis

from ops.up.folders import open_folders
from proof.chaos import disk
from proof.kit.servers import Servers
from tests.support.seeded import start_servers

#: Keys, and bytes of each: more than the space that is left holds.
MANY, BYTES = 200, 4_000


def fill(servers: Servers) -> list[int]:
    """Write keys until one is refused; return those that were acknowledged."""
    client = redis.Redis.from_url(servers.redis_url(), retry=None)
    kept = []
    try:
        for number in range(MANY):
            client.set(f"key {number}", "x" * BYTES)
            kept.append(number)
    except redis.RedisError:
        pass
    finally:
        client.close()
    return kept


def full_then_healed(servers: Servers) -> tuple[str, list[int]]:
    async def family(_name: str) -> list[int]:
        return [servers.redis.pid]

    async def run() -> tuple[str, list[int]]:
        deployment = SimpleNamespace(home=servers.home, family=family)
        async with disk.full("redis")(deployment, random.Random(1)) as words:  # type: ignore[arg-type]
            return words, await asyncio.to_thread(fill, servers)

    return asyncio.run(run())


def survives(servers: Servers) -> str:
    """Fill the disk, heal it, start the server again: what was acknowledged is there, and writes succeed."""
    words, kept = full_then_healed(servers)
    servers.redis.kill()
    servers.redis.start()
    client = redis.Redis.from_url(servers.redis_url())
    assert 0 < len(kept) < MANY
    assert all(client.strlen(f"key {number}") == BYTES for number in kept)
    assert client.set("after", "x" * BYTES * 30)
    client.close()
    return words


def test_files_that_may_not_grow(tmp_path: Path) -> None:
    with start_servers(tmp_path / "home") as servers:
        assert "RLIMIT_FSIZE" in survives(servers)


def test_a_file_system_that_is_full(tmp_path: Path) -> None:
    with start_servers(tmp_path / "home") as servers:
        servers.redis.stop()
        mounted = disk.mount(open_folders(servers.home).data, ("redis",))
        try:
            if not mounted:
                pytest.skip(f"uid {os.geteuid()} cannot mount a file system here")
            servers.redis.start()
            assert "file system is full" in survives(servers)
        finally:
            servers.redis.stop()
            disk.unmount(mounted)
