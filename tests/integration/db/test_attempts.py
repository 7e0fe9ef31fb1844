"""Counts of attempts, and their giving back: never below what others have used, whatever comes between."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from db.kv import attempts, keys
from db.kv.attempts import Limit
from db.kv.rounds import Rounds
from workers.stores import Stores

MINUTE, HOUR = Limit("n:192.0.2.1", 3, 60), Limit("n:192.0.2.1", 12, 3_600)


def count(rounds: Rounds) -> int:
    return attempts.count(rounds, [MINUTE, HOUR])


def counted(stores: Stores) -> list[int]:
    values = [stores.client.get(keys.attempts(f"{limit.window_s}:{limit.subject}")) for limit in (MINUTE, HOUR)]
    return [int(str(value or 0)) for value in values]


def test_what_is_given_back_was_not_used(rounds: Rounds, stores: Stores) -> None:
    for _ in range(50):
        assert count(rounds) == 0
        attempts.give_back(rounds, [MINUTE, HOUR], 0)

    assert counted(stores) == [0, 0]
    assert 0 < stores.client.ttl(keys.attempts("60:n:192.0.2.1")) <= 60


def test_giving_back_starts_no_window_again_and_lends_none(rounds: Rounds, stores: Stores) -> None:
    count(rounds)
    before = stores.client.pttl(keys.attempts("60:n:192.0.2.1"))

    for _ in range(3):
        attempts.give_back(rounds, [MINUTE, HOUR], 0)

    assert counted(stores) == [0, 0]
    assert stores.client.pttl(keys.attempts("60:n:192.0.2.1")) <= before
    assert [count(rounds) > 0 for _ in range(4)] == [False, False, False, True]


def test_nothing_is_given_back_to_a_window_that_began_later(rounds: Rounds, stores: Stores) -> None:
    """Counted in one minute, right in the next: the count there is of others who guess."""
    count(rounds)
    stores.client.delete(keys.attempts("60:n:192.0.2.1"))  # its minute is over
    for _ in range(3):
        count(rounds)

    attempts.give_back(rounds, [MINUTE], 5_000)

    assert counted(stores)[0] == 3
    assert count(rounds) > 0


def test_no_window_no_count(rounds: Rounds, stores: Stores) -> None:
    attempts.give_back(rounds, [MINUTE, HOUR], 0)

    assert stores.client.keys(keys.attempts("*")) == []


def test_who_guesses_among_those_who_know_has_no_more_attempts(rounds: Rounds, stores: Stores) -> None:
    """Every second one gives back: whatever the order, no more that fail are let through than the limit says."""

    def try_(number: int) -> bool:
        let_through = count(rounds) == 0
        if let_through and number % 2:
            attempts.give_back(rounds, [MINUTE, HOUR], 0)
        return let_through and not number % 2

    with ThreadPoolExecutor(8) as pool:
        failed = sum(pool.map(try_, range(60)))

    assert counted(stores)[0] == failed <= 3
    assert [count(rounds) > 0 for _ in range(4)] == [False] * (3 - failed) + [True] * (1 + failed)
