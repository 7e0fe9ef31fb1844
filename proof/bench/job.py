"""What the load generator is asked to do, and what it answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What to send. `tokens[i]` belongs to `requests[i]` and is needed to follow it.

    requests: a list, or anything that makes the i-th request when it is asked for, once, in order.
    follow: "" sends only; "poll" asks again when the api says so; "wait" asks with `?wait=`.
    rate: requests per second of an open loop; 0 is a closed one.
    send_s: no new request is sent after so many seconds, and those under way are waited for; 0: all are sent.
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
    """What came of a job. Times are seconds, latencies milliseconds.

    accept_ms: of every answer, in the order of the answers; refused_ms: of the 503s among them.
    late_ms: of an open loop's requests, how long after they were due they were sent: because no connection was free,
    or because the generator itself had no time. The latencies contain it.
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
        """Requests answered with a 2xx."""
        return sum(count for code, count in self.codes.items() if 200 <= code < 300)
