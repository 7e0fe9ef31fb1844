"""Taken seats, as accept.lua reads them: the time until which each seat of a show is unavailable.

A number per seat, in the order of the hall's plan: FREE, SOLD, or the second since 1970 in which its hold ends. That
is rounded down, so accept.lua never refuses a seat whose hold has lapsed. The lane decides.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

FREE = 0
#: Later than any hold's end.
SOLD = (1 << 32) - 1


def until_s(expires_ms: int | None) -> int:
    """Return until when a live booking's seats are taken. `expires_ms`: its hold's deadline, ms; None: sold."""
    return SOLD if expires_ms is None else expires_ms // 1000


def packed(capacity: int, untils: Mapping[int, int]) -> bytes:
    """Pack all seats of a hall, four bytes each. `untils`: number in the plan -> until when; the others are free."""
    values = [FREE] * capacity
    for number, until in untils.items():
        values[number] = until
    return struct.pack(f">{capacity}I", *values)
