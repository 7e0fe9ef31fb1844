"""The control socket of a running `onsale up`, `<home>/run/control`: one line of JSON in each direction.

    {"do": "scale", "worker": 4}    {"do": "status"}

Only the home's owner can open it. The path of a unix socket is limited to about 104 bytes, and a home's path may be
longer; so both sides change into the folder and use the bare name.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path
from typing import Any

from core.errors import ConfigurationError, OnsaleError
from ops.up.home import is_locked, run_folder

NAME = "control"
#: Seconds to wait for the other side's line.
TIMEOUT_S = 5.0
MAX_LINE = 64 * 1024

Answerer = Callable[[dict[str, Any]], dict[str, Any]]


async def serve(home: Path, answer: Answerer) -> asyncio.Server:
    """Answer requests until the server is closed; an OnsaleError that `answer` raises becomes the answer."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = await asyncio.wait_for(reader.readline(), TIMEOUT_S)
            writer.write(_answered(line, answer))
            await asyncio.wait_for(writer.drain(), TIMEOUT_S)
        except (TimeoutError, OSError, ValueError):
            # The client disconnected, is too slow, or sent a line that does not end: it gets no answer.
            pass
        finally:
            writer.close()

    server = socket.socket(socket.AF_UNIX)
    with chdir(run_folder(home)):
        Path(NAME).unlink(missing_ok=True)
        server.bind(NAME)
        Path(NAME).chmod(0o600)
    server.setblocking(False)
    return await asyncio.start_unix_server(talk, sock=server, limit=MAX_LINE)


def ask(home: Path, request: dict[str, Any]) -> dict[str, Any]:
    """Send one request to this home's `onsale up` and return its answer.

    Raises ConfigurationError if none runs, it does not answer within 5 seconds, or it refuses.
    """
    if not is_locked(home):
        raise ConfigurationError(f"No onsale up runs in {home}.")
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(TIMEOUT_S)
        try:
            with chdir(home / "run"):
                client.connect(NAME)
            client.sendall(json.dumps(request).encode() + b"\n")
            with client.makefile("rb") as lines:
                answer = json.loads(lines.readline(MAX_LINE))
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"The onsale up of {home} does not answer: {error}") from error
    if "error" in answer:
        raise ConfigurationError(str(answer["error"]))
    return dict(answer)


def _answered(line: bytes, answer: Answerer) -> bytes:
    try:
        request = json.loads(line)
        if not isinstance(request, dict):
            raise ConfigurationError("A request is one JSON object on a line.")
        response = answer(request)
    except (OnsaleError, ValueError) as error:
        response = {"error": str(error)}
    return json.dumps(response).encode() + b"\n"
