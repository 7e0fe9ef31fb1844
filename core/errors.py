"""The exceptions. A class's docstring is its default message; `code` is stable and public.

A *refusal* (seat taken, sold out) is not an exception but a Decision. A *transient* failure is raised, and the work
is retried. Anything else is a bug and propagates to an alarm.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence


class OnsaleError(Exception):
    """Something went wrong."""

    code = "error"

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or inspect.cleandoc(self.__doc__ or self.code))


class ConfigurationError(OnsaleError):
    """The configuration is not usable."""

    code = "configuration"


class InUse(OnsaleError):
    """Something else needs it, so it cannot be deleted.

    `members`, of the problem: what needs it, and the ids of some of those.
    """

    code = "in_use"

    def __init__(self, by: str, ids: Sequence[object] = ()) -> None:
        super().__init__(f"It cannot be deleted, because it has {by}.")
        self.members = {"in_use_by": by, "ids": [id_ if isinstance(id_, int) else str(id_) for id_ in ids]}


class WrongInstallation(ConfigurationError):
    """Postgres, Redis and LANES are not of one installation."""

    code = "wrong_installation"


class SchemaError(OnsaleError):
    """The database's schema is not the one that this program was written for."""

    code = "schema"


class RedisUnavailable(OnsaleError):
    """Redis cannot be reached; nothing was accepted."""

    code = "redis_unavailable"


class AcceptUnknown(OnsaleError):
    """The request was sent to Redis but the answer was lost: it may have been accepted."""

    code = "accept_unknown"


class PostgresUnavailable(OnsaleError):
    """Postgres cannot be reached."""

    code = "postgres_unavailable"


class LaneBusy(OnsaleError):
    """Another drain holds the lane's row."""

    code = "lane_busy"


class SeatConflict(OnsaleError):
    """A seat or a booking has changed since this transaction read it: the lane's lock did not hold."""

    code = "seat_conflict"


class LaneStopped(OnsaleError):
    """Several operations in a row could not be decided: the lane waits for a corrected program."""

    code = "lane_stopped"


class PostgresWentBack(LaneStopped):
    """Redis has published decisions of the lane that its journal does not have: Postgres has lost them."""

    code = "postgres_went_back"


class UnknownVersion(OnsaleError):
    """The operation was written by a newer version of the program."""

    code = "unknown_version"


class Unreadable(OnsaleError):
    """The operation's payload cannot be read."""

    code = "unreadable"
