"""Clients that send requests without a pause, and record each request that was not answered."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.contract import wire
from tests.contract.wire import Address, Connection

#: A path that the front answers, and one that Flask answers.
PATHS = ("/healthz", "/api/movies")


@dataclass
class Hammer:
    """A client that sends requests without a pause, and reconnects after an answer with `Connection: close`."""

    address: Address
    paths: tuple[str, ...]
    answers: list[int] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def hammer(self, until_: threading.Event) -> None:
        while not until_.is_set():
            try:
                with Connection(self.address) as connection:
                    self._on(connection, until_)
            except OSError as error:
                self.faults.append(repr(error))

    def _on(self, connection: Connection, until_: threading.Event) -> None:
        while not until_.is_set():
            connection.send(wire.head("GET", self.paths[len(self.answers) % len(self.paths)]))
            answer = connection.read()
            self.answers.append(answer.status)
            if answer.one("connection") == "close":
                assert connection.ended()
                return


@contextmanager
def hammering(address: Address, *, clients: int = 4, path: str = "") -> Iterator[list[Hammer]]:
    """Run `clients` hammers until the block ends. `path`: only this path, instead of PATHS in turn."""
    over = threading.Event()
    hammers = [Hammer(address, (path,) if path else PATHS) for _ in range(clients)]
    threads = [threading.Thread(target=each.hammer, args=(over,)) for each in hammers]
    for thread in threads:
        thread.start()
    try:
        yield hammers
    finally:
        over.set()
        for thread in threads:
            thread.join()


def sound(hammers: list[Hammer]) -> None:
    """Assert that requests were sent, and that every one was answered 200."""
    assert [fault for each in hammers for fault in each.faults] == []
    assert {status for each in hammers for status in each.answers} == {200}
