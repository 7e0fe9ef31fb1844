"""A lane's meter in Redis: read by the api with each status, and by accept.lua with each operation.

accept.lua writes `epoch`, `ticket` and `waits_since`, finish.lua the rest (and `ticket`, after Redis went back), the
sweeper `full_until`. Times are in ms, by Redis's clock.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.queue_position import Meter

#: The fields that `read` takes, in this order. accept.lua returns the same.
FIELDS = ("epoch", "served", "rate", "ticket", "served_at", "waits_since")


def read(values: Sequence[str | int | None], now_ms: int, *, empty: bool = False) -> Meter:
    """Return the meter, from the values of FIELDS and Redis's time (ms).

    Args: empty: the lane has no entries. Then every ticket has been decided, or its entry is lost.
    """
    epoch, served, rate, ticket, served_at, waits_since = values
    ticket = int(ticket or 0)
    served = ticket if empty else int(served or 0)
    quiet_ms = now_ms - max(int(served_at or 0), int(waits_since or 0)) if ticket > served and waits_since else 0
    return Meter(str(epoch or ""), served, float(rate or 0), ticket, max(0, quiet_ms), now_ms)
