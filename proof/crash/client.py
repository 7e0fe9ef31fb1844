"""A client that behaves as docs/operations.md requires: it repeats what was not answered, with the same key.

Calls go to the first address. After a lost connection, a 5xx or no answer within a second all go to the next one.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import Any
from uuid import UUID

from ops.rush.tokens import mint
from proof.kit import client as http
from proof.kit.waiting import within

#: Seconds for one answer: less than a hang lasts, so that a process that wakes up finds its request repeated.
ANSWER_S = 1.0
AGAIN_S = 0.05


class Unanswered(Exception):
    """No api answered in time."""


class Client:
    """Calls the apis for all buyers, until `deadline` (time.monotonic()). `faults` counts 5xx answers except 503."""

    def __init__(self, urls: list[str], secret: str, deadline: float) -> None:
        self.deadline = deadline
        self.faults: Counter[int] = Counter()
        self._secret = secret
        self._clients = [http.Client(url, timeout_s=ANSWER_S) for url in urls]
        self._lock = threading.Lock()

    def call(self, method: str, path: str, user: UUID, body: Any = None, key: str = "") -> tuple[int, dict[str, Any]]:
        """Send a request until it is answered. Raises Unanswered when the deadline has passed."""
        token = mint(self._secret, str(user))
        while time.monotonic() < self.deadline:
            client = self._clients[0]
            try:
                answer = client.ask(method, path, body, token=token, key=key)
                status = answer.status
            except (http.Broken, http.NoAnswer):
                status = 0
            if 0 < status < 500:
                return status, answer.json()
            if status not in (0, 503):
                self.faults[status] += 1
            self._leave(client)
            time.sleep(AGAIN_S)
        raise Unanswered(f"{method} {path} of {user}")

    def close(self) -> None:
        """Close the connections."""
        for client in self._clients:
            client.close()

    def _leave(self, client: http.Client) -> None:
        """Move an address to the end, unless another thread has done so."""
        with self._lock:
            if self._clients[0] is client:
                self._clients = [*self._clients[1:], client]


def wait_for_api(url: str, timeout_s: float) -> bool:
    """Return whether an api answers within the time; this touches no store."""

    def answers() -> bool:
        try:
            return client.send("GET", "/healthz").status == 200
        except (http.Broken, http.NoAnswer):
            return False

    with http.Client(url, timeout_s=ANSWER_S) as client:
        return within(answers, timeout_s)
