"""Accepting bookings with small caps per user and show, for tests of these caps."""

from __future__ import annotations

import itertools
from uuid import UUID

from core import ids
from core.operations import Book
from db.kv import admission, keys
from db.kv.admission import AcceptReply
from tests.support.stage import Stage

LANES, USER_CAP, SHOW_CAP = 4, 2, 5
_keys = itertools.count(1)


def ask(
    stage: Stage, show: int, *seats: str, user: UUID | None = None, key: str = "", quantity: int = 0
) -> AcceptReply:
    """Accept a Book (one of the best seats, if none is named) with small caps; return the result."""
    user = user or stage.alice
    operation = Book(
        booking_id=ids.booking_id(b"k" * 32, show, user, key or f"undecided {next(_keys)}"),
        show_id=show,
        user_id=user,
        fingerprint="f",
        seats=seats,
        quantity=quantity or (0 if seats else 1),
    )
    settings = stage.stores.settings
    return admission.accept(
        stage.stores.rounds,
        operation,
        lanes=LANES,
        cap=settings.lane_cap,
        lease_ms=settings.lease_ms,
        user_cap=USER_CAP,
        show_cap=SHOW_CAP,
    )


def counts(stage: Stage, show: int) -> dict[str, str]:
    """Return the undecided bookings that accept.lua has counted for a show."""
    return stage.stores.client.hgetall(keys.undecided(show % LANES, show))
