"""Show cards and hall plans, in Redis: what accept.lua checks, so that accepting needs no Postgres.

The drain publishes a card with each batch that changes its show (finish.py), by version compare-and-set; a missing
card is rebuilt from Postgres once.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Any

import orjson

from core.halls import Hall
from core.ids import lane_of
from core.shows import ShowSettings
from db.kv import keys, scripts
from db.kv.rounds import Command, Rounds

#: "Sold out until further notice", ms: there is no hold that could end. Below 2**53, up to which Lua is exact.
NO_END_MS = 1 << 52
#: For how long a card stays in Redis after its show has begun, and one that is requested even later, ms.
KEPT_MS, ASKED_MS = 6 * 3_600_000, 3_600_000


def card(
    settings: ShowSettings,
    *,
    version: int,
    hall_id: int,
    sold_out_until_ms: int,
    forgets_at_ms: int | None,
) -> dict[str, Any]:
    """Return a card's fields, as accept.lua reads them.

    `forgets_at_ms`: when the first final status of the show may leave Redis; from then on, refusals must be checked
    with Postgres. None: the show has no final status yet.
    """
    fields = {
        "v": version,
        "state": settings.state.value,
        "opens": settings.sales_open_ms,
        "closes": min(settings.sales_close_ms, settings.starts_ms),
        "sold_out_until": sold_out_until_ms,
        "hall": hall_id,
    }
    return fields if forgets_at_ms is None else {**fields, "forgets_at": forgets_at_ms}


def ttl_ms(settings: ShowSettings) -> int:
    """Return for how long Redis keeps a show's card, ms: until the show has begun and its holds have ended.

    A card that is requested later is rebuilt, and kept for a while. By this machine's clock: an hour does no harm.
    """
    return max(settings.starts_ms + KEPT_MS - int(time.time() * 1000), ASKED_MS)


def publish(rounds: Rounds, show_id: int, fields: dict[str, Any], lanes: int, *, ttl_ms: int = 0) -> None:
    """Put a card into Redis unless a newer version is there. Raises RedisUnavailable, AcceptUnknown. Repeat: safe.

    Args: ttl_ms: for how long it is kept, also if a newer one is there; 0: as long as the present one, or forever.
    """
    rounds.call(publish_commands(show_id, fields, lanes, ttl_ms=ttl_ms), writes=False)  # safe to repeat


def publish_commands(show_id: int, fields: dict[str, Any], lanes: int, *, ttl_ms: int = 0) -> list[Command]:
    """Return what `publish` sends, for a round that publishes many."""
    flat = [value for name, field in fields.items() if name != "v" for value in (name, field)]
    key = keys.card(lane_of(show_id, lanes), show_id)
    publish: Command = ("EVALSHA", scripts.PUT_IF_NEWER.sha, 1, key, fields["v"], 0, *flat)
    return [publish, ("PEXPIRE", key, ttl_ms)] if ttl_ms else [publish]


def hall_id_of(rounds: Rounds, show_id: int, lanes: int) -> int | None:
    """Return the hall of a show from its card, None if there is no card. Raises RedisUnavailable."""
    [hall_id] = rounds.call([("HGET", keys.card(lane_of(show_id, lanes), show_id), "hall")], writes=False)
    return int(hall_id) if hall_id is not None else None


def hall(rounds: Rounds, hall_id: int) -> Hall | None:
    """Return a hall from Redis, None if it is not there. Raises RedisUnavailable."""
    [text] = rounds.call([("GET", keys.hall(hall_id))], writes=False)
    return Hall.from_plan(hall_id, orjson.loads(text)) if text is not None else None


def missing_plans(rounds: Rounds, hall_ids: Collection[int]) -> list[int]:
    """Return those of some halls whose plan Redis does not have. Raises RedisUnavailable."""
    wanted = sorted(hall_ids)
    there = rounds.call([("EXISTS", keys.hall(hall_id)) for hall_id in wanted], writes=False)
    return [hall_id for hall_id, found in zip(wanted, there, strict=True) if not found]


def publish_plan(rounds: Rounds, hall_id: int, plan_: dict[str, Any]) -> None:
    """Put a hall's plan into Redis, without its drawing. Raises RedisUnavailable. Repeat: safe, none changes."""
    seats = {name: value for name, value in plan_.items() if name != "drawing"}
    rounds.call([("SET", keys.hall(hall_id), orjson.dumps(seats).decode())], writes=False)
