"""The memory limit of the seats that a worker keeps between batches."""

from __future__ import annotations

from uuid import UUID

import pytest

from core.seat_owners import Owners
from workers import kept_seats
from workers.kept_seats import KeptSeats, ShowSeats

OWNER = UUID(int=1)


def show_seats(seats: int, version: int = 1) -> ShowSeats:
    return ShowSeats(version, Owners(((f"A{number}", OWNER) for number in range(seats)), whole=True))


def kept(all_kept: KeptSeats, shows: range) -> list[int]:
    """Return the shows whose seats are kept, and remove them."""
    return [show for show in shows if all_kept.remove(show, 1)]


@pytest.fixture
def all_kept(monkeypatch: pytest.MonkeyPatch) -> KeptSeats:
    """Return no kept seats, with room for ten owned seats."""
    monkeypatch.setattr(kept_seats, "BYTES_MAX", 10 * kept_seats.OWNED_BYTES)
    monkeypatch.setattr(kept_seats, "SHOW_BYTES", 0)
    return KeptSeats()


def test_the_shows_unused_for_longest_make_room(all_kept: KeptSeats) -> None:
    for show in range(4):
        all_kept.put(show, show_seats(4))
    assert kept(all_kept, range(4)) == [2, 3]


def test_a_show_that_is_put_again_counts_once_and_as_used_now(all_kept: KeptSeats) -> None:
    all_kept.put(0, show_seats(5))
    for _ in range(3):
        all_kept.put(1, show_seats(5))
    all_kept.put(0, show_seats(5))
    all_kept.put(2, show_seats(5))
    assert kept(all_kept, range(3)) == [0, 2]


def test_a_show_that_was_removed_frees_its_room(all_kept: KeptSeats) -> None:
    for version in (1, 2):
        all_kept.put(0, show_seats(8, version))
        assert (all_kept.remove(0, 1) is None) is (version == 2)
    all_kept.put(1, show_seats(5))
    all_kept.put(2, show_seats(5))
    assert kept(all_kept, range(3)) == [1, 2]


def test_a_show_that_is_too_large_is_kept_alone(all_kept: KeptSeats) -> None:
    all_kept.put(0, show_seats(1))
    all_kept.put(1, show_seats(20))
    assert kept(all_kept, range(2)) == [1]
