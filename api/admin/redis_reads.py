"""The connection to Redis for administrators' reads: theirs may be large, and must not delay a booking."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from flask import current_app

from db.kv.rounds import Command, Rounds


def read(commands: Sequence[Command]) -> list[Any]:
    """Send commands in one round and return their replies. Raises: RedisUnavailable."""
    return cast(Rounds, current_app.extensions["onsale-admin"]).call(commands, writes=False)
