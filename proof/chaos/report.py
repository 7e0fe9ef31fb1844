"""The reports of a run: the table and summary for people, the JSON, and the table of docs/reliability.md."""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ops.up.programs import PROJECT
from proof.chaos.bounds import oldest_s
from proof.chaos.faults import EVERY
from proof.chaos.invariants import INVARIANTS
from proof.chaos.nemesis import Fired
from proof.chaos.record import BOOK, CHANGE_SHOW, CHANGES, Call
from proof.chaos.recovery import api_recovery_s, backlog_s, lane_recovery_s, quantile
from proof.chaos.run import Result

DOCUMENT = PROJECT / "docs" / "reliability.md"
BEGIN, END = "<!-- chaos: begin -->", "<!-- chaos: end -->"
#: Seconds after an instant fault, or a rolling restart, in which requests still count as during it.
TAIL_S = 2.0
#: Seconds after a fault in which the harness must not have been stalled, or its recovery is not measured.
WATCHED_S = 10.0


def figures(result: Result) -> dict[str, Any]:
    """Return everything as JSON: counts, and times in seconds."""
    calls = sorted(result.evidence.calls, key=lambda call: call.sent_at)
    asked = [call for call in calls if call.kind in (BOOK, *CHANGES, CHANGE_SHOW)]
    verdict = result.verdict
    return {
        "seed": result.plan.seed,
        "minutes": result.plan.minutes,
        "accepted": sum(call.code in (201, 202) for call in asked),
        "decided": _decided(result),
        "bookings": len(result.evidence.outcomes),
        "decisions": len(result.evidence.rows),
        "violations": verdict.violations,
        "lost": verdict.lost,
        "lost_by_wipe": len(result.evidence.lost_by_wipe),
        "kills": sum(each.fault.startswith("kill") for each in result.fired),
        "invariants": verdict.counts,
        "load": {
            "offered_per_s": result.plan.rate,
            **result.load,
            "unanswered": sum(call.code == 0 for call in calls),
            "unavailable": sum(call.code == 503 for call in calls),
        },
        "faults": _faults(result, calls),
        "not_fired": not_fired(result.plan.drawn, (each.fault for each in result.fired)),
        "goals": _goals(result, calls),
        "not_measured": sum(not each.combined and _starved(each, result) for each in result.fired),
        "longest_lag_s": round(max((late_s for _, late_s in result.lags), default=0.0), 2),
        "notes": result.notes,
        "seconds": round(result.seconds, 1),
    }


def _decided(result: Result) -> dict[str, int]:
    """Return how often each kind of operation, and each effect of one, was decided, with its outcome or reason."""
    counts = Counter(f"{row.kind} {row.reason or row.outcome}" for row in result.evidence.rows)
    return dict(sorted(counts.items()))


def _faults(result: Result, calls: list[Call]) -> dict[str, Any]:
    sent = [call.sent_at for call in calls]
    lanes: dict[str, list[float]] = defaultdict(list)
    answers: dict[str, list[float]] = defaultdict(list)
    fired: dict[str, int] = defaultdict(int)
    taken: dict[str, int] = defaultdict(int)
    oldest: dict[str, float] = defaultdict(float)
    for each in result.fired:
        fired[each.fault] += 1
        until = bisect_right(sent, max(each.healed, each.begun + TAIL_S))
        taken[each.fault] += sum(call.code == 202 for call in calls[bisect_left(sent, each.begun) : until])
        if not each.combined and not _starved(each, result):
            oldest[each.fault] = max(oldest[each.fault], oldest_s(each, result.samples))
            lanes[each.fault].append(lane_recovery_s(each, result.stalls))
            again = api_recovery_s(each, calls, sent)
            answers[each.fault] += [] if again is None else [again]
    return {
        name: {
            "fired": fired[name],
            "accepted": taken[name],
            "oldest_s": round(oldest[name], 2),
            "recovery_s": _spread(lanes[name]),
            "api_recovery_s": _spread(answers[name]),
            "violations": {
                invariant: count for (fault, invariant), count in result.verdict.by_fault.items() if fault == name
            },
        }
        for name in EVERY
        if fired[name] or name in result.plan.drawn
    }


def not_fired(drawn: Iterable[str], fired: Iterable[str]) -> list[str]:
    """Return the selected faults that never fired, in the order of the table."""
    missing = set(drawn) - set(fired)
    return [name for name in EVERY if name in missing]


def _starved(fired: Fired, result: Result) -> bool:
    """Return whether the harness itself was stalled around a fault: then its recovery time means nothing."""
    return any(fired.begun <= at and at - late_s <= fired.healed + WATCHED_S for at, late_s in result.lags)


def _spread(values: list[float]) -> dict[str, float]:
    shares = {"p50": 0.5, "p99": 0.99, "max": 1.0}
    return {name: round(quantile(values, share), 3) for name, share in shares.items()}


def _goals(result: Result, calls: list[Call]) -> dict[str, Any]:
    """Return the recovery goals: what was reached, and whether they are met. Only faults by themselves count."""
    alone = [each for each in result.fired if not each.combined and not _starved(each, result)]
    # After "kill everything", lanes wait for all servers and programs to start: it is only reported.
    kills = [each for each in alone if each.fault.startswith("kill") and each.fault != "kill everything"]
    single = [lane_recovery_s(each, result.stalls) for each in kills]
    rolls = [each for each in alone if each.fault == "rolling restart"]
    failed = [text for each in rolls for text in failures(each, result.fired, calls)]
    goals: dict[str, Any] = {}
    if single:
        goals["a lane moves within 5 s of a kill"] = {"longest_s": round(max(single), 2), "met": max(single) <= 5}
    backs = [backlog_s(each, result.waits) for each in alone if "postgres" in each.fault and "api" not in each.fault]
    if backs:
        goals["Postgres back: its backlog is decided within 10 s"] = {
            "longest_s": round(max(backs), 2),
            "met": max(backs) <= 10,
        }
    zombies = sum(count for (fault, _), count in result.verdict.by_fault.items() if fault == "stop worker")
    goals["a stopped worker's late wake-up changes nothing"] = {"violations": zombies, "met": zombies == 0}
    if rolls:
        first = {"first": failed[0]} if failed else {}
        goals["a rolling restart fails no request"] = {"failed": len(failed), **first, "met": not failed}
    goals["nothing accepted is lost"] = {"lost": result.verdict.lost, "met": result.verdict.lost == 0}
    return goals


def failures(roll: Fired, fired: Iterable[Fired], calls: Iterable[Call]) -> list[str]:
    """Return the requests that failed during a rolling restart or within TAIL_S after it, before the next fault."""
    until = min([roll.healed + TAIL_S, *(each.begun for each in fired if each.begun > roll.healed)])
    return [
        f"{call.kind} {call.code or 'unanswered'}, sent {call.sent_at - roll.begun:.1f} s after it began"
        for call in calls
        if roll.begun <= call.sent_at <= until and (call.code == 0 or call.code >= 500)
    ]


def table(run: dict[str, Any]) -> list[str]:
    """Return faults x invariants as lines of Markdown, which are readable as they are."""
    names = list(INVARIANTS)
    lines = [
        f"| fault | fired | accepted | oldest s | lanes p50 / p99 / max s | api p50 / max s | {' | '.join(names)} |",
        f"|---|---|---|---|---|---|{'---|' * len(names)}",
    ]
    for fault, row in run["faults"].items():
        lanes, api, counts = row["recovery_s"], row["api_recovery_s"], row["violations"]
        cells = " | ".join(str(counts.get(name, 0)) for name in names)
        if not row["fired"]:
            lines.append(f"| {fault} | DID NOT FIRE | - | - | - | - | {cells} |")
            continue
        lines.append(
            f"| {fault} | {row['fired']} | {row['accepted']} | {row['oldest_s']:.1f} | "
            f"{lanes['p50']:.1f} / {lanes['p99']:.1f} / {lanes['max']:.1f} | "
            f"{api['p50']:.1f} / {api['max']:.1f} | {cells} |"
        )
    return lines


def summary(run: dict[str, Any]) -> list[str]:
    """Return the summary of a run, a few lines."""
    load = run["load"]
    lines = [
        f"{run['minutes']:g} minutes, seed {run['seed']}: {run['accepted']} operations accepted, "
        f"{run['bookings']} bookings, {run['kills']} kills; {run['violations']} violations, {run['lost']} lost, "
        f"{run['lost_by_wipe']} lost by a wipe or a failover and completed when repeated.",
        f"Load: {load['offered_per_s']:g} requests/s offered, {load['sent']} sent, {load['unsent']} not sent "
        f"(more than {load['most_under_way']} in flight), {load['unanswered']} without an answer, "
        f"{load['unavailable']} answered 503, {load['retried']} repeated by the client.",
    ]
    if run.get("decided"):
        lines.append(f"Decided: {', '.join(f'{name} {count}' for name, count in run['decided'].items())}.")
    if run.get("not_measured"):
        lines.append(
            f"The harness itself was stalled for up to {run['longest_lag_s']} s; recovery was not measured for "
            f"{run['not_measured']} of the faults."
        )
    if run.get("not_fired"):
        lines.append(f"Selected, but did not fire: {', '.join(run['not_fired'])}.")
    for name, goal in run["goals"].items():
        reached = ", ".join(f"{key} {value}" for key, value in goal.items() if key != "met")
        lines.append(f"Goal: {name}: {'met' if goal['met'] else 'MISSED'} ({reached}).")
    return lines


def merged(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Merge several runs into one table: add the counts, keep the worst of each recovery."""
    whole: dict[str, Any] = {"faults": {}}
    for run in runs:
        for name, row in run["faults"].items():
            sums = whole["faults"].setdefault(
                name,
                {"fired": 0, "accepted": 0, "oldest_s": 0.0, "recovery_s": dict.fromkeys(("p50", "p99", "max"), 0.0)}
                | {"api_recovery_s": dict.fromkeys(("p50", "p99", "max"), 0.0), "violations": {}},
            )
            for count in ("fired", "accepted"):
                sums[count] += row[count]
            sums["oldest_s"] = max(sums["oldest_s"], row["oldest_s"])
            for kind in ("recovery_s", "api_recovery_s"):
                sums[kind] = {key: max(value, row[kind][key]) for key, value in sums[kind].items()}
            for invariant, number in row["violations"].items():
                sums["violations"][invariant] = sums["violations"].get(invariant, 0) + number
    whole["faults"] = {name: whole["faults"][name] for name in EVERY if name in whole["faults"]}
    return whole


def write_document(paths: list[Path], document: Path = DOCUMENT) -> None:
    """Write the figures of runs (their --json files) between the markers of the document."""
    runs = [json.loads(path.read_text()) for path in paths]
    unfired = [name for name, row in merged(runs)["faults"].items() if not row["fired"]]
    lines = ["", *(f"- {line}" for run in runs for line in summary(run)), ""]
    lines += ["Recovery of several runs: the worst of each column.", "", *table(merged(runs)), ""]
    missing = [name for name in EVERY if name not in merged(runs)["faults"]] + unfired
    lines += [f"Not fired in these runs: {', '.join(missing)}." if missing else "Every fault fired.", ""]
    text = document.read_text()
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    document.write_text(head + BEGIN + "\n".join(lines) + END + tail)
