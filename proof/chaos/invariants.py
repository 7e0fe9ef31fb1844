"""The invariants, each a function over the evidence that yields its violations (docs/reliability.md)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from proof.chaos import acts, granted, holds
from proof.chaos.abandoned import unwanted
from proof.chaos.evidence import AUDITED, LIVE, Evidence
from proof.chaos.record import BOOK, CHANGE_SHOW, CHANGES, FOREIGN, RELEASE, SEATS, SHOW, STATUS, Call
from proof.chaos.refusals import unjust
from proof.chaos.seen_statuses import SLACK_S, Violation, form, forward_only, last_seen, same_key_same_outcome


def _audited(evidence: Evidence, invariant: str) -> Iterator[Violation]:
    for check, texts in evidence.audited.items():
        if AUDITED[check] == invariant:
            yield from map(Violation, texts)


def one_owner(evidence: Evidence) -> Iterator[Violation]:
    """I1: no seat in two live bookings at any instant of the journal, in the tables, or in the clients' last view."""
    owners: dict[tuple[int, str], str] = {}
    seats_of: dict[str, list[str]] = {}
    for row in evidence.rows:
        if row.booking_id is None or "status" not in row.decision:
            continue
        id_, show = str(row.booking_id), row.show_id
        for label in seats_of.pop(id_, ()):
            if owners.get((show, label)) == id_:
                del owners[show, label]
        if row.decision["status"] in LIVE:
            for label in row.decision["seats"]:
                other = owners.setdefault((show, label), id_)
                if other != id_:
                    yield Violation(f"seat {label} of show {show}: {id_} has it, and {other}", row.decided_ms / 1000)
            seats_of[id_] = row.decision["seats"]
    yield from _audited(evidence, "I1")
    seen: dict[tuple[int, str], str] = {}
    for id_, last in last_seen(evidence):
        for label in last.said["seats"] if last.said["status"] in LIVE else ():
            other = seen.setdefault((last.show, label), id_)
            if other != id_:
                yield Violation(f"clients were shown seat {label} of show {last.show}: {id_}, and {other}")


def one_outcome(evidence: Evidence) -> Iterator[Violation]:
    """I2: every 202 has exactly one outcome."""
    for id_, calls in evidence.accepted():
        times = len(evidence.outcomes.get(id_, ()))
        if times > 1:
            yield Violation(f"booking {id_} has {times} outcomes", calls[0].answered_at)
        elif times == 0 and id_ in evidence.lost_by_wipe and id_ not in evidence.refused_again:
            yield Violation(f"booking {id_} was lost by the wipe and not completed by its repetition")
        elif times == 0 and id_ not in evidence.refused_again:
            yield Violation(f"booking {id_} was accepted and has no outcome", calls[0].answered_at)
    for id_, calls in evidence.by_booking.items():
        for kind in CHANGES:
            taken = [call for call in calls if call.kind == kind and call.code == 202]
            if not taken or any(map(evidence.may_be_lost, taken)):
                continue
            first_s = min(call.sent_at for call in calls if call.kind == kind) - SLACK_S
            rows = [row for row in evidence.rows_of.get(id_, ()) if row.kind == kind]
            # An id that is ahead of the clock does not tell when it was accepted: only that it was decided later.
            if not any(
                first_s <= evidence.accepted_at(row)
                and (row.lane in evidence.ahead or row.id.ms / 1000 <= taken[-1].answered_at + SLACK_S)
                for row in rows
            ):
                yield Violation(f"{kind} of {id_} was accepted and has no outcome", taken[0].answered_at)
    yield from (Violation(*each) for each in acts.undecided(evidence))
    yield from _audited(evidence, "I2")


def nothing_unasked(evidence: Evidence) -> Iterator[Violation]:
    """I5: no outcome without a request, or other than requested; no hold expires early or lasts too long."""
    counts: Counter[tuple[str, str]] = Counter()
    for row in evidence.rows:
        id_, at = str(row.booking_id), row.decided_ms / 1000
        if row.part or row.kind in ("EXPIRE", CHANGE_SHOW):
            continue
        asked = [call for call in evidence.by_booking.get(id_, ()) if call.kind == row.kind]
        counts[id_, row.kind] += 1
        if not any(_asks(call, row.operation) for call in asked):
            yield Violation(f"{row.kind} of {id_} was decided and never requested: {row.operation}", at)
        elif row.kind != BOOK and counts[id_, row.kind] > sum(call.tries for call in asked):
            yield Violation(f"{row.kind} of {id_} was decided more often than it was requested", at)
    for found in (unwanted(evidence), holds.wrong(evidence), granted.wrong(evidence), acts.unasked(evidence)):
        yield from (Violation(*each) for each in found)


#: What a request may ask for, as its operation names it, with what it asks for otherwise.
_NAMED_AS = {"waiting_list": "waiting"}
_ASKED: dict[str, Any] = {
    "seats": [], "quantity": 0, "category": None, "hold": False, "give_up_after_ms": 0, "waiting": False,
    "wishes": [], "expected_amount_cents": None,
}  # fmt: skip


def _asks(call: Call, operation: dict[str, Any]) -> bool:
    if call.kind == RELEASE:
        return bool(call.asked["seats"] == operation["seats"])
    if call.kind != BOOK:
        return True
    wanted = {_NAMED_AS.get(name, name): value for name, value in call.asked.items()}
    return all(wanted.get(name, default) == operation.get(name, default) for name, default in _ASKED.items())


def order_kept(evidence: Evidence) -> Iterator[Violation]:
    """I6: the journal replays to every outcome; accepted order is decided order, also in real time."""
    yield from map(Violation, evidence.replayed)
    yield from _audited(evidence, "I6")
    last: dict[tuple[int, str], Any] = {}
    for row in evidence.rows:
        before = last.get((row.lane, row.epoch))
        if row.part == 0:
            if before is not None and row.id <= before:
                yield Violation(f"lane {row.lane}: {row.id} was decided after {before}", row.decided_ms / 1000)
            last[row.lane, row.epoch] = row.id
    lanes: dict[int, list[tuple[float, float, int, str]]] = defaultdict(list)
    for id_, calls in evidence.accepted():
        rows = evidence.outcomes.get(id_, ())
        if len(rows) == 1 and id_ not in evidence.lost_by_wipe:
            sent = min(call.sent_at for call in evidence.by_booking[id_] if call.kind == BOOK)
            answered = min(call.answered_at for call in calls)
            lanes[rows[0].lane].append((sent, answered, rows[0].seq, id_))
    for lane, known in lanes.items():
        yield from _overtaken(lane, known)


def _overtaken(lane: int, known: list[tuple[float, float, int, str]]) -> Iterator[Violation]:
    """Yield bookings sent after another's 202 arrived, and decided before it. `known`: sent, answered, seq, id."""
    by_answer = sorted(known, key=lambda each: each[1])
    place, newest = 0, (0, "")
    for sent, _, seq, id_ in sorted(known):
        while place < len(by_answer) and by_answer[place][1] < sent:
            newest = max(newest, by_answer[place][2:])
            place += 1
        if seq < newest[0]:
            yield Violation(
                f"lane {lane}: {id_} was sent after {newest[1]} was accepted, and decided before it", sent
            )


def limits_hold(evidence: Evidence) -> Iterator[Violation]:
    """I7: no user has more seats of a show than its limit, after any decision."""
    has: dict[tuple[str, int], dict[str, tuple[int, int | None]]] = defaultdict(dict)
    users: dict[str, str] = {}
    for row in evidence.rows:
        if row.booking_id is None or "status" not in row.decision:
            continue
        id_, changes = str(row.booking_id), row.decision
        user = users.setdefault(id_, str(row.operation.get("user_id", "")))
        live = has[user, row.show_id]
        live.pop(id_, None)
        if changes["status"] in LIVE:
            live[id_] = (len(changes["seats"]), changes["expires_ms"])
            count = sum(seats for seats, until in live.values() if until is None or until > row.id.ms)
            if count > evidence.limits[row.show_id]:
                yield Violation(f"user {user} has {count} seats of show {row.show_id}", row.decided_ms / 1000)
    yield from _audited(evidence, "I7")


def seats_add_up(evidence: Evidence) -> Iterator[Violation]:
    """I8: free + held + sold = capacity in every read, reads of one version agree, and no free seat is refused."""
    versions: dict[tuple[int, int], tuple[Call, tuple[int, int]]] = {}
    for call in evidence.calls:
        if call.kind not in (SHOW, SEATS) or call.code != 200:
            continue
        said = call.said
        if said["free"] + said["held"] + said["sold"] != said["capacity"] or min(said["free"], said["held"]) < 0:
            yield Violation(f"show {call.show} was read as {said}", call.answered_at)
        counts = (said["held"], said["sold"])
        other, before = versions.setdefault((call.show, said["version"]), (call, counts))
        if before != counts:
            text = f"show {call.show} version {said['version']}: {call.kind} {counts}, {other.kind} {before}"
            yield Violation(text, call.answered_at)
    yield from (Violation(*each) for each in unjust(evidence))
    yield from _audited(evidence, "I8")


def comes_to_rest(evidence: Evidence) -> Iterator[Violation]:
    """I9: within the bound after the last fault, lanes are drained, holds have ended, and clients see that."""
    yield from map(Violation, evidence.unfinished)
    yield from (Violation(*each) for each in acts.uncancelled(evidence))
    for id_, last in last_seen(evidence):
        if last.said["stage"] == "QUEUED" or last.said["pending"]:
            yield Violation(f"booking {id_} still is {form(last)}, {last.said['pending']}", last.answered_at)
        newest = max((row.decision.get("version", 0) for row in evidence.rows_of.get(id_, ())), default=0)
        if 0 < last.said["version"] < newest:
            yield Violation(f"booking {id_} still is {form(last)}, and v{newest} was decided", last.answered_at)


def nothing_leaks(evidence: Evidence) -> Iterator[Violation]:
    """I10: no user sees another's booking, no 5xx but 503, no secret in a log."""
    for call in evidence.calls:
        if call.kind == FOREIGN and call.accepted:
            yield Violation(f"booking {call.booking} was shown to {call.user}", call.answered_at)
        elif call.kind in (STATUS, *CHANGES) and call.accepted and call.said["id"] != call.booking:
            yield Violation(f"{call.user} requested {call.booking} and saw {call.said['id']}", call.answered_at)
        elif call.code >= 500 and call.code != 503:
            yield Violation(f"{call.kind} was answered {call.code}", call.answered_at)
    yield from (Violation(f"secret in a log: {name}") for name in evidence.leaked)


def nothing_stands_still(evidence: Evidence) -> Iterator[Violation]:
    """I11: while a fault lasts, lanes, accepting and statuses stop for no longer than its row of BOUNDS allows."""
    yield from (Violation(text, at) for text, at in evidence.overdue)


def neighbours_fit(evidence: Evidence) -> Iterator[Violation]:
    """I12: a worker with another LANES and a second installation on the same Redis are refused."""
    yield from map(Violation, evidence.unrefused)


def acts_are_recorded(evidence: Evidence) -> Iterator[Violation]:
    """I13: every change of a show is in the audit log: first its intent, then the answer that its client got."""
    yield from (Violation(*each) for each in acts.unrecorded(evidence))


INVARIANTS: dict[str, Callable[[Evidence], Iterator[Violation]]] = {
    "I1": one_owner,
    "I2": one_outcome,
    "I3": forward_only,
    "I4": same_key_same_outcome,
    "I5": nothing_unasked,
    "I6": order_kept,
    "I7": limits_hold,
    "I8": seats_add_up,
    "I9": comes_to_rest,
    "I10": nothing_leaks,
    "I11": nothing_stands_still,
    "I12": neighbours_fit,
    "I13": acts_are_recorded,
}
