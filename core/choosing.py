"""The choice of seats for a Book: its first wish that can be granted, or why none can be."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from core.bookings import Reason
from core.operations import Book
from core.seats import FreeSeats, Pick
from core.state import ShowState
from core.wishes import Wish


class Choice(NamedTuple):
    """Free seats, which nobody has been given yet, and the index of the wish that asks for them."""

    seats: tuple[str, ...]
    wish: int


def choose(state: ShowState, operation: Book, at_ms: int, *, limited: bool = True) -> Choice | Reason:
    """Return the free seats that a Book gets, or why it gets none: the reason of its last wish.

    PRICE_CHANGED if a wish could be granted, but not at the amount that it expects: then no further one is tried.
    `limited`: respect the limit of seats per user; else the caller does.
    """
    reason = Reason.SOLD_OUT
    for index, wish in enumerate(operation.ranked):
        refused = _inadmissible(state, operation.user_id if limited else None, wish, at_ms)
        found = refused or _free_seats(state, operation, wish, at_ms)
        if isinstance(found, tuple):
            expected = wish.expected_amount_cents
            if expected is not None and sum(prices(state, found)) != expected:
                return Reason.PRICE_CHANGED
            return Choice(found, index)
        reason = found
    return reason


def prices(state: ShowState, seats: tuple[str, ...]) -> tuple[int, ...]:
    """Return what these seats cost now, one by one, in cents."""
    of, hall = state.show.settings.prices, state.show.hall
    return tuple(of[hall.category(label)] for label in seats)


def impossible(state: ShowState, operation: Book, at_ms: int) -> Reason | None:
    """Return why no wish of a Book can be granted, whichever seats are free: the last one's reason. None: one can."""
    reason = None
    for wish in operation.ranked:
        reason = _inadmissible(state, operation.user_id, wish, at_ms)
        if reason is None:
            return None
    return reason


def possible(state: ShowState, operation: Book, at_ms: int) -> bool:
    """Return whether a wish of a Book could be granted if all seats were free."""
    empty = FreeSeats(state.show.hall, ())
    return any(
        bool(wish.seats)
        or empty.best(wish.quantity, pick_of(state, wish), together=wish.together, rules=operation.rules) is not None
        for wish in operation.ranked
        if _inadmissible(state, operation.user_id, wish, at_ms) is None
    )


def _inadmissible(state: ShowState, user_id: UUID | None, wish: Wish, at_ms: int) -> Reason | None:
    """Return why a wish cannot be granted whichever seats are free. `user_id`: None: whatever the user has."""
    hall = state.show.hall
    if any(label not in hall.seats for label in wish.seats):
        return Reason.NO_SUCH_SEAT
    if wish.category is not None and wish.category not in hall.categories:
        return Reason.NO_SUCH_CATEGORY
    most = state.show.settings.seats_per_user
    if user_id is not None and state.seats_of_user(user_id, at_ms) + wish.wanted > most:
        return Reason.LIMIT_REACHED
    return None


def _free_seats(state: ShowState, operation: Book, wish: Wish, at_ms: int) -> tuple[str, ...] | Reason:
    """Return the free seats for one wish, or why there are none for it."""
    if wish.seats:
        return wish.seats if all(state.is_free(label, at_ms) for label in wish.seats) else Reason.SEAT_TAKEN
    pick = pick_of(state, wish)
    best = state.best(wish.quantity, pick, at_ms, together=wish.together, rules=operation.rules)
    if best is not None:
        return best
    enough = wish.together and state.count_free(pick, at_ms) >= wish.quantity
    return Reason.NOT_TOGETHER if enough else Reason.SOLD_OUT


def pick_of(state: ShowState, wish: Wish) -> Pick:
    """Return which seats the best available of a wish are chosen from, by the show's prices now."""
    if not wish.min_price_cents and wish.max_price_cents is None:
        return Pick.of(wish.category, accessible=wish.accessible)
    most = wish.max_price_cents
    categories = {
        category
        for category, cents in state.show.settings.prices.items()
        if wish.min_price_cents <= cents and (most is None or cents <= most) and wish.category in (None, category)
    }
    return Pick(frozenset(categories), wish.accessible)
