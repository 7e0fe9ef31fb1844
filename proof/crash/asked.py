"""What was asked for, and everything that its client saw of it: the run's own record, outside the system."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

#: A state may only be followed by one of a higher rank: what a client saw moves forward.
RANK = {"QUEUED": 0, "HELD": 1, "CONFIRMED": 2, "FAILED": 3, "CANCELLED": 3}
#: From here on a state is an outcome.
DECIDED = 2


def state_of(body: dict[str, Any]) -> str:
    """The state that an answer shows: QUEUED, HELD, CONFIRMED, FAILED or CANCELLED."""
    return str(body["stage"] or body["status"])


@dataclass
class Asked:
    """One booking that was asked for. `may_end`: its outcomes that are right; a FAILED one with its reason."""

    show: int
    body: dict[str, Any]
    may_end: frozenset[str]
    user: UUID = field(default_factory=uuid4)
    key: str = ""
    #: Several who want the same seat have the same name for it: one of them gets it.
    contested: str = ""
    id: str = ""
    reason: str | None = None
    seen: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def saw(self, status: int, body: dict[str, Any]) -> str:
        """Note an answer; returns the state that it shows. What may not be is noted as wrong."""
        with self._lock:
            if status == 409 and body.get("code") == "seat_taken" and not self.id:
                # Refused at the door, as good as the outcome: somebody has the seat, and nothing was accepted.
                self.seen, self.reason = ["FAILED"], "SEAT_TAKEN"
                return "FAILED"
            if status not in (200, 202):
                self.wrong.append(f"{self} was answered {status} {body.get('code')}")
                return ""
            if self.id and self.id != body["id"]:
                self.wrong.append(f"{self} became {body['id']}")
            self.id = self.id or body["id"]
            state = state_of(body)
            before = self.seen[-1] if self.seen else "QUEUED"
            if RANK[state] < RANK[before] or (RANK[state] == RANK[before] and state != before):
                self.wrong.append(f"{self} was {before}, then {state}")
            if not self.seen or state != before:
                self.seen.append(state)
            self.reason = body["reason"]
            return state

    @property
    def ended(self) -> str:
        """The outcome that was seen, a FAILED one with its reason; empty if there is none."""
        last = self.seen[-1] if self.seen else "QUEUED"
        if RANK[last] < DECIDED:
            return ""
        return f"{last} {self.reason}" if last == "FAILED" else last

    def __str__(self) -> str:
        return f"booking {self.id or '?'} of {self.body} (key {self.key or 'none'})"
