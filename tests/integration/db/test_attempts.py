"""Counting attempts, and uncounting successful ones: the count never falls below what others have used."""

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


def test_an_attempt_that_is_given_back_does_not_count(rounds: Rounds, stores: Stores) -> None:
    for _ in range(50):
        assert count(rounds) == 0
        attempts.give_back(rounds, [MINUTE, HOUR], 0)

    assert counted(stores) == [0, 0]
    assert 0 < stores.client.ttl(keys.attempts("60:n:192.0.2.1")) <= 60


def test_giving_back_neither_extends_a_window_nor_goes_below_zero(rounds: Rounds, stores: Stores) -> None:
    count(rounds)
    before = stores.client.pttl(keys.attempts("60:n:192.0.2.1"))

    for _ in range(3):
        attempts.give_back(rounds, [MINUTE, HOUR], 0)

    assert counted(stores) == [0, 0]
    assert stores.client.pttl(keys.attempts("60:n:192.0.2.1")) <= before
    assert [count(rounds) > 0 for _ in range(4)] == [False, False, False, True]


def test_nothing_is_given_back_to_a_window_that_began_later(rounds: Rounds, stores: Stores) -> None:
    """An attempt counted in one minute succeeds in the next, whose count is of other attempts."""
    count(rounds)
    stores.client.delete(keys.attempts("60:n:192.0.2.1"))  # its minute is over
    for _ in range(3):
        count(rounds)

    attempts.give_back(rounds, [MINUTE], 5_000)

    assert counted(stores)[0] == 3
    assert count(rounds) > 0


def test_without_a_window_giving_back_counts_nothing(rounds: Rounds, stores: Stores) -> None:
    attempts.give_back(rounds, [MINUTE, HOUR], 0)

    assert stores.client.keys(keys.attempts("*")) == []


def test_guesses_among_successful_log_ins_get_no_more_attempts(rounds: Rounds, stores: Stores) -> None:
    """Every second attempt succeeds and is given back: in any order, only as many can fail as the limit allows."""

    def try_(number: int) -> bool:
        let_through = count(rounds) == 0
        if let_through and number % 2:
            attempts.give_back(rounds, [MINUTE, HOUR], 0)
        return let_through and not number % 2

    with ThreadPoolExecutor(8) as pool:
        failed = sum(pool.map(try_, range(60)))

    assert counted(stores)[0] == failed <= 3
    assert [count(rounds) > 0 for _ in range(4)] == [False] * (3 - failed) + [True] * (1 + failed)
