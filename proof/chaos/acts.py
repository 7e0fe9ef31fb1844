"""Checks of administrators' changes of shows: decided as requested, and in the audit log."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from proof.chaos.evidence import LIVE, Evidence
from proof.chaos.record import CHANGE_SHOW, Call

Change = tuple[int, str]


def undecided(evidence: Evidence) -> Iterator[tuple[str, float]]:
    """Yield each change that was accepted and has no outcome."""
    decided = {f"{row.epoch}-{row.id}" for row in evidence.rows if row.kind == CHANGE_SHOW}
    for call in _calls(evidence):
        if call.code == 202 and call.said["id"] not in decided and not evidence.may_be_lost(call):
            yield f"change {call.said['id']} of show {call.show} was accepted and has no outcome", call.answered_at


def unasked(evidence: Evidence) -> Iterator[tuple[str, float]]:
    """Yield each change decided more often than it was requested, and each booking cancelled without its show."""
    asked = Counter[Change]()
    for call in _calls(evidence):
        asked[_change(call.show, call.asked)] += call.tries
    for row, settings in evidence.with_settings():
        at = row.decided_ms / 1000
        if row.kind == CHANGE_SHOW:
            change = _change(row.show_id, row.operation["changes"])
            asked[change] -= 1
            if asked[change] < 0:
                yield f"a change of show {row.show_id} was decided and never requested: {row.operation}", at
        elif row.reason == "SHOW_CANCELLED" and row.outcome == "CANCELLED" and not (settings and settings.cancelled):
            yield f"booking {row.booking_id} was cancelled with show {row.show_id}, which is not", at


def uncancelled(evidence: Evidence) -> Iterator[tuple[str, float]]:
    """Yield each booking that a cancelled show has at the end."""
    last, cancelled = dict[str, tuple[int, str, float]](), set[int]()
    for row, settings in evidence.with_settings():
        if settings is not None and settings.cancelled:
            cancelled.add(row.show_id)
        if "status" in row.decision:
            last[str(row.booking_id)] = (row.show_id, row.decision["status"], row.decided_ms / 1000)
    for id_, (show, status, at) in last.items():
        if show in cancelled and status in (*LIVE, "WAITING"):
            yield f"booking {id_} of the cancelled show {show} still is {status}", at


def unrecorded(evidence: Evidence) -> Iterator[tuple[str, float | None]]:
    """Yield each change that the audit log lacks: its intent, or the answer that its client got."""
    intents, open_ = Counter[Change](), dict[int, Change]()
    answers = set[str]()
    for each in evidence.acts:
        act = each.act
        if act.outcome == "INTENDED" and act.subject.startswith("show "):
            open_[each.id] = _change(int(act.subject[5:]), act.after)
            intents[open_[each.id]] += 1
        elif act.intent_id is not None:
            open_.pop(act.intent_id, None)
            after = act.after or {}
            answers.add(f"{after.get('epoch')}-{after.get('entry')}")
    failed, lenient = Counter[Change](), len(evidence.unrecorded)
    for call in _calls(evidence):
        definite = 0 < call.code < 500
        failed[_change(call.show, call.asked)] += call.tries - definite
        if call.code == 202 and call.said["id"] not in answers:
            lenient -= 1
            if lenient < 0:
                yield f"the audit log lacks the answer of change {call.said['id']}", call.answered_at
    for row in evidence.rows:
        if row.kind == CHANGE_SHOW:
            change = _change(row.show_id, row.operation["changes"])
            intents[change] -= 1
            if intents[change] < 0:
                yield f"the audit log lacks the intent of {row.operation}", row.decided_ms / 1000
    # An intent whose client got no answer may have none: its process was killed, or Postgres's reply was lost.
    for change, count in Counter(change for id_, change in open_.items() if id_ not in evidence.unrecorded).items():
        if count > failed[change]:
            yield f"{count} intents of {change} have no answer, and {failed[change]} requests had none", None


def _calls(evidence: Evidence) -> list[Call]:
    return [call for call in evidence.calls if call.kind == CHANGE_SHOW]


def _change(show: int, changes: Any) -> Change:
    return show, json.dumps(changes, sort_keys=True)
