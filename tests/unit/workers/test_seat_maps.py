"""The memory limit of the seat maps that a worker keeps between batches."""

from __future__ import annotations

from uuid import UUID

import pytest

from core.seat_owners import Owners
from workers import seat_maps
from workers.seat_maps import SeatMap, SeatMaps

OWNER = UUID(int=1)


def seat_map(seats: int, version: int = 1) -> SeatMap:
    return SeatMap(version, Owners(((f"A{number}", OWNER) for number in range(seats)), whole=True))


def kept(maps: SeatMaps, shows: range) -> list[int]:
    """Return the shows whose map is kept, and remove their maps."""
    return [show for show in shows if maps.remove(show, 1)]


@pytest.fixture
def maps(monkeypatch: pytest.MonkeyPatch) -> SeatMaps:
    """Return empty seat maps with room for ten owned seats."""
    monkeypatch.setattr(seat_maps, "BYTES_MAX", 10 * seat_maps.OWNED_BYTES)
    monkeypatch.setattr(seat_maps, "MAP_BYTES", 0)
    return SeatMaps()


def test_the_maps_unused_for_longest_make_room(maps: SeatMaps) -> None:
    for show in range(4):
        maps.put(show, seat_map(4))
    assert kept(maps, range(4)) == [2, 3]


def test_a_map_that_is_put_again_counts_once_and_as_used_now(maps: SeatMaps) -> None:
    maps.put(0, seat_map(5))
    for _ in range(3):
        maps.put(1, seat_map(5))
    maps.put(0, seat_map(5))
    maps.put(2, seat_map(5))
    assert kept(maps, range(3)) == [0, 2]


def test_a_map_that_was_removed_frees_its_room(maps: SeatMaps) -> None:
    for version in (1, 2):
        maps.put(0, seat_map(8, version))
        assert (maps.remove(0, 1) is None) is (version == 2)
    maps.put(1, seat_map(5))
    maps.put(2, seat_map(5))
    assert kept(maps, range(3)) == [1, 2]


def test_a_map_that_is_too_large_is_kept_alone(maps: SeatMaps) -> None:
    maps.put(0, seat_map(1))
    maps.put(1, seat_map(20))
    assert kept(maps, range(2)) == [1]
