"""Checking the code that a log-in needs beside the password, if its account has a second factor.

Callers count the attempt before, as for a password (login_limits.py), and reset the count only when the code is
right.
"""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from api.web.errors import SecondFactorRequired, SecondFactorWrong
from core import second_factor
from core.times import iso, to_ms
from db.postgres import second_factors


def now_s() -> float:
    """Return this server's clock, seconds since 1970."""
    return time.time()


def redeem(connection: Connection, user_id: UUID, code: str | None) -> bool:
    """Use up a one-time or recovery code; False, and no code is needed, if the account has no second factor.

    Locks:   second_factors(user_id) FOR UPDATE.
    Raises:  SecondFactorRequired: there is no code.  SecondFactorWrong.  Roll back: nothing is used up then.
    Repeat:  SecondFactorWrong.
    """
    factor = second_factors.get(connection, user_id, lock=True)
    if factor is None or factor.confirmed_at is None:
        return False
    if code is None:
        raise SecondFactorRequired
    step = second_factor.step_of(factor.secret, code, now_s(), factor.last_step)
    if step is not None:
        second_factors.use_step(connection, user_id, step)
        return True
    code_hash = second_factor.recovery_hash(user_id, code)
    if code_hash is None or not second_factors.use_recovery_code(connection, user_id, code_hash):
        raise SecondFactorWrong
    return True


def state(connection: Connection, user_id: UUID) -> dict[str, Any]:
    """Return what an account may know of its second factor: since when, and how many recovery codes are left."""
    found = second_factors.get(connection, user_id)
    since = found.confirmed_at if found else None
    return {
        "enrolled": since is not None,
        "enrolled_at": iso(to_ms(since)) if since else None,
        "recovery_codes_left": second_factors.count_recovery_codes(connection, user_id),
    }
