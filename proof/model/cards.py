"""The card of the one show: whether the door refuses a Book, and how a card that is wrong is put right.

A version of the show is a number of changes of its one seat: it is free in the even ones and taken in the odd ones.
Whoever is not one of the modelled clients is a newcomer: what it does to the card is modelled, its booking is not.
"""

from __future__ import annotations

from functools import lru_cache

from proof.model.layout import ABSENT, PUBLISHED, ROW, Layout
from proof.model.postgres import CANCELLED, CONFIRMED
from proof.model.sizes import BOOK

#: In the place of an api's request.
NEWCOMER = 0xFF
#: What accept.lua makes of a Book by its card: NO_CARD; a refusal that is to be confirmed; a refusal; nothing.
UNKNOWN, STALE, REFUSED, ADMITTED = range(4)


@lru_cache(maxsize=1 << 16)
def current(rows: bytes, requests: tuple[int, ...]) -> int:
    """The card as Postgres has it after some journal rows: db/recall.py cards_of, workers/publish.py _cards."""
    changes = 0
    for at in range(0, len(rows), ROW):
        request, outcome = rows[at + 1], rows[at + 2]
        changes += outcome == CONFIRMED or (outcome == CANCELLED and requests[request] != BOOK)
    return PUBLISHED + changes


def sold_out(card: int) -> bool:
    """Whether the door refuses every Book by this card."""
    return card != ABSENT and bool((card - PUBLISHED) % 2)


def ask(layout: Layout, state: bytearray) -> int:
    """accept.lua: what it makes of a Book. Of those that a stale card refuses, one is to have it confirmed."""
    if not layout.size.cards:
        return ADMITTED
    card = state[layout.card]
    if card == ABSENT:
        return UNKNOWN
    if not sold_out(card):
        return ADMITTED
    if state[layout.doubted] and layout.size.bug != "a refusal's card is never confirmed":
        state[layout.doubted] = 0
        return STALE
    return REFUSED


def publish(layout: Layout, state: bytearray, card: int, *, recalled: bool = False) -> None:
    """publish.lua (`recalled`) and finish.lua: a card as Postgres had it, unless a newer one is there."""
    compares = layout.size.bug != "publish.lua does not compare the versions of cards" or not recalled
    if state[layout.card] < card or not compares:
        state[layout.card] = card
    if recalled or state[layout.card] == card:
        state[layout.doubted] = 0
