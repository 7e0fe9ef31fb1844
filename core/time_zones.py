"""Time zones of halls, by their IANA names, and the day on which a show starts where its hall is."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cache, lru_cache
from zoneinfo import ZoneInfo, available_timezones

from core.times import to_ms


@cache
def _names() -> frozenset[str]:
    """Return all names that this machine knows. Reads its time zone files once."""
    return frozenset(available_timezones())


def is_known(name: str) -> bool:
    """Return whether this is the name of a time zone, in its exact spelling: Europe/Berlin."""
    return name in _names()


def day_bounds(day: date, zone: str) -> tuple[int, int]:
    """Return when a day begins and ends in a time zone, ms since 1970. Clock changes make it 23 or 25 hours long.

    A name that this machine does not know (any more) counts as UTC.
    """
    where = _zone(zone)
    first, following = (datetime.combine(each, time.min, where) for each in (day, day + timedelta(days=1)))
    return to_ms(first), to_ms(following)


@lru_cache(maxsize=64)
def _zone(name: str) -> tzinfo:
    return ZoneInfo(name) if is_known(name) else UTC
