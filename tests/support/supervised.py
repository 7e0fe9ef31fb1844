"""The control socket of an `onsale up` whose processes never start: the real supervisor, and nobody who watches."""

from __future__ import annotations

import asyncio
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from ops.up import control
from ops.up.home import locked
from ops.up.process import Launch
from ops.up.supervisor import Supervisor

#: Workers at its start, and the most that it keeps running.
WORKERS, MOST = 2, 8


@contextmanager
def supervised(below: str = "") -> Iterator[Path]:
    """Yield the path of the socket, in a new folder; `below`: a further folder in its path."""
    with tempfile.TemporaryDirectory(prefix="onsale-control-") as folder:
        home = Path(folder) / below
        home.mkdir(exist_ok=True)
        supervisor = Supervisor(home)
        supervisor.add_workers(WORKERS, partial(_worker, home), MOST)
        ready, loop = threading.Event(), asyncio.new_event_loop()

        async def serve() -> None:
            server = await control.serve(home, supervisor.answer)
            ready.set()
            async with server:
                await asyncio.Event().wait()

        task = loop.create_task(serve())
        thread = threading.Thread(target=_run, args=(loop, task), name="supervised")
        thread.start()
        try:
            assert ready.wait(10)
            with locked(home):
                yield home / "run" / control.NAME
        finally:
            loop.call_soon_threadsafe(task.cancel)
            thread.join()


def _worker(home: Path, number: int) -> Launch:
    return Launch(name=f"worker-{number}", command=(), cwd=home, env={})


def _run(loop: asyncio.AbstractEventLoop, task: asyncio.Task[None]) -> None:
    loop.run_until_complete(asyncio.wait([task]))
    loop.close()
