"""Random schedules of the real code show no violation; with a planted bug they do, and print how to repeat it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from core.bookings import Booking, Status
from core.operations import Book
from core.wishes import Wish
from db.kv import keys, lanes, scripts
from db.kv.scripts import Script
from proof.kit.servers import Servers
from proof.simulator.command import simulate
from proof.simulator.fixture import Fixture, open_fixture
from proof.simulator.oracle import Asked, unwished
from proof.simulator.schedule import Schedule
from tests.race.rivals import lane_unlocked, shows_unlocked
from tests.support.databases import administer, url_of
from workers import batch

#: Max schedules in CI (`make simulate` runs any number). A planted bug must be found within this number, too.
SCHEDULES = 60
#: Max seconds. An idle machine needs some ten; a busy one may run fewer schedules.
SECONDS = 90.0


@pytest.fixture(scope="module")
def fixture(servers: Servers) -> Iterator[Fixture]:
    """The simulator's fixture on the servers of the tests."""
    administer(servers, "CREATE DATABASE simulator")
    with open_fixture(url_of(servers, "simulator"), servers.redis_url(9)) as made:
        yield made
    administer(servers, "DROP DATABASE simulator WITH (FORCE)")


def test_random_schedules_leave_everything_provable(fixture: Fixture) -> None:
    played, wrong = simulate(fixture, first_seed=1, schedules=SCHEDULES, seconds=SECONDS)

    assert wrong == []
    assert played


def test_a_seed_is_one_schedule(fixture: Fixture) -> None:
    first = Schedule(fixture, 5)
    assert first.run() == []
    again = Schedule(fixture, 5)
    assert again.run() == []

    assert len(first.trace) > 50
    assert again.trace == first.trace


@pytest.mark.parametrize(
    "wrong",
    [
        {"seats": ("A1",), "seat_prices_cents": (1000,), "amount_cents": 1000},
        {"seats": ("A1", "A3")},
        {"seats": ("A1",), "released": ("A2",), "seat_prices_cents": (1000,), "amount_cents": 1000},
        {"seat_prices_cents": (1100, 1100), "amount_cents": 2200},
        {"amount_cents": 2001},
    ],
    ids=["one seat less", "another seat", "a seat back that was not named", "another amount", "a wrong sum"],
)
def test_a_booking_other_than_wished_is_found(wrong: dict[str, Any]) -> None:
    wish = Wish(seats=("A1", "A2"), expected_amount_cents=2000)
    ids: dict[str, Any] = {"booking_id": UUID(int=1), "show_id": 1, "user_id": UUID(int=2), "fingerprint": ""}
    asked = Asked(Book(**ids, wishes=(Wish(seats=("B1",)), wish), rules=1), accepted=True)
    right = Booking(
        id=UUID(int=1), show_id=1, user_id=UUID(int=2), status=Status.CONFIRMED, reason=None, fingerprint="",
        seats=("A1", "A2"), amount_cents=2000, seat_prices_cents=(1000, 1000), wish_granted=1, version=1,
        last_operation={}, accepted_ms=1, decided_ms=2,
    )  # fmt: skip

    assert list(unwished(asked, right)) == []
    assert list(unwished(asked, replace(right, **wrong)))


# -- planted bugs -------------------------------------------------------------------------------------------


def plant(monkeypatch: pytest.MonkeyPatch, fixture: Fixture, name: str, right: str, wrong: str) -> None:
    """Replace `right` by `wrong` in a script."""
    source = getattr(scripts, name).source
    assert right in source
    changed = source.replace(right, wrong)
    monkeypatch.setattr(scripts, name, Script(changed, fixture.client.script_load(changed)))


def without_the_row_lock(monkeypatch: pytest.MonkeyPatch, fixture: Fixture) -> None:
    lane_unlocked(monkeypatch)
    shows_unlocked(monkeypatch)


def trimming_before_commit(monkeypatch: pytest.MonkeyPatch, fixture: Fixture) -> None:
    def peek(client: Any, lane: int, limit: int) -> lanes.Head:
        peeked = PEEK(client, lane, limit)
        if peeked.entries:
            last = peeked.entries[-1].id
            fixture.client.xtrim(keys.lane(lane), minid=f"{last.ms}-{last.seq + 1}", approximate=False)
        return peeked

    monkeypatch.setattr(batch.lanes, "peek", peek)


def keeping_the_mark_of_a_change(monkeypatch: pytest.MonkeyPatch, fixture: Fixture) -> None:
    plant(monkeypatch, fixture, "FINISH", "redis.call('HDEL', status, kind)", "")


PEEK = lanes.peek


@pytest.mark.parametrize(
    ("bug", "found"),
    [
        (without_the_row_lock, "alarm"),
        (trimming_before_commit, "I2"),
        (keeping_the_mark_of_a_change, "I3"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_planted_bug_is_found(
    fixture: Fixture,
    monkeypatch: pytest.MonkeyPatch,
    bug: Callable[[pytest.MonkeyPatch, Fixture], None],
    found: str,
) -> None:
    bug(monkeypatch, fixture)

    played, shown = simulate(fixture, first_seed=1, schedules=SCHEDULES, seconds=SECONDS)

    assert any(line.startswith(f"VIOLATION  {found}") for line in shown), "\n".join(shown)
    assert shown[-1] == f'repeat it with: make simulate ARGS="--seed {played} --schedules 1"'
