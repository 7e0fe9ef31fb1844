"""The api's side of the control socket of the `onsale up` that runs it (ops/up/control.py): a line of JSON each way.

Where something else runs the workers, such as systemd or containers, the setting SUPERVISOR_SOCKET is empty.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from core.errors import OnsaleError

#: Seconds to wait for its answer, and its largest answer in bytes.
TIMEOUT_S, MAX_ANSWER = 3.0, 64 * 1024
#: Longest path of a unix socket on every system, bytes. A longer one is reached through its folder's descriptor.
MAX_PATH = 100


class NotSupervised(OnsaleError):
    """No supervisor of ours runs the workers here: set their number where they are run."""

    code = "not_supervised"


class SupervisorUnavailable(OnsaleError):
    """The supervisor does not answer; nothing is known to have changed. Try again."""

    code = "supervisor_unavailable"


class ScalingRefused(OnsaleError):
    """The supervisor refuses to set the number of workers."""

    code = "scaling_refused"


@dataclass(frozen=True, slots=True)
class WorkersWanted:
    """How many workers the supervisor keeps running, and the most that it will."""

    wanted: int
    most: int


def workers_wanted(path: str) -> WorkersWanted:
    """Ask how many workers are wanted. Raises: NotSupervised: `path` is empty.  SupervisorUnavailable."""
    return _read(_ask(path, {"do": "status"}))


def want_workers(path: str, count: int) -> WorkersWanted:
    """Set how many workers are wanted; surplus ones finish their batch first. Repeat: no change.

    Raises: as `workers_wanted`; ScalingRefused: nothing has changed.
    """
    answer = _ask(path, {"do": "scale", "worker": count})
    if "error" in answer:
        raise ScalingRefused(str(answer["error"]))
    return _read(answer)


def _read(answer: dict[str, Any]) -> WorkersWanted:
    try:
        rows = [row for row in answer["processes"] if row["name"].startswith("worker-")]
        return WorkersWanted(sum(bool(row["wanted"]) for row in rows), int(answer["most_workers"]))
    except (KeyError, TypeError) as error:
        raise SupervisorUnavailable from error


def _ask(path: str, request: dict[str, Any]) -> dict[str, Any]:
    if not path:
        raise NotSupervised
    try:
        with socket.socket(socket.AF_UNIX) as client, _short(Path(path)) as name:
            client.settimeout(TIMEOUT_S)
            client.connect(name)
            client.sendall(orjson.dumps(request) + b"\n")
            with client.makefile("rb") as lines:
                answer = orjson.loads(lines.readline(MAX_ANSWER))
    except (OSError, ValueError) as error:
        raise SupervisorUnavailable from error
    if not isinstance(answer, dict):
        raise SupervisorUnavailable
    return answer


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """Yield an address of the socket that is short enough, without changing into its folder: threads share that."""
    if len(os.fsencode(path)) <= MAX_PATH:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"  # Linux; elsewhere there is no such file
    finally:
        os.close(folder)
