"""A client with the manners that docs/operations.md asks for: it repeats what was not answered, with the same key.

Calls go to the first address; after a lost connection, a 5xx or no answer within a second everybody goes to the next.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from ops.rush.tokens import mint

#: Seconds for one answer: less than a hang lasts, so that a zombie finds its request repeated.
ANSWER_S = 1.0
AGAIN_S = 0.05


class Unanswered(Exception):
    """No api gave an answer in time."""


@dataclass
class Client:
    """Talks to the apis for everybody. `faults` counts answers of 500 and above, except 503."""

    urls: list[str]
    secret: str
    deadline: float
    faults: Counter[int] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def call(self, method: str, path: str, user: UUID, body: Any = None, key: str = "") -> tuple[int, dict[str, Any]]:
        """One request, repeated until it is answered. Raises Unanswered when the deadline has passed."""
        headers = {"Authorization": f"Bearer {mint(self.secret, str(user))}", "Content-Type": "application/json"}
        headers |= {"Idempotency-Key": key} if key else {}
        while time.monotonic() < self.deadline:
            url = self.urls[0]
            try:
                status, answer = _once(url, method, path, headers, body)
            except (OSError, HTTPException, ValueError):
                status = 0
            if 0 < status < 500:
                return status, answer
            if status not in (0, 503):
                self.faults[status] += 1
            self._leave(url)
            time.sleep(AGAIN_S)
        raise Unanswered(f"{method} {path} of {user}")

    def _leave(self, url: str) -> None:
        """Turn away from an address, unless somebody has done so already."""
        with self._lock:
            if self.urls[0] == url:
                self.urls = [*self.urls[1:], url]


def _once(url: str, method: str, path: str, headers: dict[str, str], body: Any) -> tuple[int, dict[str, Any]]:
    connection = HTTPConnection(urlsplit(url).netloc, timeout=ANSWER_S)
    try:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        answer: dict[str, Any] = json.loads(response.read())
        return response.status, answer
    finally:
        connection.close()


def answers(url: str) -> bool:
    """Whether an api answers at all; this touches no store."""
    try:
        return _once(url, "GET", "/healthz", {}, None)[0] == 200
    except (OSError, HTTPException, ValueError):
        return False
