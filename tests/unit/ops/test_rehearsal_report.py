"""The verdict of a rehearsal, and the comparison of a replay with its recording."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from ops.rehearse.comparison import Difference, compare
from ops.rehearse.report import Report, Setting, Sold
from ops.rehearse.screen import table
from ops.rush.figures import Figures, Tally

SETTING = Setting(show_id=3, copy_id=9, workers=2, eta_below_ms=2_000, capacity=10, taken=2)


def tally() -> Tally:
    """Two buyers: one confirmed within half a second, one without a seat."""
    made = Tally(2)
    made.sent(10.0)
    made.accept(10.0, 10.0, 10.02, 300)
    made.accept(10.0, 10.0, 10.03)
    made.decide(None, 10.0, 10.5)
    made.decide("SOLD_OUT", 10.0, 11.0)
    made.sell("b1", ("A1", "A2"))
    return made


def report(tally: Tally, setting: Setting = SETTING, sold: Sold | None = None) -> Report:
    return Report.of(setting, Figures.of(tally, seed=1, show_id=9), sold)


def test_a_sale_in_which_all_are_decided_in_time_holds() -> None:
    found = report(tally())

    assert (found.holds, found.reasons, found.oversold, found.workers_needed) == (True, [], 0, 1)
    shape = json.loads(json.dumps(found.as_json()))
    assert (shape["holds"], shape["show_id"], shape["copy_id"], shape["taken"]) == (True, 3, 9, 2)
    assert (shape["eta_ms"]["p95"], shape["decided_per_s"], shape["outcome_ms"]["p95"]) == (300, 2.0, 1000.0)
    assert shape["sold"] is None


def test_a_long_wait_does_not_hold_and_no_number_of_workers_helps() -> None:
    slow = tally()
    slow.outcome_ms = [2_500.0] * 20

    found = report(slow)

    assert not found.holds
    assert "2.5 s, not below 2 s" in found.reasons[0]
    assert "2 requests per second" in found.reasons[0]
    assert found.workers_needed is None


@pytest.mark.parametrize(
    ("code", "where", "holds"),
    [
        ("lane_full", "retried", False),
        ("network", "retried", False),
        ("postgres_unavailable", "refused", False),
        ("too_many_bookings", "retried", True),
        ("sold_out", "refused", True),
    ],
)
def test_requests_that_are_turned_away_for_lack_of_room_do_not_hold(code: str, where: str, holds: bool) -> None:
    crowded = tally()
    crowded.buyers += where == "refused"
    getattr(crowded, where)[code] += 1

    found = report(crowded)

    assert found.holds == holds
    assert holds or f"{code} 1" in found.reasons[0]


def test_undecided_unanswered_violated_and_oversold_do_not_hold() -> None:
    undecided, unanswered, violated = tally(), tally(), tally()
    undecided.accept(10.0, 10.0, 10.1)
    undecided.buyers += 1
    unanswered.buyers += 1
    violated.violate("seat A1 twice")

    assert "1 accepted requests were not decided and 0 not answered" in report(undecided).reasons[0]
    assert report(undecided).workers_needed is None
    assert "0 accepted requests were not decided and 1 not answered" in report(unanswered).reasons[0]
    assert "seat A1 twice" in report(violated).reasons[0]
    sold_twice = Setting(show_id=3, copy_id=9, workers=2, eta_below_ms=2_000, capacity=10, taken=11)
    assert (report(tally(), sold_twice).holds, report(tally(), sold_twice).oversold) == (False, 1)
    assert report(Tally(0)).reasons == ["no request was accepted"]


def test_the_table_begins_with_the_verdict() -> None:
    sold = Sold(recorded=3, replayed=2, differences=compare([("CONFIRMED", "sold_out")]))
    out = io.StringIO()

    Console(file=out, width=200).print(table(report(tally(), sold=sold)))

    lines = out.getvalue().splitlines()
    assert "it holds" in lines[4]
    assert "2 of 10, 0 oversold" in out.getvalue()
    assert "CONFIRMED -> FAILED SOLD_OUT" in out.getvalue()


def test_outcomes_that_mean_the_same_are_no_difference() -> None:
    same = [
        ("CONFIRMED", "CONFIRMED"),
        ("FAILED SOLD_OUT", "sold_out"),
        ("FAILED SEAT_TAKEN", "seat_taken"),
        ("FAILED HOLD_EXPIRED", "HELD"),
        ("HELD", "FAILED HOLD_EXPIRED"),
        ("", ""),
    ]

    assert compare(same) == []


def test_differences_are_counted_and_explained_the_most_frequent_first() -> None:
    found = compare(
        [
            ("FAILED SEAT_TAKEN", "CONFIRMED"),
            ("CONFIRMED", "seat_taken"),
            ("CONFIRMED", "FAILED SEAT_TAKEN"),
            ("CONFIRMED", ""),
            ("CONFIRMED", "lane_full"),
            ("CONFIRMED", "HELD"),
        ]
    )

    assert found[0] == Difference(
        "CONFIRMED",
        "FAILED SEAT_TAKEN",
        2,
        "requests that arrived together came in another order, so other buyers got these seats",
    )
    why = {(each.recorded, each.replayed): each.why for each in found}
    assert "free here" in why["FAILED SEAT_TAKEN", "CONFIRMED"]
    assert "time was up" in why["CONFIRMED", "UNDECIDED"]
    assert "refused at admission" in why["CONFIRMED", "lane_full"]
    assert "confirm came after" in why["CONFIRMED", "HELD"]
