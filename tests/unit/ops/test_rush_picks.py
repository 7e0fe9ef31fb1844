"""The picks of a rush: seeded, with the sizes and kinds of the plan; and the parsers of the plan."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from core.errors import ConfigurationError
from core.halls import Hall
from ops.rush.picks import OfferedSeats, picks
from ops.rush.plan import Mix, Plan, is_loopback, parse_group
from ops.rush.shows import hall_plan, row_label

ROWS = tuple(tuple(f"{letter}{number}" for number in range(1, 11)) for letter in "ABCDEFGHIJKLMNOPQRST")
MAP = OfferedSeats(ROWS, ("premium", "standard"))


def plan(**changes: object) -> Plan:
    return Plan(base_url="http://127.0.0.1:1", jwt_secret="s" * 32, **changes)  # type: ignore[arg-type]


def test_the_same_seed_gives_the_same_picks() -> None:
    assert list(picks(plan(seed=7), MAP)) == list(picks(plan(seed=7), MAP))
    assert list(picks(plan(seed=7), MAP)) != list(picks(plan(seed=8), MAP))


def test_hot_picks_are_adjacent_seats_in_the_front_rows() -> None:
    for pick in picks(plan(mix=Mix(1, 0, 0), group=(2, 4), buyers=200), MAP):
        rows = {seat[0] for seat in pick.seats}
        numbers = [int(seat[1:]) for seat in pick.seats]

        assert rows <= {"A", "B"}
        assert len(rows) == 1
        assert numbers == list(range(numbers[0], numbers[0] + pick.quantity))
        assert 2 <= pick.quantity <= 4


def test_the_mix_and_the_share_of_holds_are_kept() -> None:
    made = list(picks(plan(buyers=4000, holds=0.25), MAP))

    kinds = Counter("best" if not pick.seats else "named" for pick in made)
    assert 0.17 < kinds["best"] / 4000 < 0.23
    assert 0.22 < sum(pick.hold for pick in made) / 4000 < 0.28


def test_bodies_are_what_the_api_reads() -> None:
    made = [json.loads(pick.body(5)) for pick in picks(plan(buyers=500, holds=0.5), MAP)]

    assert {frozenset(body) - {"hold"} for body in made} == {
        frozenset({"show_id", "seats"}),
        frozenset({"show_id", "quantity"}),
        frozenset({"show_id", "quantity", "category"}),
    }
    assert all(body["show_id"] == 5 and body.get("hold", True) is True for body in made)


def test_without_a_free_seat_every_pick_is_for_the_best() -> None:
    assert all(not pick.seats for pick in picks(plan(buyers=50), OfferedSeats((), ("standard",))))


def test_only_free_seats_are_read_from_the_map() -> None:
    seats = [
        {"label": "A1", "category": "premium", "status": "SOLD"},
        {"label": "A2", "category": "standard", "status": "AVAILABLE"},
    ]

    read = OfferedSeats.read(
        {"version": 3, "rows": [{"label": "A", "seats": seats}, {"label": "B", "seats": seats[:1]}]}
    )

    assert read == OfferedSeats((("A2",),), ("premium", "standard"))


@pytest.mark.parametrize("text", ["hot=0", "warm=3", "hot", "hot=-1,best=2", "hot=x", "", "hot=inf", "hot=nan"])
def test_a_wrong_mix_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Mix.parse(text)


def test_a_mix_leaves_out_what_it_does_not_name() -> None:
    assert Mix.parse("hot=3, best=1") == Mix(3, 0, 1)


@pytest.mark.parametrize("text", ["0", "3-2", "1-11", "", "a", "1-2-3"])
def test_a_wrong_group_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_group(text)


def test_a_group_is_a_number_or_a_range() -> None:
    assert (parse_group("3"), parse_group("1-4")) == ((3, 3), (1, 4))


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:8000", True),
        ("http://localhost", True),
        ("http://[::1]:80", True),
        ("http://10.0.0.1", False),
        ("http://127.0.0.1.example.org", False),
        ("nothing", False),
    ],
)
def test_only_this_machine_is_loopback(url: str, here: bool) -> None:
    assert is_loopback(url) is here


def test_a_plan_for_another_machine_needs_anywhere() -> None:
    with pytest.raises(ConfigurationError, match="--anywhere"):
        Plan(base_url="http://10.0.0.1", jwt_secret="s" * 32)

    assert Plan(base_url="http://10.0.0.1", jwt_secret="s" * 32, anywhere=True).buyers == 2500


@pytest.mark.parametrize("wrong", [{"buyers": 0}, {"seats": 0}, {"timeout_s": 0.0}, {"holds": 1.5}, {"ramp_s": -1.0}])
def test_impossible_plans_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError):
        plan(**wrong)


@pytest.mark.parametrize("seats", [1, 9, 10, 11, 100, 1000, 1001, 54_321])
def test_a_hall_has_exactly_the_requested_number_of_seats(seats: int) -> None:
    hall = Hall.from_plan(1, hall_plan(seats))

    assert hall.capacity == seats
    assert hall.categories == ({"standard", "premium"} if len(hall.rows) > 1 else {"standard"})


def test_row_labels_continue_after_z() -> None:
    assert [row_label(index) for index in (0, 25, 26, 27, 701, 702)] == ["A", "Z", "AA", "AB", "ZZ", "AAA"]
