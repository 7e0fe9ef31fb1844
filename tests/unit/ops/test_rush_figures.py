"""The figures of a rush, and the tables that show them."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from ops.rush.figures import LISTED, Figures, Percentiles, Tally
from ops.rush.screen import Speed, final_table, progress


def tally_of_five() -> Tally:
    """Five buyers: one confirmed, one failed, one undecided, one refused, one unanswered."""
    tally = Tally(5)
    tally.sent(10.0)
    for _ in range(3):
        tally.accept(9.5, 10.0, 10.02)
    tally.decide(None, 10.0, 10.5)
    tally.sell("b1", ("A1", "A2"))
    tally.decide("SEAT_TAKEN", 10.0, 12.0)
    tally.refused["sold_out"] += 1
    tally.polls = 6
    tally.retried.update({"network": 2, "lane_full": 1})
    return tally


def test_percentiles_are_by_nearest_rank() -> None:
    assert Percentiles.of(range(1, 101)) == Percentiles(50, 95, 99)
    assert Percentiles.of([7.04]) == Percentiles(7.0, 7.0, 7.0)
    assert Percentiles.of([]) == Percentiles(None, None, None)


def test_every_buyer_is_in_exactly_one_of_the_figures() -> None:
    figures = Figures.of(tally_of_five(), seed=3, show_id=4)

    assert (figures.accepted, figures.confirmed, figures.failed) == (3, 1, {"SEAT_TAKEN": 1})
    assert (figures.undecided, figures.refused, figures.unanswered) == (1, {"sold_out": 1}, 1)
    assert (figures.seats_sold, figures.polls_per_booking) == (2, 2.0)
    assert (figures.retries, figures.network_errors) == (3, 2)
    assert figures.confirmed_per_s == 0.5
    assert figures.accept_ms.p50 == pytest.approx(20)
    assert figures.outcome_ms.p99 == pytest.approx(2000)
    assert figures.queue_ms.p95 == pytest.approx(500)


def test_the_json_has_its_documented_keys() -> None:
    shape = json.loads(json.dumps(Figures.of(tally_of_five(), seed=3, show_id=4).as_json()))

    assert {
        *("accepted", "refused", "confirmed", "failed", "undecided", "accept_ms", "outcome_ms"),
        *("confirmed_per_s", "polls_per_booking", "violations"),
        *("seed", "buyers", "show_id", "seats_sold", "retries"),
    } <= set(shape)
    assert set(shape["accept_ms"]) == set(shape["outcome_ms"]) == {"p50", "p95", "p99"}
    assert shape["violations"] == 0


def test_a_seat_confirmed_twice_is_a_violation() -> None:
    tally = Tally(2)

    tally.sell("b1", ("A1", "A2"))
    tally.sell("b1", ("A1",))
    tally.sell("b2", ("A2", "A3"))

    assert len(tally.found) == 1
    assert "seat A2" in tally.found[0]
    assert tally.seats_sold == 3


def test_all_violations_are_counted_and_the_first_are_listed() -> None:
    figures = Figures.of(Tally(1), seed=1, show_id=1)

    figures.add_violations(f"bad {number}" for number in range(LISTED + 5))

    assert figures.violations == LISTED + 5
    assert len(figures.found) == LISTED


def test_good_means_no_violation_and_nobody_left_without_an_answer() -> None:
    done = Tally(1)
    done.refused["sold_out"] += 1

    assert Figures.of(done, seed=1, show_id=1).good
    assert not Figures.of(Tally(1), seed=1, show_id=1).good
    assert not Figures.of(tally_of_five(), seed=1, show_id=1).good


def test_figures_of_an_empty_rush_can_be_shown() -> None:
    console = Console(file=io.StringIO(), width=120)
    tally = Tally(1)

    console.print(progress(tally, Speed()))
    console.print(final_table(Figures.of(tally, seed=1, show_id=1)))


def test_the_table_names_every_reason() -> None:
    out = io.StringIO()
    tally = tally_of_five()
    tally.violate("seat A2 is confirmed for two bookings")

    Console(file=out, width=120).print(final_table(Figures.of(tally, seed=3, show_id=4)))

    for text in ("sold_out", "SEAT_TAKEN", "lane_full", "seat A2", "20.0 / 20.0 / 20.0"):
        assert text in out.getvalue()
