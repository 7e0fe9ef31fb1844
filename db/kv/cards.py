"""Show cards and hall plans, in Redis: what the door needs to know, so that a warm POST needs no Postgres.

A card is published by the drain with each batch that changes the show, by version compare-and-set, and
rebuilt from Postgres once when it is missing.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson

from core.halls import Hall
from core.ids import lane_of
from core.shows import ShowSettings
from db.kv import keys, scripts
from db.kv.rounds import Command, Rounds

#: "Sold out until further notice": there is no hold that could end. Below 2**53, which Lua counts exactly.
NO_END_MS = 1 << 52
#: How long a card stays in Redis after its show has begun, and one that is asked for even later, ms.
KEPT_MS, ASKED_MS = 6 * 3_600_000, 3_600_000
#: A card's fields in the order in which finish.lua takes them.
FIELDS = ("v", "state", "opens", "closes", "sold_out_until", "hall", "forgets_at")


@dataclass(frozen=True, slots=True)
class CardChange:
    """What a batch tells the door of a show.

    `fields`: see `card`. `before`: the version before the batch. `settled`: whether settings have changed. `taken`:
    the seats whose state has changed, number in the plan -> until when they are taken (core/taken_seats.py);
    `all_taken`: all of them, where they were read.
    `books`: how many Books of whom left the lane; `limits`: user -> until when (ms) the
    door may believe that so many more seats are the most this user may take; (0, 0): nothing of the kind.
    """

    show_id: int
    fields: dict[str, Any]
    before: int
    settled: bool
    taken: dict[int, int]
    all_taken: bytes = b""
    books: Mapping[UUID, int] = field(default_factory=dict)
    limits: Mapping[UUID, tuple[int, int]] = field(default_factory=dict)

    def arguments(self) -> list[str | int | bytes]:
        """What finish.lua takes, in its order."""
        taken = " ".join(f"{number} {until}" for number, until in self.taken.items())
        return [
            *(self.fields[name] for name in FIELDS),
            *(self.before, int(self.settled), taken, self.all_taken),
            " ".join([f"{user} {number}" for user, number in self.books.items()] + self._all_books()),
            " ".join(f"{user} {until_ms} {left}" for user, (until_ms, left) in self.limits.items()),
        ]

    def _all_books(self) -> list[str]:
        return [f"all {sum(self.books.values())}"] if self.books else []


def card(
    settings: ShowSettings,
    *,
    version: int,
    hall_id: int,
    sold_out_until_ms: int,
    forgets_at_ms: int | None,
) -> dict[str, Any]:
    """A card's fields, as accept.lua reads them. `forgets_at`: when the first final status of the show may
    have left Redis; from then on a refusal must be checked against Postgres. None: there is none yet."""
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
    """Return for how long Redis is to keep a show's card, ms: until the show has begun and its holds have ended.

    A card that is asked for later is rebuilt, and kept for a while. By this machine's clock: an hour more or less
    does no harm.
    """
    return max(settings.starts_ms + KEPT_MS - int(time.time() * 1000), ASKED_MS)


def publish(rounds: Rounds, show_id: int, fields: dict[str, Any], lanes: int, *, ttl_ms: int = 0) -> None:
    """Put a card into Redis unless a newer version is there. Raises RedisUnavailable, AcceptUnknown. Repeat: safe.

    Args: ttl_ms: for how long it is kept, also if a newer one is there; 0: as long as that one, or for ever.
    """
    rounds.call(publish_commands(show_id, fields, lanes, ttl_ms=ttl_ms), writes=False)  # safe to repeat


def publish_commands(show_id: int, fields: dict[str, Any], lanes: int, *, ttl_ms: int = 0) -> list[Command]:
    """What `publish` sends, for one round that publishes many."""
    flat = [value for name, field in fields.items() if name != "v" for value in (name, field)]
    key = keys.card(lane_of(show_id, lanes), show_id)
    publish: Command = ("EVALSHA", scripts.PUBLISH.sha, 1, key, fields["v"], 0, *flat)
    return [publish, ("PEXPIRE", key, ttl_ms)] if ttl_ms else [publish]


def hall_of(rounds: Rounds, show_id: int, lanes: int) -> int | None:
    """The hall of a show, from its card; None if there is no card. Raises RedisUnavailable."""
    [hall_id] = rounds.call([("HGET", keys.card(lane_of(show_id, lanes), show_id), "hall")], writes=False)
    return int(hall_id) if hall_id is not None else None


def plan(rounds: Rounds, hall_id: int) -> Hall | None:
    """A hall from Redis; None if it is not there. Raises RedisUnavailable."""
    [text] = rounds.call([("GET", keys.hall(hall_id))], writes=False)
    return Hall.from_plan(hall_id, orjson.loads(text)) if text is not None else None


def missing_plans(rounds: Rounds, hall_ids: Collection[int]) -> list[int]:
    """Return those of some halls whose plan Redis does not have. Raises RedisUnavailable."""
    wanted = sorted(hall_ids)
    there = rounds.call([("EXISTS", keys.hall(hall_id)) for hall_id in wanted], writes=False)
    return [hall_id for hall_id, found in zip(wanted, there, strict=True) if not found]


def publish_plan(rounds: Rounds, hall_id: int, plan_: dict[str, Any]) -> None:
    """Put a hall's plan into Redis. Raises RedisUnavailable. Repeat: safe, a plan never changes."""
    rounds.call([("SET", keys.hall(hall_id), orjson.dumps(plan_).decode())], writes=False)
