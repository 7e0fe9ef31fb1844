"""Each fault has bounds on what it may stop; what stops for longer is found, with its fault, lane and age."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proof.chaos.ages import Age, Ages
from proof.chaos.bounds import ACCEPTS, BOUNDS, LANES, MACHINE_S, NOTHING_S, STATUSES, allowed, oldest_s, overdue
from proof.chaos.faults import EVERY
from proof.chaos.nemesis import Fired
from proof.chaos.record import BOOK, STATUS, Call


def fault(name: str, begun: float, ended: float) -> Fired:
    return Fired(name, "", begun, ended, combined=False, ended=ended)


def growing(lane: int, since: float, until: float) -> list[Age]:
    """Return the samples, four a second, of an entry that waits from one time to the other."""
    looks = int((until - since) * 4)
    return [Age(since + number / 4, lane, number / 4, 7) for number in range(1, looks + 1)]


def asked(kind: str, *times: float, code: int = 202) -> list[Call]:
    return [Call(0, kind, "", 1, "", {}, "", at, at + 0.01, code) for at in times]


def every_tenth(since: float, until: float) -> list[float]:
    return [since + number / 10 for number in range(int((until - since) * 10))]


def test_every_fault_has_a_row():
    assert set(BOUNDS) == set(EVERY)


@pytest.mark.parametrize("name", [name for name in EVERY if "broker" in name or "doorbells" in name])
def test_without_doorbells_nothing_may_stop(name):
    bound = BOUNDS[name]

    assert (bound.lanes, bound.accepts, bound.statuses) == (NOTHING_S,) * 3
    assert MACHINE_S <= 1


@pytest.mark.parametrize("name", [name for name in EVERY if "postgres" in name and "-" not in name])
def test_without_postgres_lanes_may_stop_accepting_and_statuses_may_not(name):
    bound = BOUNDS[name]

    assert bound.lanes is None
    assert bound.accepts == bound.statuses == NOTHING_S


@pytest.mark.parametrize("name", ["kill worker", "kill worker fork", "stop worker", "kill broker", "kill api fork"])
def test_one_of_several_stops_nothing_for_as_long_as_it_is_unavailable(name):
    assert None not in (BOUNDS[name].lanes, BOUNDS[name].accepts, BOUNDS[name].statuses)


def test_a_lane_that_stands_still_while_the_broker_is_paused_is_found_once_with_its_worst_age():
    found = overdue([fault("stop broker", 10.0, 40.0)], [*growing(2, 12.0, 30.0), *growing(1, 12.0, 14.0)], [], [])

    assert [each.text for each in found] == [
        "stop broker: the oldest of 7 entries in lane 2 waited 18.0 s, 3 s are allowed"
    ]
    assert found[0].at == 30.0


def test_two_waits_of_a_lane_are_two_findings():
    samples = [*growing(0, 10.0, 20.0), *growing(0, 30.0, 40.0)]

    assert len(overdue([fault("stop broker", 10.0, 40.0)], samples, [], [])) == 2


def test_without_a_fault_nothing_may_stand_still_either():
    [found] = overdue([fault("stop broker", 100.0, 140.0)], growing(0, 10.0, 20.0), [], [])

    assert found.text.startswith("no fault: ")


def test_a_fault_that_may_stop_lanes_excuses_its_time_and_some_seconds_after_it():
    postgres = [fault("stop postgres", 10.0, 20.0)]

    assert overdue(postgres, growing(0, 9.0, 28.0), [], []) == []  # 1 + 15 excused + 3
    [found] = overdue(postgres, growing(0, 9.0, 30.0), [], [])
    assert found.text == (
        "stop postgres: the oldest of 7 entries in lane 0 waited 21.0 s, 3 s are allowed and 15.0 s excused"
    )


def test_slower_bounds_of_faults_at_the_same_time_add_up_and_others_do_not():
    assert allowed(LANES, 0, 10, [fault("kill worker", 1, 1), fault("kill worker fork", 2, 2)]).most_s == 10
    assert allowed(LANES, 0, 10, [fault("kill broker", 1, 1), fault("stop broker", 2, 3)]).most_s == NOTHING_S
    assert allowed(LANES, 0, 10, [fault("kill worker", 1, 1), fault("stop broker", 2, 3)]).most_s == 5
    assert allowed(LANES, 20, 30, [fault("kill worker", 1, 1)]).words == "no fault"


def test_two_faults_at_once_excuse_the_time_that_they_share_only_once():
    together = [fault("stop postgres", 10.0, 20.0), fault("stop redis", 15.0, 21.0)]

    assert allowed(LANES, 0, 100, together).excused_s == 16


def test_time_in_which_the_machine_did_not_wake_us_is_not_counted():
    assert overdue([], growing(0, 10.0, 15.0), [], []) != []
    assert overdue([], growing(0, 10.0, 15.0), [], [(14.0, 2.0)]) == []


@pytest.mark.parametrize(("kind", "service", "good"), [(BOOK, ACCEPTS, 202), (STATUS, STATUSES, 200)])
def test_a_door_that_answers_nobody_while_postgres_is_paused_is_found(kind, service, good):
    postgres = [fault("stop postgres", 10.0, 30.0)]
    calls = asked(kind, *every_tenth(0, 10), *every_tenth(30, 40), code=good)
    away = asked(kind, *every_tenth(10, 30), code=503)

    [found] = overdue(postgres, [], [*calls, *away], [])

    assert found.text == f"stop postgres: {service} stopped for 20.1 s, 3 s are allowed"
    assert overdue([fault("stop redis", 10.0, 30.0)], [], [*calls, *away], []) == []
    assert overdue(postgres, [], [*calls, *asked(kind, *every_tenth(10, 30), code=good)], []) == []


def test_a_door_that_accepts_little_of_the_steady_stream_while_it_may_not_stop_is_found():
    def stream(since: float, until: float, code: int) -> list[Call]:
        return [
            replace(call, key=f"steady-{call.sent_at}") for call in asked(BOOK, *every_tenth(since, until), code=code)
        ]

    calls = [*stream(0, 18, 202), *stream(18, 20, 503), *stream(20, 40, 202)]

    [found] = overdue([fault("stop postgres", 10.0, 20.0)], [], calls, [])
    assert found.text == "stop postgres: 20 of 100 bookings were not accepted"
    assert overdue([fault("stop redis", 10.0, 20.0)], [], calls, []) == []
    assert overdue([fault("stop postgres", 10.0, 20.0), fault("kill redis", 15.0, 15.0)], [], calls, []) == []
    assert overdue([fault("stop postgres", 20.0, 40.0)], [], calls, []) == []


def test_where_nobody_asks_nobody_needs_to_be_answered():
    assert overdue([], [], asked(BOOK, 1.0, 30.0), []) == []


def test_an_entry_is_as_old_as_the_clock_says_or_as_long_as_it_was_seen_at_the_head():
    ages = Ages("redis://127.0.0.1:1/0", 2)
    ahead = [[("160000-0", {})], 1]
    ages.note(50.0, 100_000, [[("98000-0", {})], 3, *ahead])
    ages.note(54.0, 104_000, [[], 0, *ahead])
    ages.note(55.0, 105_000, [[("104500-0", {})], 1, [("160000-1", {})], 1])

    assert ages.samples == [
        Age(50.0, 0, 2.0, 3),
        Age(50.0, 1, 0.0, 1),
        Age(54.0, 1, 4.0, 1),
        Age(55.0, 0, 0.5, 1),
        Age(55.0, 1, 0.0, 1),
    ]


def test_the_oldest_entry_of_a_fault_is_what_was_seen_while_it_lasted():
    samples = growing(0, 10.0, 20.0)

    assert oldest_s(fault("stop broker", 12.0, 15.0), samples) == 5.0
    assert oldest_s(fault("stop broker", 30.0, 35.0), samples) == 0.0
    assert oldest_s(fault("kill worker", 12.0, 12.0), samples) == 5.0
