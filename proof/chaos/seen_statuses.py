"""Checks of the statuses that clients saw: they only moved forward, and are what was decided."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import Any, NamedTuple

from proof.chaos.evidence import Evidence
from proof.chaos.record import BOOK, Call

FINAL = ("CONFIRMED", "FAILED", "CANCELLED")
#: Redis uses this machine's clock, truncated to milliseconds.
SLACK_S = 0.005


class Violation(NamedTuple):
    """One violation. `at`: when it was seen, in seconds since 1970; None if that is not known."""

    text: str
    at: float | None = None


def forward_only(evidence: Evidence) -> Iterator[Violation]:
    """I3: the statuses that a client saw only moved forward."""
    for id_, calls in evidence.by_booking.items():
        seen = sorted((call for call in calls if shows_status(call)), key=lambda call: call.answered_at)
        ends = [call.answered_at for call in seen]
        newest: list[Call] = []
        for call in seen:
            last = newest[-1] if newest else call
            newest.append(call if call.said["version"] >= last.said["version"] else last)
        for call in calls:
            place = bisect_right(ends, call.sent_at)
            if place == 0:
                continue
            before = newest[place - 1]
            if call.code == 404 and id_ not in evidence.lost_by_wipe:
                yield Violation(f"booking {id_} was there and then unknown", call.answered_at)
            elif (
                _went_back(before, call)
                and call.answered_at > evidence.stale_until(before.sent_at)
                and not _may_queue_again(evidence, id_, before, call)
            ):
                yield Violation(f"booking {id_} was {form(before)} and then {form(call)}", call.answered_at)


def _went_back(before: Call, call: Call) -> bool:
    return shows_status(call) and bool(call.said["version"] < before.said["version"])


def _may_queue_again(evidence: Evidence, id_: str, before: Call, call: Call) -> bool:
    """Return whether the key was repeated after its status had left Redis: then it is queued once more.

    A final status leaves Redis after its time, every status leaves it with a wipe.
    """
    if call.said["version"]:
        return False
    wiped = evidence.wiped_between(before.sent_at, call.answered_at)
    for row in evidence.rows_of.get(id_, ()):
        if row.decision.get("version", 0) >= before.said["version"]:
            decided_at = evidence.decided_at(row)
            over = (
                row.decision["status"] in FINAL and call.answered_at - decided_at >= evidence.status_ttl_s - SLACK_S
            )
            if wiped or over:
                return any(
                    each.kind == BOOK
                    and each.sent_at <= call.answered_at
                    and decided_at <= (each.answered_at or call.sent_at)
                    for each in evidence.by_booking[id_]
                )
    return False


def same_key_same_outcome(evidence: Evidence) -> Iterator[Violation]:
    """I4: same key, same booking; and every version that a client saw is the one that was decided."""
    for id_, calls in evidence.by_booking.items():
        decided = {row.decision["version"]: row for row in evidence.rows_of.get(id_, ()) if "version" in row.decision}
        for call in calls:
            if call.kind == BOOK and call.accepted and call.said["id"] != id_:
                text = f"the key {call.key} of {call.user} gave booking {call.said['id']}, and is {id_}"
                yield Violation(text, call.answered_at)
            elif call.code == 201 and call.said["stage"] != "HELD" and call.said["status"] != "CONFIRMED":
                yield Violation(f"booking {id_} was answered 201, and is {form(call)}", call.answered_at)
            elif shows_status(call) and call.said["version"]:
                row = decided.get(call.said["version"])
                if row is None or not _agrees(call.said, row.decision):
                    recorded = row.decision if row else "nothing"
                    text = f"booking {id_} was shown as {form(call)}, and recorded is {recorded}"
                    yield Violation(text, call.answered_at)


def _agrees(said: dict[str, Any], decision: dict[str, Any]) -> bool:
    status = "WAITING" if said["stage"] == "WAITING" else said["status"]
    return (status, said["seats"], said["amount_cents"]) == tuple(
        decision[name] for name in ("status", "seats", "amount_cents")
    )


def shows_status(call: Call) -> bool:
    """Return whether the answer showed a booking's status."""
    return call.accepted and call.said.get("version") is not None


def last_seen(evidence: Evidence) -> Iterator[tuple[str, Call]]:
    """Yield the last status seen of each booking after the system came to rest, if it was read then."""
    for id_, calls in evidence.by_booking.items():
        after = [call for call in calls if call.sent_at >= evidence.rested_at and shows_status(call)]
        if after:
            yield id_, after[-1]


def form(call: Call) -> str:
    said = call.said
    return f"{said['stage'] or said['status']} v{said['version']}"
