"""What a batch publishes about users: whose Books left the lane, and who may take no more seats (db/kv/cards.py)."""

from __future__ import annotations

from collections import Counter, defaultdict
from uuid import UUID

from core.bookings import Decision, Outcome, Reason
from core.operations import Book
from core.state import ShowState
from db.kv.cards import NO_END_MS
from workers.batch import Batch


def books(batch: Batch) -> dict[int, Counter[UUID]]:
    """Return per show and user how many Books leave the lane with the batch."""
    found: dict[int, Counter[UUID]] = defaultdict(Counter)
    for entry in (*batch.again, *batch.fresh):
        if isinstance(entry.operation, Book):
            found[entry.operation.show_id][entry.operation.user_id] += 1
    return found


def limits(batch: Batch) -> dict[int, dict[UUID, tuple[int, int]]]:
    """Return per show what is known now of users whose Books failed by their limit, or whose seats were freed."""
    found: dict[int, dict[UUID, tuple[int, int]]] = defaultdict(dict)
    for decision in batch.decisions:
        state = batch.states.get(decision.show_id)
        if state is None or decision.booking_id not in state.bookings:
            continue
        user_id = state.bookings[decision.booking_id].user_id
        if decision.reason is Reason.LIMIT_REACHED and decision.outcome is Outcome.FAILED:
            found[decision.show_id][user_id] = _limit(state, user_id)
        elif _gives_back(decision) and user_id not in found[decision.show_id]:
            found[decision.show_id][user_id] = (0, 0)
    return found


def _gives_back(decision: Decision) -> bool:
    return decision.outcome in (Outcome.CANCELLED, Outcome.EXPIRED, Outcome.RELEASED)


def _limit(state: ShowState, user_id: UUID) -> tuple[int, int]:
    """Return until when (ms) this user's limit is as it is now, and how many more seats it allows."""
    at_ms = state.now_ms
    left = state.show.settings.seats_per_user - state.seats_of_user(user_id, at_ms)
    return state.first_deadline_of_user(user_id, at_ms) or NO_END_MS, max(0, left)
