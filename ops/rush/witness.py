"""Checks the answers about one booking: one id, no step backwards, a final status that never changes.

Pure. A buyer sends one request at a time, so each answer must be at least as advanced as the one before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ops.rush.picks import Pick

FINAL = frozenset({"CONFIRMED", "FAILED", "CANCELLED"})
QUEUED, HELD = "QUEUED", "HELD"


class Witness:
    """Takes the answers about one booking, in order, and reports violations to `violate`."""

    __slots__ = ("_pick", "_violate", "confirm_sent", "id", "reason", "seats", "stage", "status")

    def __init__(self, pick: Pick, violate: Callable[[str], None]) -> None:
        self._pick = pick
        self._violate = violate
        self.id = ""
        self.status = ""
        self.stage = ""
        self.reason = ""
        self.seats: tuple[str, ...] = ()
        self.confirm_sent = False

    @property
    def is_final(self) -> bool:
        """Whether the booking's outcome was seen."""
        return self.status in FINAL

    def identify(self, booking_id: object) -> None:
        """Take a booking id from an answer; it must be the first one or the same."""
        if not isinstance(booking_id, str) or not booking_id:
            self._violate(f"an answer about booking {self.id or '(new)'} has no id")
        elif self.id and booking_id != self.id:
            self._violate(f"one key, two bookings: {self.id} and {booking_id}")
        else:
            self.id = booking_id

    def see(self, body: dict[str, Any]) -> None:
        """Take the body of a 2xx answer: the booking's status as the api sends it."""
        self.identify(body.get("id"))
        status, stage = body.get("status"), body.get("stage")
        if self.is_final:
            if status != self.status:
                self._violate(f"booking {self.id}: {self.status} became {status}")
            return
        if status == "PENDING":
            self._wait(str(stage))
        elif status in FINAL:
            self._end(str(status), body)
        else:
            self._violate(f"booking {self.id}: unknown status {status!r}")

    def _wait(self, stage: str) -> None:
        if stage not in (QUEUED, HELD):
            self._violate(f"booking {self.id}: unknown stage {stage!r}")
        elif self.stage == HELD and stage == QUEUED:
            self._violate(f"booking {self.id}: HELD became QUEUED")
        elif stage == HELD and not self._pick.hold:
            self._violate(f"booking {self.id}: HELD, but no hold was requested")
        self.status, self.stage = "PENDING", stage

    def _end(self, status: str, body: dict[str, Any]) -> None:
        self.status, self.stage = status, ""
        self.reason = str(body.get("reason") or status)
        if status != "CONFIRMED":
            return
        if self._pick.hold and not self.confirm_sent:
            self._violate(f"booking {self.id}: CONFIRMED before a confirm was sent")
        self.seats = tuple(body.get("seats") or ())
        wanted = self._pick.seats
        if len(set(self.seats)) != self._pick.quantity or (wanted and set(self.seats) != set(wanted)):
            requested = ", ".join(wanted) or str(self._pick.quantity)
            self._violate(f"booking {self.id}: requested {requested}, confirmed {', '.join(self.seats) or 'none'}")
