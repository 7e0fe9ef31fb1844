"""The day of a show is that of its hall, and currencies have their minor units."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from core.currencies import EXPONENTS
from core.general_halls import general_plan
from core.halls import Hall
from core.seat_labels import MAX_NUMBER
from core.time_zones import day_bounds, is_known
from core.times import to_ms

HOUR_MS = 3_600_000


def utc(*at: int) -> int:
    return to_ms(datetime(*at, tzinfo=UTC))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("zone", "begins"),
    [
        ("UTC", utc(2030, 1, 31)),
        ("Europe/Berlin", utc(2030, 1, 30, 23)),
        ("Pacific/Kiritimati", utc(2030, 1, 30, 10)),
        ("America/Los_Angeles", utc(2030, 1, 31, 8)),
        ("Nowhere/Land", utc(2030, 1, 31)),
    ],
)
def test_a_day_begins_at_midnight_where_the_hall_is(zone: str, begins: int) -> None:
    assert day_bounds(date(2030, 1, 31), zone) == (begins, begins + 24 * HOUR_MS)


@pytest.mark.parametrize(("day", "hours"), [(date(2025, 3, 30), 23), (date(2025, 10, 26), 25)])
def test_a_day_on_which_clocks_change_is_shorter_or_longer(day: date, hours: int) -> None:
    begins, ends = day_bounds(day, "Europe/Berlin")

    assert ends - begins == hours * HOUR_MS


@pytest.mark.parametrize(
    "name", ["", "Berlin", "europe/berlin", "../etc/passwd", "/etc/localtime", "Europe", "UTC+1"]
)
def test_only_exact_names_are_time_zones(name: str) -> None:
    assert not is_known(name)
    assert is_known("Europe/Berlin")
    assert is_known("UTC")


def test_each_currency_is_listed_once_with_its_minor_unit() -> None:
    assert {code: EXPONENTS[code] for code in ("EUR", "USD", "JPY", "KWD", "ISK")} == {
        "EUR": 2, "USD": 2, "JPY": 0, "KWD": 3, "ISK": 0,
    }  # fmt: skip
    assert len(EXPONENTS) > 150
    assert all(len(code) == 3 and code.isascii() and code.isupper() for code in EXPONENTS)


@pytest.mark.parametrize("seats", [1, MAX_NUMBER, MAX_NUMBER + 1, 200_000])
def test_a_number_of_seats_makes_a_hall(seats: int) -> None:
    hall = Hall.from_plan(1, general_plan(seats))

    assert (hall.capacity, hall.categories) == (seats, {"standard"})
    assert list(hall.seats)[:2] == ["A1", "A2"][:seats]
    assert hall.find(f"A{min(seats, MAX_NUMBER)}") is not None
