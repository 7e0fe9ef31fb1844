"""`make bench-listeners`: how soon those who follow a show see a change of seats, and what maps cost.

1,000 streams of one show of 10,000 seats are open in the api processes (API_PROCESSES, 2 by default) while seats are
booked one after the other. A change counts from the batch's decided time, which is before its COMMIT, to its arrival
at each stream; the client that takes the times is one process, so its own work is in them. Then the map, its states
and /healthz are read one after the other on one connection.
"""

from __future__ import annotations

import asyncio
import http.client
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import click

from core.local_settings import LocalSettings
from proof.bench import wire
from proof.bench.contest import contest
from proof.bench.generator import Generator
from proof.bench.halls import label
from proof.bench.series import percentile
from proof.bench.servers import Servers, open_servers
from proof.kit.client import Client
from proof.kit.output import quiet, show_end

#: Streams that each user has.
PER_USER = 10
#: Seconds between two bookings, and for all events to arrive.
PAUSE_S, PATIENCE_S = 0.3, 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What is measured: seats of the hall, open streams (a multiple of PER_USER), bookings, reads of each address."""

    seats: int = 10_000
    listeners: int = 1_000
    bookings: int = 40
    reads: int = 300


FULL, QUICK = Size(), Size(listeners=200, bookings=10, reads=100)


@dataclass(slots=True)
class Found:
    """Milliseconds from each change's decision to each stream; bytes and milliseconds per address."""

    size: Size
    seen_ms: list[float] = field(default_factory=list)
    last_ms: list[float] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)
    read_ms: dict[str, list[float]] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """Return the lines to print."""
        seen, last = self.seen_ms, self.last_ms
        return [
            f"{self.size.listeners} streams, {self.size.bookings} changes: p50 {percentile(seen, 50):.0f} ms, "
            f"p95 {percentile(seen, 95):.0f} ms, p99 {percentile(seen, 99):.0f} ms; "
            f"the last stream of a change: p50 {percentile(last, 50):.0f} ms",
            *(
                f"{name}: {self.sizes[name]:,} bytes, p50 {percentile(each, 50):.2f} ms, "
                f"p95 {percentile(each, 95):.2f} ms"
                for name, each in self.read_ms.items()
            ),
        ]


async def _listen(port: int, show_id: int, token: str, arrived: dict[int, list[float]], ready: asyncio.Event) -> None:
    """Follow a show, and note when each version arrives."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"GET /api/shows/{show_id}/events HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n"
    writer.write(head.encode())
    try:
        while line := await reader.readline():
            if line.startswith(b"id: "):
                arrived.setdefault(int(line[4:]), []).append(time.time())
                ready.set()
    finally:
        writer.close()


async def _follow(
    port: int, show_id: int, tokens: list[str], client: Client, size: Size
) -> tuple[dict[int, list[float]], dict[int, float]]:
    """Book seats one after the other while streams are open; return arrivals and decided times by version."""
    arrived: dict[int, list[float]] = {}
    ready = [asyncio.Event() for _ in range(size.listeners)]
    tasks = [
        asyncio.create_task(_listen(port, show_id, tokens[number // PER_USER], arrived, ready[number]))
        for number in range(size.listeners)
    ]
    async with asyncio.timeout(PATIENCE_S):
        for each in ready:
            await each.wait()
    decided: dict[int, float] = {}
    for number in range(size.bookings):
        body = await asyncio.to_thread(_book, client, show_id, label(number), tokens[number])
        decided[number + 2] = datetime.fromisoformat(body["decided_at"]).timestamp()
        await asyncio.sleep(PAUSE_S)
    async with asyncio.timeout(PATIENCE_S):
        while len(arrived.get(size.bookings + 1, ())) < size.listeners:
            await asyncio.sleep(0.05)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return arrived, decided


def _book(client: Client, show_id: int, seat: str, token: str) -> dict[str, Any]:
    asked = client.call("POST", "/api/bookings", {"show_id": show_id, "seats": [seat]}, token=token)
    body: dict[str, Any] = client.call("GET", f"/api/bookings/{asked['id']}?wait=10", token=token)
    return body


def _read(port: int, path: str, headers: dict[str, str], reads: int) -> tuple[int, list[float]]:
    connection, found, size = http.client.HTTPConnection("127.0.0.1", port), list[float](), 0
    for _ in range(reads):
        begun = time.perf_counter()
        connection.request("GET", path, headers=headers)
        size = len(connection.getresponse().read())
        found.append((time.perf_counter() - begun) * 1000)
    connection.close()
    return size, found


def measure(servers: Servers, generator: Generator, size: Size) -> Found:
    """Measure on running servers, with an api and a worker of its own."""
    found = Found(size)
    with ExitStack() as stack:
        [show_id] = servers.template("listeners", [size.seats])
        running = stack.enter_context(contest(servers, generator, "onsale", "listeners", workers=1))
        client = stack.enter_context(Client(f"http://127.0.0.1:{running.port}", timeout_s=PATIENCE_S))
        tokens = [
            wire.buyer_token(servers.secret, number)
            for number in range(1, size.listeners // PER_USER + size.bookings)
        ]
        arrived, decided = asyncio.run(_follow(running.port, show_id, tokens, client, size))
        for version, at_s in decided.items():
            seen = [(each - at_s) * 1000 for each in arrived.get(version, ())]
            found.seen_ms += seen
            found.last_ms += [max(seen)] if seen else []
        hall_id = client.call("GET", f"/api/shows/{show_id}")["hall"]["id"]
        gzip = {"Accept-Encoding": "gzip"}
        for name, path, headers in (
            ("/healthz", "/healthz", {}),
            ("the map", f"/api/shows/{show_id}/seats", {}),
            ("the map, gzip", f"/api/shows/{show_id}/seats", gzip),
            ("states", f"/api/shows/{show_id}/seats/state", {}),
            ("states, gzip", f"/api/shows/{show_id}/seats/state", gzip),
            ("states as bytes", f"/api/shows/{show_id}/seats/state", {"Accept": "application/octet-stream"}),
            ("states since the last change", f"/api/shows/{show_id}/seats/state?since={size.bookings}", {}),
            ("layout, gzip", f"/api/halls/{hall_id}/layout", gzip),
        ):
            found.sizes[name], found.read_ms[name] = _read(running.port, path, headers, size.reads)
    return found


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--quick", is_flag=True, help="200 streams and 10 changes instead of 1,000 and 40.")
def command(quick: bool) -> None:
    """Measure how soon changes of seats are seen, and the sizes of seat maps; takes half a minute."""
    with quiet("bench") as (console, log):
        try:
            with open_servers(LocalSettings.from_env().servers) as servers, Generator() as generator:
                found = measure(servers, generator, QUICK if quick else FULL)
        except BaseException:  # Ctrl-C too: the processes' output is lost when we end
            show_end(console, log)
            raise
        console.print(*found.lines(), sep="\n", highlight=False)


if __name__ == "__main__":
    command()
