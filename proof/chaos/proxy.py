"""A link: a small proxy between one process and one server that injects network faults.

It listens on loopback TCP and forwards to a unix socket. `mode` applies to all connections, old and new:

    PASS          forward
    CUT           reset every connection, new ones too
    HALF_OPEN     drop all bytes, both ways, without an error; accept new connections and never answer them
    STALL         hold all bytes until the mode ends, as after a partition that TCP has survived
    DELAY         deliver each piece 0.5 to 1.5 times `delay_s` seconds late
    LOSE_REPLIES  deliver requests, drop answers
    LOSE_COMMITS  drop the answers of the next COMMITs (Postgres), and reset their connections

When a mode that lost bytes ends, the connections that lost some are reset.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from contextlib import suppress
from enum import StrEnum
from pathlib import Path

_RESET = struct.pack("ii", 1, 0)
#: The high-water mark of each side's write buffer, in bytes.
HIGH_WATER = 1 << 20
#: Least seconds between two delayed pieces, which keeps their order.
TICK_S = 1e-5


class Mode(StrEnum):
    """What a link does to the bytes that pass."""

    PASS = "pass"
    CUT = "cut"
    HALF_OPEN = "half_open"
    STALL = "stall"
    DELAY = "delay"
    LOSE_REPLIES = "lose_replies"
    LOSE_COMMITS = "lose_commits"


class Link:
    """One proxy. `harmed`: how often a fault hit a connection; `commits_lost`: lost answers of COMMITs."""

    def __init__(self, name: str, upstream: Path, seed: int = 0) -> None:
        self.name = name
        self.upstream = upstream
        self.mode = Mode.PASS
        self.delay_s = 0.0
        self.commits_to_lose = 0
        self.commits_lost = 0
        self.harmed = 0
        self.pairs: set[Pair] = set()
        self.port = 0
        self.random = random.Random(f"{seed} {name}")
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen on a free port of loopback, which becomes `port`."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Pair(self).client, "127.0.0.1", 0, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening, and reset every connection."""
        if self._server is not None:
            self._server.close()
        self.reset()

    def reset(self) -> int:
        """Reset every connection. Returns how many there were."""
        pairs = list(self.pairs)
        for pair in pairs:
            pair.reset()
        self.harmed += len(pairs)
        return len(pairs)

    def begin(self, mode: Mode, *, delay_s: float = 0.0, commits: int = 0) -> None:
        """Begin a fault. It replaces one that is active."""
        self.heal()
        self.mode, self.delay_s, self.commits_to_lose = mode, delay_s, commits
        if mode is Mode.CUT:
            self.reset()

    def heal(self) -> None:
        """Forward again. Reset the connections that lost bytes, and send the held bytes of the others."""
        self.mode, self.commits_to_lose = Mode.PASS, 0
        for pair in list(self.pairs):
            if pair.lost:
                self.harmed += 1
                pair.reset()
            else:
                pair.release()


class Pair:
    """One connection of a process and its continuation to the server."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.lost = False
        self.waits_for_commit = False
        self.client = Side(self, from_client=True)
        self.server = Side(self, from_client=False)
        self._held: list[tuple[Side, bytes]] = []
        self._last_due = 0.0
        self._delayed = 0

    def took(self, side: Side, data: bytes) -> None:
        """Handle the bytes that one side has sent."""
        link, other = self.link, self.server if side is self.client else self.client
        match link.mode:
            case Mode.HALF_OPEN:
                self.lost = True
            case Mode.LOSE_REPLIES if not side.from_client:
                self.lost = True
            case Mode.STALL:
                self._held.append((other, data))
                link.harmed += 1
            case Mode.DELAY:
                self._later(other, data, link.delay_s * link.random.uniform(0.5, 1.5))
            case _ if self._delayed:
                self._later(other, data, 0.0)
            case _:
                self._forward(side, other, data)

    def _forward(self, side: Side, other: Side, data: bytes) -> None:
        link = self.link
        if self.waits_for_commit and not side.from_client:
            # The server has answered, so the transaction is committed, but its client will not know.
            link.commits_lost += 1
            self.reset()
            return
        if side.from_client and link.commits_to_lose > 0 and b"COMMIT\0" in data:
            link.commits_to_lose -= 1
            self.waits_for_commit = True
        other.send(data)

    def _later(self, other: Side, data: bytes, after_s: float) -> None:
        """Send after some time, in order: the event loop does not keep the order of timers due at the same moment."""
        loop = asyncio.get_running_loop()
        self._last_due = max(self._last_due + TICK_S, loop.time() + after_s)
        self._delayed += 1
        self.link.harmed += after_s > 0
        loop.call_at(self._last_due, self._due, other, data)

    def _due(self, other: Side, data: bytes) -> None:
        self._delayed -= 1
        other.send(data)

    def release(self) -> None:
        """Send the held bytes."""
        held, self._held = self._held, []
        for other, data in held:
            other.send(data)

    def reset(self) -> None:
        """Reset both ends."""
        self.link.pairs.discard(self)
        self.client.abort()
        self.server.abort()

    def ended(self) -> None:
        """Close both ends, since one has closed; buffered bytes are still written."""
        self.link.pairs.discard(self)
        for side in (self.client, self.server):
            side.end()


class Side(asyncio.Protocol):
    """One end of a pair."""

    def __init__(self, pair: Pair, *, from_client: bool) -> None:
        self._pair = pair
        self.from_client = from_client
        self._transport: asyncio.Transport | None = None
        self._early: list[bytes] = []
        self._closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=HIGH_WATER)
        if self._closed:
            transport.abort()
            return
        if self.from_client:
            self._accepted(transport)
        for data in self._early:
            transport.write(data)
        self._early.clear()

    def _accepted(self, transport: asyncio.Transport) -> None:
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._pair.link.mode is Mode.CUT:
            self.abort()
            return
        self._pair.link.pairs.add(self._pair)
        task = asyncio.get_running_loop().create_task(self._connect())
        _tasks.add(task)
        task.add_done_callback(_tasks.discard)

    async def _connect(self) -> None:
        pair = self._pair
        try:
            await asyncio.get_running_loop().create_unix_connection(lambda: pair.server, str(pair.link.upstream))
        except OSError:
            pair.reset()

    def data_received(self, data: bytes) -> None:
        self._pair.took(self, data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed = True
        self._pair.ended()

    def send(self, data: bytes) -> None:
        """Write, or keep the bytes until there is a connection."""
        if self._closed:
            return
        if self._transport is None:
            self._early.append(data)
        elif not self._transport.is_closing():
            self._transport.write(data)

    def end(self) -> None:
        """Close once the buffered bytes are written, unless the mode hides the end of the other side."""
        hidden = self._pair.link.mode in (Mode.HALF_OPEN, Mode.STALL)
        if hidden and not self._closed:
            self._pair.lost = True
            self._pair.link.pairs.add(self._pair)
        elif self._transport is not None:
            self._transport.close()
        else:
            self._closed = True

    def abort(self) -> None:
        """Reset this end."""
        self._closed = True
        if self._transport is not None:
            connection = self._transport.get_extra_info("socket")
            with suppress(OSError):  # it may be closed already
                if connection is not None and connection.family == socket.AF_INET:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self._transport.abort()


#: Strong references: the event loop itself keeps none to its tasks.
_tasks: set[asyncio.Task[None]] = set()
