"""Log-in attempts, counted in Redis for all api processes together (lua/attempt.lua, lua/give_back.lua)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from redis.exceptions import ResponseError

from core.errors import RedisUnavailable
from db.kv import keys, scripts
from db.kv.rounds import Rounds


@dataclass(frozen=True, slots=True)
class Limit:
    """Max attempts of one subject in a window. `subject` becomes part of a key, so it must not be personal data."""

    subject: str
    most: int
    window_s: int


def count(rounds: Rounds, limits: Sequence[Limit]) -> int:
    """Count one attempt against all limits and return 0; if one is reached, return the milliseconds to wait instead.

    Raises: RedisUnavailable, also at maxmemory.   AcceptUnknown: the attempt may or may not have been counted.
    """
    names = [keys.attempts(f"{limit.window_s}:{limit.subject}") for limit in limits]
    arguments = [number for limit in limits for number in (limit.most, limit.window_s * 1000)]
    try:
        [wait_ms] = rounds.call([("EVALSHA", scripts.ATTEMPT.sha, len(names), *names, *arguments)], writes=True)
    except ResponseError as error:  # at maxmemory nothing can be counted, so every attempt is refused
        raise RedisUnavailable from error
    return int(wait_ms)


def give_back(rounds: Rounds, limits: Sequence[Limit], since_ms: int) -> None:
    """Uncount one attempt, which was counted at least `since_ms` ago and succeeded.

    Raises: RedisUnavailable, AcceptUnknown.   Repeat: would uncount another attempt.
    """
    names = [keys.attempts(f"{limit.window_s}:{limit.subject}") for limit in limits]
    arguments = [number for limit in limits for number in (limit.window_s * 1000, since_ms)]
    try:
        rounds.call([("EVALSHA", scripts.GIVE_BACK.sha, len(names), *names, *arguments)], writes=True)
    except ResponseError as error:  # at maxmemory
        raise RedisUnavailable from error


def forget(rounds: Rounds, limits: Sequence[Limit]) -> None:
    """Reset the counts after a successful attempt. Raises: RedisUnavailable, AcceptUnknown."""
    rounds.call([("DEL", *(keys.attempts(f"{limit.window_s}:{limit.subject}") for limit in limits))], writes=True)
