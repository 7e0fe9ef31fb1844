"""Changes of seats, as finish.lua publishes them to those who follow a show: one message a batch.

A message says from which version of the show it leads to which, so that a reader notices when one was lost. Nothing
is stored, and a show that nobody follows costs one PUBLISH without a receiver.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.seat_states import Step, of_until

_MESSAGE = re.compile(r"([0-9]+) ([0-9]+) ([01]) ((?:[0-9]+ [0-9]+(?: |$))*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class SeatChange:
    """What one batch has changed about a show. `new_settings`: its settings have changed, too."""

    step: Step
    new_settings: bool


def parse(message: str) -> SeatChange | None:
    """Return what a message says; None if it is not one of ours."""
    found = _MESSAGE.fullmatch(message)
    if found is None:
        return None
    numbers = [int(number) for number in found[4].split()]
    changes = {index: of_until(until_s) for index, until_s in zip(numbers[::2], numbers[1::2], strict=True)}
    return SeatChange(Step(int(found[1]), int(found[2]), changes), found[3] == "1")
