"""The rules of the waiting list: who joins it, to whom free seats are offered, and when it ends.

An offer is a hold with its own time limit. Whatever frees seats offers them in the same decision, and before a Book
takes seats that have become free by time alone, they are offered first. So nobody who waits, and is among the first
WINDOW of those who cannot be served, is passed over by a later request.
"""

from __future__ import annotations

import json

from core import granting
from core.bookings import Booking, Outcome, Reason, Status
from core.choosing import Choice, choose
from core.decider import Decider
from core.operations import Book, Kind
from core.waiting import WINDOW, wish_of, wished


def join(decider: Decider, operation: Book) -> None:
    """Decide a Book that cannot have its seats and wants to wait for them."""
    waiting = decider.state.waiting
    if waiting.count >= decider.state.show.settings.waiting_list_max:
        decider.fail_book(operation, Reason.WAITING_LIST_FULL)
        return
    booking = decider.new_booking(operation, Status.WAITING, None)
    booking.wish = wish_of(operation)
    waiting.join(booking)
    decider.decide_on(booking, Outcome.WAITING, None)


def offer(decider: Decider, most: int) -> bool:
    """Offer the free seats to the list, in order; return whether all was offered that can be.

    Args: most: this many leave the list at most. If it is reached, False: the free seats are due to others who wait.
    """
    state, waiting = decider.state, decider.state.waiting
    if not waiting.due or not waiting.count:
        return True
    if not state.show.settings.on_sale(decider.at_ms):
        waiting.finished(False)
        return False
    passed, left, hopeless = 0, 0, set[str]()
    for booking in waiting:
        wish = json.dumps(booking.wish)
        found = None if wish in hopeless else choose(state, wished(booking), decider.at_ms, limited=False)
        if found is None or (isinstance(found, Reason) and found is not Reason.PRICE_CHANGED):
            # Seats only become fewer here, so what failed once fails again.
            hopeless.add(wish)
            passed += 1
        elif left == most:
            waiting.finished(False)
            return False
        else:
            _offer_to(decider, booking, found)
            left += 1
        if passed == WINDOW:
            break
    else:
        assert waiting.whole or state.full(decider.at_ms)  # load_state.py loads as much as can be looked at
    waiting.finished(True)
    return True


def close(decider: Decider, most: int) -> int:
    """Fail up to `most` of those who wait, if the sale is over; return how many."""
    if not decider.state.show.settings.over(decider.at_ms):
        return 0
    ended = list(decider.state.waiting)[:most]
    for booking in ended:
        _fail(decider, booking, Reason.SHOW_CLOSED, by=Kind.EXPIRE)
    return len(ended)


def _offer_to(decider: Decider, booking: Booking, found: Choice | Reason) -> None:
    """Hold the chosen seats for a booking of the list; or fail it, if its user may have no more seats, or would have
    to pay another price than expected."""
    state = decider.state
    if isinstance(found, Reason):
        _fail(decider, booking, found, by=Kind.OFFER)
        return
    if state.seats_of_user(booking.user_id, decider.at_ms) + len(found.seats) > state.show.settings.seats_per_user:
        _fail(decider, booking, Reason.LIMIT_REACHED, by=Kind.OFFER)
        return
    decider.expire_owners(found.seats)
    state.waiting.leave(booking)
    booking.decided_ms = decider.decided_ms
    settings = state.show.settings
    granting.hold(decider, wished(booking), booking, found, settings.offer_ms or settings.hold_ms)
    decider.decide_on(booking, Outcome.OFFERED, None, by=Kind.OFFER)


def _fail(decider: Decider, booking: Booking, reason: Reason, *, by: Kind) -> None:
    decider.state.waiting.leave(booking)
    booking.status, booking.reason, booking.decided_ms = Status.FAILED, reason, decider.decided_ms
    decider.decide_on(booking, Outcome.FAILED, reason, by=by)
