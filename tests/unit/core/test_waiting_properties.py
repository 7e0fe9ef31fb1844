"""decide on random operations at a show that is always sold out: the reference agrees, and the journal replays."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from tests.support.lane import ALICE, BOB, HOLD, SHOW
from tests.support.steps import CAROL
from tests.unit.core.test_decide_properties import Played, replayed

SHOW_OF_SIX = {"rows": 2, "seats": 3, "seats_per_user": 3}
SEATS = ("A1", "A2", "A3", "B1", "B2")


def crowd(rng: Random) -> list[Any]:
    """Return steps of a crowd that wants the same few seats, and mostly waits for them."""
    steps: list[Any] = []
    for _ in range(60):
        after = rng.choice((0, 1, 10)) if rng.random() < 0.9 else rng.choice((HOLD // 3, HOLD - 1, HOLD))
        what = rng.choice(("cancel", "cancel", "confirm", "again", "release", "extend"))
        step: dict[str, Any] = {"what": what, "pick": rng.randrange(60), "seats": ["A1"], "own": 1}
        if rng.random() < 0.5:
            named = sorted(rng.sample(SEATS, rng.choice((0, 1, 1, 2))))
            step = {"what": rng.choice(("book", "hold")), "seats": named, "quantity": rng.choice((1, 1, 2, 3))}
            step |= {
                "category": None,
                "give_up": 0,
                "rules": rng.choice((0, 1)),
                "verdict": None,
                "waiting": rng.random() < 0.8,
            }
        elif rng.random() < 0.2:
            step = {"what": "expire", "limit": rng.randint(1, 3)}
        elif rng.random() < 0.15:
            step = {"what": "change", "state": rng.choice(("PAUSED", "ON_SALE", "ON_SALE", "ON_SALE"))}
        steps.append((step, rng.choice((ALICE, BOB, CAROL)), after, rng.choice((0, 5))))
    if rng.random() < 0.3:
        steps.append(({"what": "change", "state": "CLOSED"}, ALICE, 0, 0))
        steps += [({"what": "expire", "limit": 2}, ALICE, 0, 0)] * 3
    return steps


@pytest.mark.parametrize("seed", range(60))
def test_nobody_who_waits_is_passed_over_and_the_journal_replays(seed: int) -> None:
    played = Played(crowd(Random(seed)), **SHOW_OF_SIX)

    replay = replayed(played.decisions, **SHOW_OF_SIX)
    assert replay.violations == []
    assert replay.states[SHOW].bookings == played.lane.state.bookings
    again, before = replay.states[SHOW].waiting, played.lane.state.waiting
    assert (again.count, again.last) == (before.count, before.last)


def test_the_crowd_does_what_it_is_for() -> None:
    """Most crowds see offers, offers that lapse, and people who leave the list."""
    kinds = [
        {(made.kind.value, made.outcome.value) for made in Played(crowd(Random(seed)), **SHOW_OF_SIX).decisions}
        for seed in range(20)
    ]
    assert sum(("OFFER", "OFFERED") in seen for seen in kinds) >= 12
    assert sum(("EXPIRE", "EXPIRED") in seen for seen in kinds) >= 12
    assert sum(("OFFER", "FAILED") in seen for seen in kinds) >= 1
