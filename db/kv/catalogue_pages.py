"""Bodies of the catalogue's public answers, in Redis for all api processes (api/catalogue/catalogue_cache.py).

A body is kept with the token of its kind. A change of the catalogue deletes the token after COMMIT, and the next
reader makes a new, random one, so that no earlier body is ever taken for current. A reader reads the token before it
reads Postgres, so a body from before a change never gets the token from after it. DEL is allowed while Redis is full.

Memory is bounded: there are SLOTS keys, in which bodies of up to MOST_BYTES replace each other, and each has a TTL.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from typing import Any

from db.kv import keys
from db.kv.rounds import Command

#: Keys of bodies, and max bytes of a body: 32 MiB in all, whatever clients ask for.
SLOTS, MOST_BYTES = 512, 64 * 1024


class Kind(StrEnum):
    """What a change of the catalogue makes outdated. Bodies that contain shows are of kind SHOWS."""

    MOVIES = "movies"
    HALLS = "halls"
    SHOWS = "shows"


@dataclass(frozen=True, slots=True)
class Page:
    """Which body: its kind, and a digest of what was asked for. `card`: key of the show's card, for a single show."""

    kind: Kind
    digest: str
    card: str = ""

    @property
    def key(self) -> str:
        """The key of its slot."""
        return keys.catalogue_page(int(self.digest[:8], 16) % SLOTS)


@dataclass(frozen=True, slots=True)
class Found:
    """What Redis has of a page. `token`: of its kind, None if there is none. `body`: None if there is no current one.

    `age_ms`, `left_ms`: how long ago the body was kept, and for how long Redis still keeps it, by Redis's clock.
    `version`: of the show that the body shows.   `card_version`: of its card; None if there is no card.
    """

    token: str | None
    body: bytes | None = None
    age_ms: int = 0
    left_ms: int = 0
    version: int = 0
    card_version: int | None = None


def page(kind: Kind, asked: Iterable[object], card: str = "") -> Page:
    """Return the page of a kind for what was asked: path, query and view, which have distinct reprs."""
    return Page(kind, blake2b(repr((kind.value, *asked)).encode(), digest_size=16).hexdigest(), card)


def look_commands(wanted: Page) -> list[Command]:
    """Return the commands whose replies `parse` reads."""
    commands: list[Command] = [
        ("GET", keys.catalogue_token(wanted.kind)),
        ("GET", wanted.key),
        ("PTTL", wanted.key),
    ]
    return [*commands, ("HGET", wanted.card, "v")] if wanted.card else commands


def parse(wanted: Page, replies: Sequence[Any]) -> Found:
    """Return what Redis has of a page. A slot with another page, or one with another token, has no current body."""
    token, text, left_ms = replies[0], replies[1] or "", int(replies[2])
    card_version = int(replies[3]) if wanted.card and replies[3] else None
    head, _, body = text.partition("\n")
    fields = head.split(" ")
    if token is None or left_ms <= 0 or len(fields) != 4 or fields[:2] != [wanted.digest, token]:
        return Found(token, card_version=card_version)
    age_ms = max(0, int(fields[2]) - left_ms)
    return Found(token, body.encode(), age_ms, left_ms, int(fields[3]), card_version)


def token_commands(kind: Kind) -> list[Command]:
    """Return the commands that make a kind's token if it has none; the last reply is the token."""
    key = keys.catalogue_token(kind)
    return [("SET", key, secrets.token_hex(8), "NX"), ("GET", key)]


def keep_command(wanted: Page, token: str, body: bytes, version: int, ttl_ms: int) -> Command | None:
    """Return the command that keeps a body, in place of what its slot has; None if the body is too large."""
    if len(body) > MOST_BYTES:
        return None
    return ("SET", wanted.key, f"{wanted.digest} {token} {ttl_ms} {version}\n{body.decode()}", "PX", ttl_ms)


def drop_command(kinds: Iterable[Kind]) -> Command:
    """Return the command after which no body of these kinds is current. To be sent after COMMIT. Repeat: safe."""
    return ("DEL", *(keys.catalogue_token(kind) for kind in kinds))
