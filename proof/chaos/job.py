"""The parameters of a load (load.py), which another process reads as one line of JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """The parameters of a load. Rates are requests per second.

    generations: the groups of shows that are booked, one after the other, for `generation_s` seconds each.
    premium: the labels of that category; admin: an administrator's id.
    steady: the show of each generation that the steady stream books; steady_labels: its seats.
    """

    host: str
    port: int
    secret: str
    seed: int
    rate: float
    users: int
    generations: tuple[tuple[int, ...], ...]
    generation_s: float
    labels: tuple[str, ...]
    premium: tuple[str, ...]
    admin: str
    steady_rate: float
    steady: tuple[int, ...]
    steady_labels: tuple[str, ...]
    token_ttl_s: int
    path: str

    def to_json(self) -> str:
        """Return the job as one line."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, line: str) -> Job:
        """Read what `to_json` returned."""
        values = json.loads(line)
        values["generations"] = tuple(map(tuple, values["generations"]))
        for name in ("labels", "premium", "steady", "steady_labels"):
            values[name] = tuple(values[name])
        return cls(**values)
