"""The verdicts and the report of `make bench-overload`: each goal once met and once missed."""

from __future__ import annotations

import json
import pickle
from collections import Counter
from dataclasses import replace
from math import inf

import pytest

from core.errors import OnsaleError
from proof.bench import api_overload, overload, worker_overload
from proof.bench.api_overload import ApiOverload
from proof.bench.job import Done
from proof.bench.verdicts import Row, api_rows, workers_rows
from proof.bench.watch import Sample, between, decided_per_s
from proof.bench.worker_overload import Bookings, WorkerOverload

CAP = worker_overload.CAP
GIB = 1 << 30
MACHINE = {"processor": "P", "cores": 2}


def sample(at: float, waiting: list[int], decided: int = 0, memory: int = 5_000_000) -> Sample:
    return Sample(at, waiting, memory, decided)


def a_worker_overload() -> WorkerOverload:
    """All goals are met: 200 decided per second, 1,000 offered, 190 decided meanwhile."""
    return WorkerOverload(
        peaks=[200.0, 198.0],
        offered=1_000.0,
        codes=Counter({202: 2_000, 503: 8_000}),
        refused_ms=[5.0] * 99 + [900.0],
        late_ms=[0.2] * 98 + [7.0] * 2,
        busy=0.1,
        samples=[
            sample(0.0, [100] * 4),
            sample(1.0, [CAP] * 4, 100),
            sample(2.0, [CAP - 5] * 4, 290),
            sample(3.0, [CAP] * 4, 480),
        ],
        memory_limit=GIB,
        accepted=2_000,
    )


def an_api_overload() -> ApiOverload:
    return ApiOverload(
        rates={8: 800.0, 16: 1_950.0, 512: 2_000.0},
        connections=80,
        codes=Counter({202: 9_000}),
        rss_mb=100.0,
        memory=5_000_000,
        memory_limit=GIB,
        normal_ms=20.0,
        normal_after_s=3.0,
        emptied_s=1.5,
    )


def missed(rows: list[Row]) -> list[str]:
    return [row.what for row in rows if not row.met]


def test_a_flood_and_a_swarm_as_they_must_be_meet_every_goal():
    assert missed(workers_rows(a_worker_overload())) == []
    assert missed(api_rows(an_api_overload())) == []


@pytest.mark.parametrize(
    ("change", "goal"),
    [
        ({"offered": 890.0}, "offered"),
        ({"peaks": [200.0, 215.0]}, "decided/s meanwhile"),
        ({"samples": [sample(0, [CAP] * 4), sample(1, [CAP + 1, CAP, CAP, CAP], 190)]}, "fullest lane"),
        ({"samples": [sample(0, [CAP] * 4), sample(1, [CAP, CAP, CAP, 200], 190)]}, "emptiest lane"),
        ({"refused_ms": [5.0] * 98 + [51.0] * 2}, "p99"),
        ({"codes": Counter({202: 2_000, 503: 8_000, 500: 1})}, "answers"),
        ({"codes": Counter({202: 2_000, 503: 8_000, 429: 1})}, "answers"),
        ({"broken": 1}, "broken"),
        ({"memory_limit": 9_000_000}, "memory of Redis"),
        ({"lost": 1}, "without an outcome"),
        ({"violations": ["a seat sold twice"]}, "violations"),
    ],
)
def test_each_goal_of_the_workers_is_missed_alone(change, goal):
    [what] = missed(workers_rows(replace(a_worker_overload(), **change)))

    assert goal in what


def test_lanes_that_were_never_full_and_refusals_that_never_came_miss_their_goals():
    never_full = replace(a_worker_overload(), samples=[sample(0, [10] * 4), sample(1, [400, CAP, CAP, CAP], 190)])
    assert never_full.at_cap == []
    assert len(missed(workers_rows(never_full))) == 2  # the emptiest lane; nothing was decided at the cap
    assert len(missed(workers_rows(replace(a_worker_overload(), refused_ms=[])))) == 2  # refusals, their p99
    assert len(missed(workers_rows(WorkerOverload()))) >= 8


@pytest.mark.parametrize(
    ("change", "goal"),
    [
        ({"connections": 5 * 512}, "saturate"),
        ({"codes": Counter({202: 9_000, 502: 1})}, "answers"),
        ({"codes": Counter()}, "answers"),
        ({"broken": 1}, "broken"),
        ({"crashed": True}, "the same api processes"),
        ({"rss_mb": 300.0}, "memory of the largest"),
        ({"rss_mb": 0.0}, "memory of the largest"),
        ({"memory": GIB}, "memory of Redis"),
        ({"normal_after_s": 11.0}, "normal latency"),
        ({"normal_after_s": inf}, "normal latency"),
        ({"violations": ["x"]}, "violations"),
    ],
)
def test_each_goal_of_the_api_is_missed_alone(change, goal):
    [what] = missed(api_rows(replace(an_api_overload(), **change)))

    assert goal in what


def test_the_better_peak_counts_and_decided_is_the_rate_while_the_lanes_are_full():
    found = a_worker_overload()

    assert found.peak == 200
    assert found.decided == pytest.approx(190)


def test_only_the_looks_while_everybody_asked_count():
    found = WorkerOverload([200.0])
    looks = [sample(at, [CAP] * 4, int(100 * at)) for at in (0.0, 1.0, 2.0, 3.0)]

    worker_overload.count(found, Done(Counter({503: 90}), lost=10, seconds=2.0, cpu_s=0.5), between(looks, 0.5, 2.5))

    assert [each.at for each in found.samples] == [1.0, 2.0]
    assert found.offered == 50
    assert found.busy == 0.25
    assert decided_per_s(looks[:1]) == 0


def test_bookings_are_made_when_asked_for_each_with_a_seat_and_a_key_of_its_own():
    made: Bookings = pickle.loads(pickle.dumps(Bookings([7, 8], 50, ["one", "two", "three"], 10, 40)))

    asked = list(made)
    assert len(asked) == len(made) == 40
    assert len({each.partition(b"\r\n\r\n")[2] for each in asked}) == 40
    assert b"Idempotency-Key: flood-10\r\n" in asked[0]
    assert b'"show_id": 7, "seats": ["A6"]' in asked[0]
    assert b"Bearer two\r\n" in asked[0]
    assert made[1:3] == asked[1:3]
    with pytest.raises(IndexError):
        made[40]


def test_the_fewest_connections_that_reach_nearly_the_best_saturate():
    assert api_overload.saturating({8: 500.0, 16: 960.0, 32: 1_000.0, 64: 990.0}) == 16
    assert api_overload.saturating({8: 500.0}) == 8


def test_normal_is_twice_what_it_was_within_bounds():
    assert api_overload.limit_ms([15.0]) == 30
    assert api_overload.limit_ms([1.0]) == api_overload.LEAST_MS
    assert api_overload.limit_ms([500.0]) == api_overload.MOST_MS


@pytest.mark.parametrize(
    ("latencies_ms", "seconds"),
    [
        ([5, 5, 5, 5], 0),
        ([90, 90, 5, 5], 1),
        ([5, 5, 90, 90, 5, 5], 2),
        ([90, 5, 5, 5], 1),
        ([5, 5, 90, 90], inf),
        ([], inf),
    ],
)
def test_normal_again_is_after_the_last_bad_second(latencies_ms, seconds):
    assert api_overload.normal_after(latencies_ms, 2, 20.0) == seconds


def test_a_quick_refusal_is_not_normal_and_a_gap_spoils_all():
    done = Done(accept_ms=[3.0, 1.0, 4.0], ids=["a", "", "b"])

    assert api_overload.latencies(done) == [3.0, inf, 4.0]
    assert api_overload.latencies(replace(done, lost=1)) == [inf] * 3
    assert api_overload.latencies(replace(done, timed_out=True)) == [inf] * 3


def test_the_lanes_are_empty_at_the_first_look_after_the_end_that_says_so():
    looks = [sample(1.0, [0, 0]), sample(2.0, [3, 0]), sample(4.5, [0, 0])]

    assert api_overload.emptied_after(looks, 1.5) == 3.0
    assert api_overload.emptied_after(looks, 5.0) == inf


def test_the_table_stands_between_its_markers_and_the_prose_around_it_is_kept(tmp_path):
    document = tmp_path / "reliability.md"
    document.write_text(f"Before.\n{overload.BEGIN}\nold\n{overload.END}\nAfter.\n")
    rows = [Row("one", "<= 1", "2", met=False), Row("two", "", "3")]

    for _ in range(2):
        overload.write_document("5 minutes", MACHINE, rows, document)

    text = document.read_text()
    assert text.startswith("Before.\n")
    assert text.endswith("\nAfter.\n")
    assert "old" not in text
    assert text.count("| one | <= 1 | 2 | NO |\n| two |  | 3 |  |\n") == 1
    assert "P, 2 cores; 5 minutes." in text


def test_a_document_without_markers_is_refused(tmp_path):
    document = tmp_path / "reliability.md"
    document.write_text("Prose.\n")

    with pytest.raises(OnsaleError):
        overload.write_document("", MACHINE, [], document)


def test_the_document_of_the_project_has_a_place_for_the_table():
    text = overload.DOCUMENT.read_text()

    assert text.count(overload.BEGIN) == text.count(overload.END) == 1


def test_the_figures_are_json_also_when_normal_never_came():
    rows = workers_rows(a_worker_overload()) + api_rows(replace(an_api_overload(), normal_after_s=inf))
    found = overload.figures(
        "now", MACHINE, rows, a_worker_overload(), replace(an_api_overload(), normal_after_s=inf)
    )

    read = json.loads(json.dumps(found, allow_nan=False))
    assert read["met"] is False
    assert read["workers"]["refused_ms"]["p99"] == 5
    assert read["api"]["normal_after_s"] is None
    assert len(read["rows"]) == len(rows)
