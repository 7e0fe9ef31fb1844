"""A full disk: the data folder of a server is a small file system of its own in memory that is made smaller still.

Where that cannot be mounted, the server's files may not grow (RLIMIT_FSIZE). The words of the fault say which.
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
from proof.chaos.scene import Scene

#: Bytes that are left when the disk is "full"; and how large it is otherwise. Memory is used only as it fills.
LEFT_BYTES, SIZE = 64 * 1024, "4g"
SERVERS = ("redis", "postgres")


def mount(data: Path, servers: tuple[str, ...]) -> list[Path]:
    """Give the data folders of servers file systems of their own, with what is in them. Returns those it could.

    `data`: the home's data folder, prepared, no server running in it. Only root can; otherwise nothing happens.
    """
    mounted = []
    for name in servers if os.geteuid() == 0 else ():
        folder, aside = data / name, data / f"{name}.aside"
        folder.rename(aside)
        folder.mkdir()
        if _run("mount", "-t", "tmpfs", "-o", f"size={SIZE}", "onsale-chaos", str(folder)):
            mounted.append(folder)
        # The folder's own owner and mode come along.
        _run("cp", "-a", f"{aside}/.", f"{folder}/")
        shutil.rmtree(aside)
    return mounted


def unmount(folders: list[Path]) -> None:
    """Take them away, with what is in them. Repeat: nothing happens."""
    for folder in folders:
        if os.path.ismount(folder):
            _run("umount", "-l", str(folder))


def full(name: str) -> Callable[[Scene, random.Random], AbstractAsyncContextManager[str]]:
    """The disk of a server is full while it lasts."""

    @asynccontextmanager
    async def harm(scene: Scene, draws: random.Random) -> AsyncIterator[str]:
        folder = open_folders(scene.home).data / name
        if os.path.ismount(folder):
            used = shutil.disk_usage(folder).used
            done = _run("mount", "-o", f"remount,size={used + LEFT_BYTES}", str(folder))
            try:
                yield "its file system is full" if done else ""
            finally:
                _run("mount", "-o", f"remount,size={SIZE}", str(folder))
        else:
            async with _limited(scene, name, folder) as words:
                yield words

    return harm


@asynccontextmanager
async def _limited(scene: Scene, name: str, folder: Path) -> AsyncIterator[str]:
    """No file of the server may grow beyond the one that was written last."""
    account, done = open_folders(scene.home).account, asyncio.Event()
    newest = max((file for file in folder.rglob("*") if file.is_file()), key=lambda file: file.stat().st_mtime)
    most = max(newest.stat().st_size, LEFT_BYTES)

    async def keep() -> None:
        # One that dies of it is started again without the limit.
        while not done.is_set():
            await asyncio.to_thread(_limit, account, await scene.family(name), str(most))
            await asyncio.sleep(0.2)

    limited = _limit(account, await scene.family(name), str(most))
    keeper = asyncio.create_task(keep())
    try:
        yield f"no file above {most} bytes (RLIMIT_FSIZE)" if limited else ""
    finally:
        done.set()
        await keeper
        _limit(account, await scene.family(name), "unlimited")


def _limit(account: Account, pids: list[int], most: str) -> bool:
    """Limit the files of processes, as their own user: even root may not always do it to others'."""
    commands = [["prlimit", f"--pid={pid}", f"--fsize={most}:"] for pid in pids]
    return sum(_run(*command, account=account) for command in commands) > 0


def _run(*command: str, account: Account | None = None) -> bool:
    identity = account.identity() if account else {}
    try:
        return subprocess.run(command, capture_output=True, check=False, cwd="/", **identity).returncode == 0
    except OSError:  # there is no such program
        return False
