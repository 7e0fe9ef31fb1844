"""The model checker finds no violation in the small sizes, and finds each planted bug, with the shortest trace."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from proof.model import clients, drains, faults
from proof.model.command import main
from proof.model.search import Result, search
from proof.model.sizes import BOOK, BUGS, SIZES, Size
from proof.model.steps import Step

#: The largest of these runs takes half a minute of CPU.
pytestmark = pytest.mark.timeout(400)

PROJECT = Path(__file__).parents[3]
STEPS = [value for module in (clients, drains, faults) for value in vars(module).values() if isinstance(value, Step)]


@pytest.mark.parametrize("name", SIZES["small"])
def test_every_state_of_the_small_sizes_is_right(name: str) -> None:
    result = search(SIZES["small"][name])

    assert result.violation == "", "\n".join(result.trace)
    assert result.states > 500


#: The first words of the violation that each bug causes.
FOUND = {
    "publish before COMMIT": "I5",
    "trim before COMMIT": "I2",
    "the lane's row is not locked": "I2: an entry was decided twice",
    "seats are read before the lock": "I2: an entry was decided twice",
    "the lease never lapses": "liveness",
    "nobody sweeps": "liveness",
    "release.lua does not look at the lane": "liveness",
    "accept is not idempotent": "I4",
    "the journal is not looked at": "I2: an entry was decided twice",
    "a COMMIT without an answer counts as done": "I2",
    "finish.lua does not compare epochs": "I2",
    "a recalled status has no TTL": "liveness",
    "finish.lua compares neither versions nor tickets": "I3",
    "finish.lua leaves the marks of decided Cancels": "liveness",
    "put_if_newer.lua does not compare versions": "I3",
    "decide does not look for an outcome": "I2: a booking was decided twice",
    "a refusal's card is never confirmed": "liveness",
    "put_if_newer.lua does not compare the versions of cards": "I3: the show's card",
    "a queued booking is found again although its entry is gone": "liveness",
    "an empty lane's last tickets are taken for waiting": "liveness",
    "a hold whose deadline has passed is not looked up": "liveness",
}


@cache
def searched(bug: str) -> Result:
    """What the search finds with a bug planted: two tests read it."""
    return search(replace(BUGS[bug], bug=bug))


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(bug: str) -> None:
    result = searched(bug)

    assert result.violation.startswith(FOUND[bug])
    assert 1 < len(result.trace) < 30


def test_the_shortest_trace_names_the_code_of_each_step(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--bug", "trim before COMMIT"]) == 1

    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("VIOLATION  I2")
    assert [line.partition("[")[2].rstrip("]") for line in lines[2:-1]] == [
        "api/bookings/service.py book",
        "db/kv/lua/accept.lua",
        "db/kv/lanes.py stalled",
        "db/kv/lua/take.lua",
        "db/postgres/fences.py lock",
        "workers/batch.py run_batch",
    ]


def test_a_show_is_sold_out_for_ever_only_after_a_wipe_and_a_killed_drain() -> None:
    """A card becomes wrong when it is rebuilt after the wipe, and the Cancel's COMMIT is never published."""
    bug = "a refusal's card is never confirmed"

    trace = "\n".join(searched(bug).trace)

    wiped, rebuilt, killed = map(trace.index, ("Redis loses everything", "the show's card", "COMMIT, but its answer"))
    assert wiped < rebuilt < killed
    assert search(replace(BUGS[bug], bug=bug, wipes=0)).violation == ""


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.text)
def test_each_step_names_code_that_exists(step: Step) -> None:
    path, _, name = step.code.partition(" ")

    assert name in (PROJECT / path).read_text()


def test_processes_of_a_kind_are_alike() -> None:
    """A second worker adds states only where both are at work at once."""
    calm = Size(apis=1, workers=1, requests=(BOOK,), faults=False)

    assert search(calm).states < search(replace(calm, workers=2)).states < 2 * search(calm).states
    assert search(replace(calm, workers=2)).violation == ""
