"""Compares what a recording says became of its bookings with what became of them in a replay. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from core.bookings import Reason

#: Refusals at admission that say the same as a failure in the lane: Redis knew earlier what the lane would say.
SAME_AS = {
    "sold_out": f"FAILED {Reason.SOLD_OUT}",
    "seat_taken": f"FAILED {Reason.SEAT_TAKEN}",
    "limit_reached": f"FAILED {Reason.LIMIT_REACHED}",
    "show_closed": f"FAILED {Reason.SHOW_CLOSED}",
    # Nobody confirmed it: whether its time is up yet depends on when one looks.
    f"FAILED {Reason.HOLD_EXPIRED}": "HELD",
}
UNDECIDED = "UNDECIDED"

_OTHER_ORDER = "requests that arrived together came in another order, so other buyers got these seats"
_WHY = {
    f"FAILED {Reason.SEAT_TAKEN}": _OTHER_ORDER,
    f"FAILED {Reason.SOLD_OUT}": _OTHER_ORDER,
    f"FAILED {Reason.LIMIT_REACHED}": "this buyer got other seats before, or the limit per buyer is lower here",
    f"FAILED {Reason.NO_SUCH_SEAT}": "this hall has no such seat: the recorded show was in another hall",
    f"FAILED {Reason.NO_SUCH_CATEGORY}": "this hall has no such category: the recorded show was in another hall",
    f"FAILED {Reason.SHOW_CLOSED}": "this show is not on sale",
    f"FAILED {Reason.EXPIRED_IN_QUEUE}": "it waited for longer than its buyer would: the lane was slower here",
    "HELD": "its confirm came after its hold had ended, or found no hold yet",
    "WAITING": "it was still on the waiting list: nobody before it gave seats back",
    UNDECIDED: "the time was up before it was decided",
}
_WON = "the seats were free here: they went to nobody else before, or were given back earlier"
_REFUSED = "it was refused at admission, before its lane"


@dataclass(frozen=True, slots=True)
class Difference:
    """Bookings that ended otherwise, alike: their outcomes, how many there are, and the usual cause."""

    recorded: str
    replayed: str
    count: int
    why: str


def compare(outcomes: Iterable[tuple[str, str]]) -> list[Difference]:
    """Return the differences, the most frequent first. Args: recorded and replayed outcome of each booking."""
    pairs = Counter((_meant(recorded), _meant(replayed)) for recorded, replayed in outcomes)
    return [
        Difference(recorded, replayed, count, _why(recorded, replayed))
        for (recorded, replayed), count in pairs.most_common()
        if recorded != replayed
    ]


def _meant(outcome: str) -> str:
    return SAME_AS.get(outcome, outcome) or UNDECIDED


def _why(recorded: str, replayed: str) -> str:
    if replayed in _WHY:
        return _WHY[replayed]
    if replayed in ("CONFIRMED", "CANCELLED") and recorded.startswith("FAILED"):
        return _WON
    return _REFUSED if replayed.islower() else "the same request had another outcome"
