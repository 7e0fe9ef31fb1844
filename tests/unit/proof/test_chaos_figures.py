"""What chaos records, measures and reports."""

from __future__ import annotations

import json

import pytest

from proof.chaos import report
from proof.chaos.faults import EVERY
from proof.chaos.nemesis import Fired
from proof.chaos.record import BOOK, SEATS, Call, Record, read, reduced
from proof.chaos.recovery import Stall, api_recovery_s, backlog_s, lane_recovery_s, quantile, stalls


def test_a_record_is_read_back_as_it_was_written(tmp_path):
    path = tmp_path / "record.jsonl"
    with Record(path) as record:
        call = record.sent(BOOK, user="u", show=1, key="k", asked={"seats": ["A1"]})
        record.sent(BOOK, user="u", show=1, key="unanswered")
        record.answered(call, 202, {"id": "x", "status": "PENDING", "stage": "QUEUED", "version": 0, "more": 1})
    path.write_text(path.read_text() + '{"n": 1, "c": 2')  # the recorder died

    assert read(path) == record.calls
    assert read(path)[0].accepted
    assert not read(path)[1].accepted


def test_a_seat_map_is_kept_as_counters():
    seats = [{"status": "AVAILABLE"}, {"status": "HELD"}, {"status": "SOLD"}, {"status": "SOLD"}]

    said = reduced(SEATS, 200, {"version": 7, "rows": [{"seats": seats[:2]}, {"seats": seats[2:]}]})

    assert said == {"free": 1, "held": 1, "sold": 2, "capacity": 4, "version": 7}


def test_a_stall_lasts_from_the_wait_to_the_next_decision():
    # lane, accepted, recorded: two in one batch, one after a long wait, one at once after an idle second
    rows = [(0, 1_000, 1_010), (0, 1_005, 1_010), (0, 1_020, 4_000), (0, 5_000, 5_005), (1, 1_000, 1_001)]

    found = stalls(rows)

    assert Stall(0, 1.02, 4.0) in found
    assert Stall(0, 5.0, 5.005) in found
    assert max(stall.ended - stall.begun for stall in found) < 3


def test_recovery_counts_from_the_heal_to_the_end_of_the_longest_stall():
    stalled = [Stall(0, 9.5, 12.5), Stall(1, 10.5, 11.0), Stall(1, 30.0, 39.0), Stall(0, 1.0, 9.0)]

    assert lane_recovery_s(Fired("kill worker", "", 10.0, 10.0, False), stalled) == 2.5
    assert lane_recovery_s(Fired("cut", "", 10.0, 12.0, False), stalled) == 0.5
    assert lane_recovery_s(Fired("cut", "", 10.0, 20.0, False), stalled) == 0.0


def test_a_rolling_restart_answers_for_what_fails_until_the_next_fault_begins():
    roll, kill = Fired("rolling restart", "", 10.0, 30.0, False), Fired("kill postgres", "", 31.5, 31.5, False)
    calls = [
        Call(1, BOOK, "u", 1, "k", {}, "", sent_at=at, code=code)
        for at, code in [(9.9, 503), (10.1, 202), (20.0, 0), (30.5, 503), (31.6, 503), (32.5, 503)]
    ]

    assert report.failures(roll, [roll, kill], calls) == [
        "BOOK unanswered, sent 10.0 s after it began",
        "BOOK 503, sent 20.5 s after it began",
    ]
    assert len(report.failures(roll, [roll], calls)) == 3


def test_a_backlog_is_over_when_the_last_that_was_accepted_before_the_heal_is_decided():
    waits = [(8.0, 8.1), (9.0, 13.0), (11.0, 12.5), (14.0, 30.0)]

    assert backlog_s(Fired("kill postgres", "", 8.5, 10.0, False), waits) == 3.0
    assert backlog_s(Fired("kill postgres", "", 40.0, 41.0, False), waits) == 0.0


def test_the_api_has_recovered_with_the_first_answer_to_what_was_sent_after_the_heal():
    def call(sent_at: float, answered_at: float, code: int) -> Call:
        return Call(0, BOOK, "", 1, "", {}, "", sent_at, answered_at, code)

    calls = [call(1, 9, 200), call(2, 3, 0), call(3, 4, 503), call(5, 6.5, 202)]
    sent = [each.sent_at for each in calls]

    assert api_recovery_s(Fired("kill api", "", 2.0, 2.0, False), calls, sent) == 4.5
    assert api_recovery_s(Fired("kill api", "", 6.0, 6.0, False), calls, sent) is None


def test_answers_of_processes_that_are_about_to_die_are_not_the_recovery():
    def call(sent_at: float, answered_at: float, code: int) -> Call:
        return Call(0, BOOK, "", 1, "", {}, "", sent_at, answered_at, code)

    calls = [call(2.05, 2.1, 200), call(2.2, 2.3, 0), call(2.9, 2.95, 0), call(3.5, 3.6, 202), call(9.0, 9.1, 0)]
    sent = [each.sent_at for each in calls]

    assert api_recovery_s(Fired("kill api", "", 2.0, 2.0, False), calls, sent) == pytest.approx(1.6)
    assert api_recovery_s(Fired("kill api", "", 3.0, 3.0, False), calls, sent) == pytest.approx(0.6)


def test_quantiles_are_values_that_were_there():
    assert quantile([], 0.5) == 0.0
    assert quantile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert quantile(list(map(float, range(1, 101))), 0.99) == 99.0
    assert quantile([1.0, 2.0], 1.0) == 2.0


def told(fault: str, recovered_s: float) -> dict[str, object]:
    spread = {"p50": recovered_s, "p99": recovered_s, "max": recovered_s}
    row = {
        "fired": 1,
        "accepted": 10,
        "oldest_s": recovered_s,
        "recovery_s": spread,
        "api_recovery_s": spread,
        "violations": {},
    }
    load = dict.fromkeys(
        ("offered_per_s", "sent", "unsent", "most_under_way", "unanswered", "unavailable", "retried"), 1
    )
    counts = dict.fromkeys(("accepted", "bookings", "kills", "violations", "lost", "lost_by_wipe"), 1)
    return {"seed": 1, "minutes": 10, **counts, "load": load, "faults": {fault: row}, "goals": {}}


def test_a_drawn_fault_that_did_not_fire_is_told_in_the_table_and_below_it():
    run = told("kill redis", 2.0)
    run["faults"]["kill redis"]["fired"] = 0  # type: ignore[index]
    run["not_fired"] = report.not_fired(("kill redis", "kill api"), ["kill api", "kill api"])

    assert "| kill redis | DID NOT FIRE | - | - | - | - |" in "\n".join(report.table(run))
    assert "Selected, but did not fire: kill redis." in report.summary(run)
    assert not any("did not fire" in line for line in report.summary({**run, "not_fired": []}))


def test_the_document_lists_what_fired_in_none_of_its_runs(tmp_path):
    document = tmp_path / "reliability.md"
    document.write_text(f"{report.BEGIN}{report.END}")
    paths = []
    for number, fault in enumerate(EVERY):
        run = told(fault, 1.0)
        run["faults"][fault]["fired"] = int(fault != "kill postgres backend")  # type: ignore[index]
        paths.append(tmp_path / f"{number}.json")
        paths[-1].write_text(json.dumps(run))

    report.write_document(paths, document)

    assert "Not fired in these runs: kill postgres backend." in document.read_text()


def test_the_document_gets_the_worst_of_several_runs_between_its_markers(tmp_path):
    document = tmp_path / "reliability.md"
    document.write_text(f"before\n{report.BEGIN}former figures{report.END}\nafter\n")
    paths = []
    for number, seconds in enumerate((2.0, 4.0)):
        paths.append(tmp_path / f"{number}.json")
        paths[-1].write_text(json.dumps(told("kill redis", seconds)))

    report.write_document(paths, document)
    report.write_document(paths, document)

    text = document.read_text()
    assert text.startswith(f"before\n{report.BEGIN}")
    assert text.endswith(f"{report.END}\nafter\n")
    assert "former" not in text
    assert "| kill redis | 2 | 20 | 4.0 | 4.0 / 4.0 / 4.0 | 4.0 / 4.0 | 0 |" in text
    assert "Not fired in these runs: kill api" in text
