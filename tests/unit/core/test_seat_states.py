"""Seat states: two bits a seat, and a history that never makes up a change."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import seat_states, taken_seats
from core.seat_states import AVAILABLE, HELD, SOLD, SeatHistory, SeatStates, Step

CAPACITY = 11
SEATS = st.binary(min_size=CAPACITY, max_size=CAPACITY).map(lambda seats: bytes(one % 3 for one in seats))


def unpacked(packed: bytes, capacity: int) -> bytes:
    """Read packed states as a client does."""
    return bytes(packed[index >> 2] >> 2 * (index & 3) & 3 for index in range(capacity))


@given(st.binary(max_size=50).map(lambda seats: bytes(one % 3 for one in seats)))
def test_every_seat_is_found_at_its_two_bits(seats: bytes) -> None:
    states = SeatStates(7, seats)

    assert len(states.packed()) == -(-len(seats) // 4)
    assert unpacked(states.packed(), len(seats)) == seats
    assert base64.b64decode(states.text()) == states.packed()
    assert states.counts == tuple(seats.count(state) for state in (AVAILABLE, HELD, SOLD))


def test_ten_thousand_seats_have_two_and_a_half_kilobytes() -> None:
    assert len(SeatStates.of(1, 10_000, range(100), range(9_000, 10_000)).packed()) == 2_500


def test_states_are_those_of_the_taken_seats() -> None:
    untils = [taken_seats.FREE, taken_seats.until_s(1_700_000_000_000), taken_seats.until_s(None)]

    assert [seat_states.of_until(until) for until in untils] == [AVAILABLE, HELD, SOLD]
    assert SeatStates.of(3, 4, held=[1], sold=[3]).seats == bytes([AVAILABLE, HELD, AVAILABLE, SOLD])


@given(st.lists(st.dictionaries(st.integers(0, CAPACITY - 1), st.integers(0, 2)), min_size=1), SEATS, st.data())
def test_changes_since_a_version_lead_from_it_to_now(steps: list[dict[int, int]], seats: bytes, data: st.DataObject):
    history = SeatHistory(SeatStates(1, seats))
    known = {1: history.now}
    for changes in steps:
        at = history.version
        assert history.advance(Step(at, at + 1, changes))
        known[at + 1] = history.now
    version = data.draw(st.sampled_from(sorted(known)))

    changes = history.since(version)

    assert changes is not None
    assert known[version].changed(history.version, changes) == history.now


def test_a_step_that_begins_elsewhere_changes_nothing() -> None:
    history = SeatHistory(SeatStates(5, bytes(4)))

    assert not history.advance(Step(4, 5, {0: SOLD}))  # heard twice
    assert not history.advance(Step(6, 7, {0: SOLD}))  # one was lost
    assert history.now == SeatStates(5, bytes(4))


def test_states_that_were_read_continue_the_history() -> None:
    history = SeatHistory(SeatStates(5, bytes([0, 1, 2, 0])))

    history.replace(SeatStates(9, bytes([0, 2, 0, 0])))

    assert history.version == 9
    assert history.since(5) == {1: SOLD, 2: AVAILABLE}
    assert history.since(6) is None


def test_after_the_store_went_back_nothing_earlier_is_known() -> None:
    history = SeatHistory(SeatStates(5, bytes(4)))
    history.advance(Step(5, 6, {0: SOLD}))

    history.replace(SeatStates(4, bytes(4)))

    assert (history.version, history.since(5), history.since(6)) == (4, None, None)


def test_a_long_history_forgets_its_oldest_steps() -> None:
    history = SeatHistory(SeatStates(1, bytes(4)))
    for version in range(1, 5_000):
        history.advance(Step(version, version + 1, {version % 4: version % 3}))

    assert history.since(1) is None
    assert history.since(4_990) is not None
    assert len(history._steps) <= seat_states.MOST_CHANGES / 2


def test_a_seat_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(IndexError):
        SeatStates(1, bytes(4)).changed(2, {4: SOLD})
