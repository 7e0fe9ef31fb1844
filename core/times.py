"""Times: whole milliseconds since 1970 inside, aware UTC at the edges (Postgres, HTTP)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

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
    return from_ms(ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")
