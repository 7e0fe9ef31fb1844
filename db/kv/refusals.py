"""Counts of refusals in Redis, by reason and show, for operators. The apis add theirs once a second."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from db.kv import keys
from db.kv.rounds import Command

#: For how long a show's counts are kept after its last refusal, ms: a day.
KEPT_MS = 24 * 3_600_000


def add_commands(counts: Mapping[tuple[int, str], int]) -> list[Command]:
    """Return the commands that add some counts, by (show, reason); show 0: of no show, or of too many.

    Not safe to repeat. In all there is a field per reason, and per show that was refused something in the last day.
    """
    commands: list[Command] = []
    for (show_id, reason), number in counts.items():
        commands.append(("HINCRBY", keys.REFUSED, reason, number))
        if show_id:
            commands.append(("HINCRBY", keys.refused(show_id), reason, number))
    shows = {show_id for show_id, _ in counts if show_id}
    return commands + [("PEXPIRE", keys.refused(show_id), KEPT_MS) for show_id in sorted(shows)]


def read_command(show_id: int | None = None) -> Command:
    """Return the command whose reply `parse` reads: the counts of a show, or (None) of all together."""
    return ("HGETALL", keys.REFUSED if show_id is None else keys.refused(show_id))


def parse(reply: Any) -> dict[str, int]:
    """Return counts by reason, from the reply to `read_command`: a list, or redis-py's dict."""
    pairs = reply.items() if isinstance(reply, dict) else zip(reply[::2], reply[1::2], strict=True)
    return {reason: int(number) for reason, number in pairs}
