"""The load generator's jobs and results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """The requests to send. `tokens[i]` belongs to `requests[i]`, and is needed to follow its booking.

    requests: a list, or a sequence that builds the i-th request on access; each is accessed once, in order.
    follow: "" sends only; "poll" polls when the api says so; "wait" polls with `?wait=`.
    rate: requests per second of an open loop; 0 is a closed loop.
    send_s: seconds after which no new request is sent, and those in flight are waited for; 0: send all.
    """

    port: int
    requests: Sequence[bytes]
    tokens: list[str] = field(default_factory=list)
    follow: str = ""
    rate: float = 0.0
    connections: int = 128
    deadline_s: float = 60.0
    send_s: float = 0.0
    keep_ids: bool = False
    host: str = "127.0.0.1"


@dataclass(slots=True)
class Done:
    """The result of a job. Times are in seconds, latencies in milliseconds.

    accept_ms: of every answer, in the order of the answers; refused_ms: of the 503s among them.
    late_ms: of an open loop's requests, how long after it was due each was sent, because no connection was free or
    the generator itself was busy. The latencies include it.
    """

    codes: Counter[int] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    polls: int = 0
    lost: int = 0
    seconds: float = 0.0
    cpu_s: float = 0.0
    accept_ms: list[float] = field(default_factory=list)
    refused_ms: list[float] = field(default_factory=list)
    late_ms: list[float] = field(default_factory=list)
    outcome_ms: list[float] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    timed_out: bool = False

    @property
    def accepted(self) -> int:
        """The number of requests that were answered 2xx."""
        return sum(count for code, count in self.codes.items() if 200 <= code < 300)
