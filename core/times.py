"""Times: whole milliseconds since 1970 inside, aware UTC at the edges (Postgres, HTTP)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

#: A clock that jumps further than this has been set, or was wrong: its earlier times are not trusted.
STEP_MS = 5_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


def from_ms(ms: int) -> datetime:
    """Return the aware UTC time of a number of milliseconds since 1970."""
    return _EPOCH + timedelta(milliseconds=ms)


def to_ms(time: datetime) -> int:
    """Return the milliseconds since 1970 of an aware time, exactly: without a float."""
    return (time - _EPOCH) // _MS


def decided_ms(now_ms: int, accepted_ms: int, last_ms: int) -> int:
    """Return the decided time of a batch: now, but not before anything in it, nor before the lane's last one.

    Times further ahead of now than STEP_MS come from a clock that has been set back since. They do not count;
    otherwise the lane's time would stop, and holds would last, for as long as the clock had been ahead. So the lane's
    time goes back by more than STEP_MS or not at all, which is how the replay recognises a clock that was set.
    """
    at_ms = max([now_ms, *(ms for ms in (accepted_ms, last_ms) if ms <= now_ms + STEP_MS)])
    return last_ms if last_ms - STEP_MS <= at_ms < last_ms else at_ms


def iso(ms: int | None) -> str | None:
    """Return a time as ISO 8601 in UTC with milliseconds and Z, as HTTP answers show it."""
    if ms is None:
        return None
    second, rest = divmod(ms, 1000)
    return f"{_iso_second(second)}.{rest:03d}Z"


@lru_cache(maxsize=256)
def _iso_second(second: int) -> str:
    """Cached, because most times that are shown lie in the same few seconds."""
    return from_ms(second * 1000).isoformat(timespec="seconds").removesuffix("+00:00")
