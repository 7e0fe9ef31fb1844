"""Taken seats, as the door knows them: for each seat of a hall, until when asking for it is in vain.

A number per seat, in the order of the hall's plan: FREE, SOLD, or the second since 1970 in which its hold ends. That
is cut to the second before the deadline, so the door never refuses a seat whose hold has lapsed. The lane decides.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

FREE = 0
#: Later than any hold's end.
SOLD = (1 << 32) - 1


def until_s(expires_ms: int | None) -> int:
    """Of a live booking's seat. `expires_ms`: the deadline of its hold, ms; None: it is confirmed."""
    return SOLD if expires_ms is None else expires_ms // 1000


def packed(capacity: int, untils: Mapping[int, int]) -> bytes:
    """All seats of a hall, four bytes each. `untils`: number in the plan -> until when; the others are free."""
    values = [FREE] * capacity
    for number, until in untils.items():
        values[number] = until
    return struct.pack(f">{capacity}I", *values)
