"""Addresses of servers: the database that they name, and the forms that the libraries expect."""

from __future__ import annotations


def other_database(redis_url: str) -> str:
    """Return the broker's default address: the next database number on the server of REDIS_URL.

    Dramatiq runs KEYS over its database and polls with writes, so it must not share ours.
    """
    head, _, query = redis_url.partition("?")
    number = database_of(redis_url) + 1
    pairs = [pair for pair in query.split("&") if pair]
    kept = [pair for pair in pairs if not pair.startswith("db=")]
    if head.startswith("unix:") or kept != pairs:
        return head + "?" + "&".join([*kept, f"db={number}"])
    scheme, _, rest = head.partition("://")
    server = rest.partition("/")[0]
    return f"{scheme}://{server}/{number}" + (f"?{query}" if query else "")


def database_of(redis_url: str) -> int:
    """Return the database number as redis-py reads it: from `?db=`, else from the path (except of unix:)."""
    head, _, query = redis_url.partition("?")
    path = "" if head.startswith("unix:") else head.partition("://")[2].partition("/")[2]
    named = [pair[3:] for pair in query.split("&") if pair.startswith("db=")]
    number = (named or [path])[0]
    return int(number) if number.isdigit() else 0


def with_driver(database_url: str) -> str:
    """Return the address with the driver's name, as SQLAlchemy needs it; other tools use addresses without it."""
    for plain in ("postgresql://", "postgres://"):
        if database_url.startswith(plain):
            return "postgresql+psycopg://" + database_url.removeprefix(plain)
    return database_url
