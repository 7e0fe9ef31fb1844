"""The plan of a chaos run follows from its seed, and three seeds in a row leave no fault out."""

from __future__ import annotations

import itertools

import pytest

from proof.chaos.faults import EVERY, FAULTS, WIPE
from proof.chaos.plan import AHEAD, ATTEMPTS, BREATH_S, PAUSE, Steps, make_plan


@pytest.mark.parametrize("seed", [1, 2, 40, 999_999])
def test_three_seeds_in_a_row_have_every_fault(seed):
    drawn = [set(make_plan(10, each, 300).drawn) for each in (seed, seed + 1, seed + 2)]

    assert set.union(*drawn) == set(EVERY)
    assert all(len(each) - (len(EVERY) + 1) // 2 in (0, 1) for each in drawn)


@pytest.mark.parametrize("minutes", [10, 30])
@pytest.mark.parametrize("seed", [1, 2, 3, *range(100, 130)])
def test_each_drawn_fault_has_its_turn_even_if_all_take_as_long_as_they_may(minutes, seed):
    plan = make_plan(minutes, seed, 300)

    assert plan.has_room
    assert plan.need_s(plan.drawn) > 0.3 * plan.seconds  # not by counting them short


def test_what_a_plan_needs_is_never_less_than_what_its_steps_last():
    plan = make_plan(10, 1, 300)
    steps = Steps(plan)

    for _ in range(500):
        for harm in steps.next():
            lasting = harm.seconds if FAULTS[harm.fault].lasts else 0.0
            assert plan.need_s([harm.fault]) >= lasting + BREATH_S


def test_a_fault_that_did_not_fire_has_another_turn_after_the_others_and_not_for_ever():
    plan = make_plan(10, 1, 300)
    steps = Steps(plan)
    turns: list[str] = []
    while steps.waiting:
        turns.append(steps.next()[0].fault)
        if turns[-1] == turns[0]:
            steps.again(turns[0])

    assert turns[-2:] == [turns[0]] * 2
    assert turns.count(turns[0]) == ATTEMPTS
    assert set(turns) == set(plan.drawn) - {WIPE}


def test_a_seed_repeats_its_steps():
    first, second = Steps(make_plan(10, 7, 300)), Steps(make_plan(10, 7, 300))

    assert [first.next() for _ in range(60)] == [second.next() for _ in range(60)]


def test_each_drawn_fault_comes_by_itself_before_any_are_mixed():
    plan = make_plan(10, 1, 300)
    steps = Steps(plan)
    wanted = set(plan.drawn) - {WIPE}

    first = [steps.next() for _ in wanted]

    assert {harm.fault for step in first for harm in step} == wanted
    assert all(len(step) == 1 for step in first)


def test_faults_that_take_the_whole_system_are_never_mixed():
    steps = Steps(make_plan(10, 2, 300))

    mixed = [step for step in itertools.islice(iter(steps.next, None), 200) if len(step) > 1]

    assert mixed
    assert not any(FAULTS[harm.fault].alone for step in mixed for harm in step)


@pytest.mark.parametrize(("minutes", "most"), [(2, 4), (10, 10), (30, 60)])
def test_only_long_runs_have_long_faults(minutes, most):
    steps = Steps(make_plan(minutes, 3, 300))

    by_itself = [steps.next() for _ in steps.waiting]
    slow = [harm.seconds for [harm] in by_itself if FAULTS[harm.fault].slow]
    seconds = [harm.seconds for _ in range(500) for harm in steps.next()]

    assert min(slow) >= {2: 15, 10: 30, 30: 60}[minutes]

    assert max(seconds) <= most
    assert max(seconds) > most * 0.6
    assert min(seconds) >= 0.1


@pytest.mark.parametrize(("minutes", "seconds"), [(2, 15), (10, 30), (30, 60)])
@pytest.mark.parametrize("seed", range(20))
def test_every_run_begins_with_a_pause_of_the_broker_that_is_longer_than_a_lane_may_stand_still(
    minutes, seconds, seed
):
    [harm] = Steps(make_plan(minutes, seed, 300)).next()

    assert harm.fault == PAUSE
    assert harm.seconds >= seconds


@pytest.mark.parametrize(("rate", "steady"), [(10, 5), (60, 20), (300, 45), (3_000, 100)])
def test_a_part_of_the_rate_is_accepted_by_one_lane_throughout(rate, steady):
    assert make_plan(2, 1, rate).steady_rate == steady


@pytest.mark.parametrize("seed", range(6))
def test_what_stays_after_it_was_done_comes_after_all_others(seed):
    plan = make_plan(10, seed, 300)
    steps = Steps(plan)

    order = [harm.fault for _ in steps.waiting for harm in steps.next()]

    assert AHEAD not in plan.drawn or order[-1] == AHEAD


def test_named_faults_are_all_there_is():
    plan = make_plan(2, 1, 300, ("kill redis",))

    assert {harm.fault for _ in range(20) for harm in Steps(plan).next()} == {"kill redis"}
    assert not plan.wipes
