"""Random schedules of the real code show nothing wrong; with a bug planted they do, and say how to repeat it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from db.kv import keys, lanes, scripts
from db.kv.scripts import Script
from proof.kit.servers import Servers
from proof.simulator.command import simulate
from proof.simulator.ground import Ground, ground
from proof.simulator.play import Play
from tests.race.rivals import lane_unlocked, shows_unlocked
from tests.support.databases import administer, url_of
from workers import batch

#: What CI plays; `make simulate` plays as many as one likes. A planted bug must be found within so many, too.
SCHEDULES = 60
#: Some ten seconds on a quiet machine; one that is not plays fewer of them within this time.
SECONDS = 90.0


@pytest.fixture(scope="module")
def stand(servers: Servers) -> Iterator[Ground]:
    """The simulator's ground on the servers of the tests."""
    administer(servers, "CREATE DATABASE simulator")
    with ground(url_of(servers, "simulator"), servers.redis_url(9)) as made:
        yield made
    administer(servers, "DROP DATABASE simulator WITH (FORCE)")


def test_random_schedules_leave_everything_provable(stand: Ground) -> None:
    played, wrong = simulate(stand, first_seed=1, schedules=SCHEDULES, seconds=SECONDS)

    assert wrong == []
    assert played


def test_a_seed_is_one_schedule(stand: Ground) -> None:
    first, again = Play(stand, 5), Play(stand, 5)
    assert first.run() == []
    again = Play(stand, 5)
    assert again.run() == []

    assert len(first.story) > 50
    assert again.story == first.story


# -- planted bugs -------------------------------------------------------------------------------------------


def plant(monkeypatch: pytest.MonkeyPatch, stand: Ground, name: str, right: str, wrong: str) -> None:
    """Another version of a script in which `right` reads `wrong`."""
    source = getattr(scripts, name).source
    assert right in source
    changed = source.replace(right, wrong)
    monkeypatch.setattr(scripts, name, Script(changed, stand.client.script_load(changed)))


def without_the_row_lock(monkeypatch: pytest.MonkeyPatch, stand: Ground) -> None:
    lane_unlocked(monkeypatch)
    shows_unlocked(monkeypatch)


def trimming_before_commit(monkeypatch: pytest.MonkeyPatch, stand: Ground) -> None:
    def peek(client: Any, lane: int, limit: int) -> lanes.Head:
        peeked = PEEK(client, lane, limit)
        if peeked.entries:
            last = peeked.entries[-1].id
            stand.client.xtrim(keys.lane(lane), minid=f"{last.ms}-{last.seq + 1}", approximate=False)
        return peeked

    monkeypatch.setattr(batch.lanes, "peek", peek)


def forgetting_who_waits(monkeypatch: pytest.MonkeyPatch, stand: Ground) -> None:
    plant(monkeypatch, stand, "FINISH", "redis.call('HDEL', status, kind)", "")


PEEK = lanes.peek


@pytest.mark.parametrize(
    ("bug", "found"),
    [
        (without_the_row_lock, "alarm"),
        (trimming_before_commit, "I9"),
        (forgetting_who_waits, "I3"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_planted_bug_is_found(
    stand: Ground,
    monkeypatch: pytest.MonkeyPatch,
    bug: Callable[[pytest.MonkeyPatch, Ground], None],
    found: str,
) -> None:
    bug(monkeypatch, stand)

    played, told = simulate(stand, first_seed=1, schedules=SCHEDULES, seconds=SECONDS)

    assert any(line.startswith(f"VIOLATION  {found}") for line in told), "\n".join(told)
    assert told[-1] == f'repeat it with: make simulate ARGS="--seed {played} --schedules 1"'
