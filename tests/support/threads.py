"""Threads of the product that must end with the test that started them."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from proof.kit.waiting import within

#: How the names of the product's threads begin. "metrics" is not among them: one per process hands counts over.
NAMES = (
    *("backend", "doorbells", "event-loop", "long-polls", "maps", "postgres-probe"),
    *("republish", "revocations", "sweep"),
)
#: Seconds for a thread that was told to end.
END_S = 5.0


def expect_no_others(before: Iterable[threading.Thread], end_s: float = END_S) -> None:
    """Raise AssertionError if threads of the product besides `before` still run after `end_s` seconds."""
    known = set(before)

    def left() -> list[str]:
        return [each.name for each in threading.enumerate() if each not in known and each.name.startswith(NAMES)]

    assert within(lambda: not left(), end_s), f"threads that nobody ended: {left()}"
