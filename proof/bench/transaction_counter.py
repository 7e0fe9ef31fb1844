"""A proxy between one process and Postgres that counts transactions.

It runs in a thread with its own event loop, and listens on a unix socket in a private folder.
"""

from __future__ import annotations

import asyncio
import re
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType

PORT = 5432
START_S = 10.0


class TransactionCounter:
    """The proxy, which runs inside its `with` block. `transactions`: the BEGINs that have passed."""

    def __init__(self, database_url: str, folder: Path) -> None:
        host = re.search(r"host=([^&]+)", database_url)
        if host is None:
            raise ValueError("The address of Postgres names no socket folder.")
        self._theirs = Path(host[1]) / f".s.PGSQL.{PORT}"
        self._ours = folder / f".s.PGSQL.{PORT}"
        self.url = database_url.replace(host[0], f"host={folder}")
        self.transactions = 0
        self._loop = asyncio.new_event_loop()
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._run, name="counter", daemon=True)

    def __enter__(self) -> TransactionCounter:
        self._ours.parent.mkdir(mode=0o700)
        self._thread.start()
        if not self._up.wait(START_S):
            raise OSError("The counter does not listen.")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._ours.unlink(missing_ok=True)
        self._ours.parent.rmdir()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_unix_server(self._between, self._ours))
        self._up.set()
        self._loop.run_forever()
        server.close()
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))

    async def _between(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, to_them = await asyncio.open_unix_connection(self._theirs)
        with suppress(OSError, asyncio.CancelledError):
            await asyncio.gather(self._pass_on(reader, to_them, count=True), self._pass_on(theirs, writer))
        for each in (writer, to_them):
            each.close()

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, count: bool = False
    ) -> None:
        while data := await reader.read(65536):
            if count:
                self.transactions += data.count(b"BEGIN")
            writer.write(data)
            await writer.drain()
        writer.close()
