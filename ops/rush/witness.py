"""Checks what one booking's buyer is told: one id, no step back, a final status for ever.

Pure. A buyer's answers come one after the other, so each must be at least as far on as the one before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ops.rush.picks import Pick

FINAL = frozenset({"CONFIRMED", "FAILED", "CANCELLED"})
QUEUED, HELD = "QUEUED", "HELD"


class Witness:
    """Sees the answers about one booking, in order, and tells `violate` what must not be."""

    __slots__ = ("_pick", "_violate", "confirm_asked", "id", "reason", "seats", "stage", "status")

    def __init__(self, pick: Pick, violate: Callable[[str], None]) -> None:
        self._pick = pick
        self._violate = violate
        self.id = ""
        self.status = ""
        self.stage = ""
        self.reason = ""
        self.seats: tuple[str, ...] = ()
        self.confirm_asked = False

    @property
    def is_final(self) -> bool:
        """Whether the outcome was seen."""
        return self.status in FINAL

    def identify(self, booking_id: object) -> None:
        """An answer named this booking id."""
        if not isinstance(booking_id, str) or not booking_id:
            self._violate(f"an answer about booking {self.id or '(new)'} has no id")
        elif self.id and booking_id != self.id:
            self._violate(f"one key, two bookings: {self.id} and {booking_id}")
        else:
            self.id = booking_id

    def see(self, body: dict[str, Any]) -> None:
        """A 2xx answer about the booking: a status as the api gives it."""
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
            self._violate(f"booking {self.id}: HELD, but no hold was asked for")
        self.status, self.stage = "PENDING", stage

    def _end(self, status: str, body: dict[str, Any]) -> None:
        self.status, self.stage = status, ""
        self.reason = str(body.get("reason") or status)
        if status != "CONFIRMED":
            return
        if self._pick.hold and not self.confirm_asked:
            self._violate(f"booking {self.id}: CONFIRMED before the confirm was asked for")
        self.seats = tuple(body.get("seats") or ())
        wanted = self._pick.seats
        if len(set(self.seats)) != self._pick.quantity or (wanted and set(self.seats) != set(wanted)):
            told = ", ".join(wanted) or str(self._pick.quantity)
            self._violate(f"booking {self.id}: asked for {told}, confirmed {', '.join(self.seats) or 'none'}")
