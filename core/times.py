"""Times: whole milliseconds since 1970 inside, aware UTC at the edges (Postgres, HTTP)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


def from_ms(ms: int) -> datetime:
    """The aware UTC time of a number of milliseconds."""
    return _EPOCH + timedelta(milliseconds=ms)


def to_ms(time: datetime) -> int:
    """The milliseconds of an aware time, exact: no float is involved."""
    return (time - _EPOCH) // _MS


def iso(ms: int | None) -> str | None:
    """ISO 8601 UTC with milliseconds and Z, as HTTP answers show it."""
    if ms is None:
        return None
    second, rest = divmod(ms, 1000)
    return f"{_iso_second(second)}.{rest:03d}Z"


@lru_cache(maxsize=256)
def _iso_second(second: int) -> str:
    """Most times that are shown lie in the same few seconds."""
    return from_ms(second * 1000).isoformat(timespec="seconds").removesuffix("+00:00")
