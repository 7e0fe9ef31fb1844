"""Full disks: a server's data folder is a file system in memory, which is shrunk to what it holds.

Where that cannot be mounted, the server's files are kept from growing (RLIMIT_FSIZE). The fault reports which it was.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from ops.up.account import Account
from ops.up.folders import open_folders
from proof.chaos.deployment import Deployment

#: Bytes left when the disk is "full", and its size otherwise. It takes memory only as it fills.
LEFT_BYTES, SIZE = 64 * 1024, "4g"
SERVERS = ("redis", "postgres")


def mount(data: Path, servers: tuple[str, ...]) -> list[Path]:
    """Move the servers' data folders to file systems in memory. Returns those that could be mounted.

    data: the home's data folder, prepared, with no server running in it. Does nothing unless we are root.
    """
    mounted = []
    for name in servers if os.geteuid() == 0 else ():
        folder, aside = data / name, data / f"{name}.aside"
        folder.rename(aside)
        folder.mkdir()
        if _run("mount", "-t", "tmpfs", "-o", f"size={SIZE}", "onsale-chaos", str(folder)):
            mounted.append(folder)
        # This also copies the folder's own owner and mode.
        _run("cp", "-a", f"{aside}/.", f"{folder}/")
        shutil.rmtree(aside)
    return mounted


def unmount(folders: list[Path]) -> None:
    """Unmount the file systems; their contents are lost. Safe to repeat."""
    for folder in folders:
        if os.path.ismount(folder):
            _run("umount", "-l", str(folder))


def full(name: str) -> Callable[[Deployment, random.Random], AbstractAsyncContextManager[str]]:
    """Return the fault that keeps a server's disk full while it lasts."""

    @asynccontextmanager
    async def harm(deployment: Deployment, draws: random.Random) -> AsyncIterator[str]:
        folder = open_folders(deployment.home).data / name
        if os.path.ismount(folder):
            used = shutil.disk_usage(folder).used
            done = _run("mount", "-o", f"remount,size={used + LEFT_BYTES}", str(folder))
            try:
                yield "its file system is full" if done else ""
            finally:
                _run("mount", "-o", f"remount,size={SIZE}", str(folder))
        else:
            async with _limited(deployment, name, folder) as words:
                yield words

    return harm


@asynccontextmanager
async def _limited(deployment: Deployment, name: str, folder: Path) -> AsyncIterator[str]:
    """Keep every file of the server from growing beyond the size of the one written last."""
    account, done = open_folders(deployment.home).account, asyncio.Event()
    newest = max((file for file in folder.rglob("*") if file.is_file()), key=lambda file: file.stat().st_mtime)
    most = max(newest.stat().st_size, LEFT_BYTES)

    async def keep() -> None:
        # A server that dies of it is restarted without the limit.
        while not done.is_set():
            await asyncio.to_thread(_limit, account, await deployment.family(name), str(most))
            await asyncio.sleep(0.2)

    limited = _limit(account, await deployment.family(name), str(most))
    keeper = asyncio.create_task(keep())
    try:
        yield f"no file above {most} bytes (RLIMIT_FSIZE)" if limited else ""
    finally:
        done.set()
        await keeper
        _limit(account, await deployment.family(name), "unlimited")


def _limit(account: Account, pids: list[int], most: str) -> bool:
    """Limit the file size of processes, as the user that runs them: even root may not always limit another user's."""
    commands = [["prlimit", f"--pid={pid}", f"--fsize={most}:"] for pid in pids]
    return sum(_run(*command, account=account) for command in commands) > 0


def _run(*command: str, account: Account | None = None) -> bool:
    identity = account.identity() if account else {}
    try:
        return subprocess.run(command, capture_output=True, check=False, cwd="/", **identity).returncode == 0
    except OSError:  # there is no such program
        return False
