"""Attempts to log in, counted in Redis for all api processes together (lua/attempt.lua, lua/give_back.lua)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from redis.exceptions import ResponseError

from core.errors import RedisUnavailable
from db.kv import keys, scripts
from db.kv.rounds import Rounds


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many attempts of one subject in a window. `subject` becomes a part of a key: no person's data."""

    subject: str
    most: int
    window_s: int


def count(rounds: Rounds, limits: Sequence[Limit]) -> int:
    """Count one attempt against all of these; returns 0, or the milliseconds to wait if one of them is reached.

    Raises: RedisUnavailable, AcceptUnknown: it may or may not have been counted; also at maxmemory.
    """
    names = [keys.attempts(f"{limit.window_s}:{limit.subject}") for limit in limits]
    arguments = [number for limit in limits for number in (limit.most, limit.window_s * 1000)]
    try:
        [wait_ms] = rounds.call([("EVALSHA", scripts.ATTEMPT.sha, len(names), *names, *arguments)], writes=True)
    except ResponseError as error:  # at maxmemory nothing can be counted, so nobody is let in
        raise RedisUnavailable from error
    return int(wait_ms)


def give_back(rounds: Rounds, limits: Sequence[Limit], since_ms: int) -> None:
    """Count one attempt less: it was counted at least `since_ms` ago, and succeeded.

    Raises: RedisUnavailable, AcceptUnknown.   Repeat: takes away another one's attempt.
    """
    names = [keys.attempts(f"{limit.window_s}:{limit.subject}") for limit in limits]
    arguments = [number for limit in limits for number in (limit.window_s * 1000, since_ms)]
    try:
        rounds.call([("EVALSHA", scripts.GIVE_BACK.sha, len(names), *names, *arguments)], writes=True)
    except ResponseError as error:  # at maxmemory
        raise RedisUnavailable from error


def forget(rounds: Rounds, limits: Sequence[Limit]) -> None:
    """Start again from nothing: the attempt succeeded. Raises: RedisUnavailable, AcceptUnknown."""
    rounds.call([("DEL", *(keys.attempts(f"{limit.window_s}:{limit.subject}") for limit in limits))], writes=True)
