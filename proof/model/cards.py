"""The card of the one show: when accept.lua refuses a Book by it, and how a wrong card is corrected.

A version of the show is the number of changes of its one seat: free in even versions, taken in odd ones.
Any client that is not modelled is a newcomer: what it does to the card is modelled, its booking is not.
"""

from __future__ import annotations

from functools import lru_cache

from proof.model.layout import ABSENT, PUBLISHED, Layout, journal_rows
from proof.model.postgres import CANCELLED, CONFIRMED
from proof.model.sizes import BOOK

#: In place of an api's request.
NEWCOMER = 0xFF
#: What accept.lua does with a Book by its card: NO_CARD; a refusal to be confirmed; a refusal; none of these.
UNKNOWN, STALE, REFUSED, ADMITTED = range(4)


@lru_cache(maxsize=1 << 16)
def current(rows: bytes, requests: tuple[int, ...]) -> int:
    """Return the card according to some journal rows: db/rebuilt_cards.py cards_of, workers/publish.py _cards."""
    changes = 0
    for _, request, outcome in journal_rows(rows):
        changes += outcome == CONFIRMED or (outcome == CANCELLED and requests[request] != BOOK)
    return PUBLISHED + changes


def sold_out(card: int) -> bool:
    """Return whether accept.lua refuses every Book by this card."""
    return card != ABSENT and bool((card - PUBLISHED) % 2)


def check(layout: Layout, state: bytearray) -> int:
    """accept.lua: return what it does with a Book. One of those that a stale card refuses must have it confirmed."""
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
    """put_if_newer.lua (`recalled`) and finish.lua: write a card read from Postgres, unless a newer one is there."""
    compares = layout.size.bug != "put_if_newer.lua does not compare the versions of cards" or not recalled
    if state[layout.card] < card or not compares:
        state[layout.card] = card
    if recalled or state[layout.card] == card:
        state[layout.doubted] = 0
