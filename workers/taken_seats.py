"""Publish taken seats (core/taken_seats.py), so that requests for them are rejected at once and the line stays short.

Taken seats are published for contested shows only. Once a batch has refused a seat, the show's next batch reads all
of its taken seats, in its transaction; from then on each batch publishes what it has changed, from one version of the
show to the next (finish.lua). If a version was left out (a drain was killed before it published, another process
published, Redis was wiped), accept.lua trusts nothing until a batch refuses a seat again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection

from core.bookings import Decision, Reason
from core.state import ShowState
from core.taken_seats import FREE, packed, until_s
from db.postgres import seats


def read(connection: Connection, contested_shows: set[int], states: Mapping[int, ShowState]) -> dict[int, bytes]:
    """Return all taken seats of the batch's contested shows, as its transaction has left them.

    They leave `contested_shows` before they are read: where that fails the batch is tried again without, for the lane
    can.
    """
    found = {}
    for show_id in contested_shows & states.keys():
        contested_shows.discard(show_id)
        hall = states[show_id].show.hall
        taken = {hall.seat_index(label): until_s(ends_ms) for label, ends_ms in seats.taken(connection, show_id)}
        found[show_id] = packed(hall.capacity, taken)
    return found


def changed(state: ShowState) -> dict[int, int]:
    """Return the seats of a show that its batch has changed: number in the plan -> until when they are taken."""
    found = {}
    for label, before in state.owners_before.items():
        after = state.owners[label]
        if before is not None or after is not None:
            until = FREE if after is None else until_s(state.bookings[after].expires_ms)
            found[state.show.hall.seat_index(label)] = until
    return found


def contested(decisions: Iterable[Decision]) -> set[int]:
    """Return the shows of which a batch has refused a seat."""
    return {decision.show_id for decision in decisions if decision.reason is Reason.SEAT_TAKEN}
