"""Server-sent events on both transports: the front keeps them open, Flask alone sends the first and ends."""

from __future__ import annotations

from typing import Any

import pytest

from core.shows import SaleState
from proof.kit.waiting import until
from tests.contract.world import World
from tests.support.events import Event, EventReader


def follow(world: World, path: str, token: str, last_id: str = "") -> EventReader:
    headers = {"Authorization": f"Bearer {token}"} | ({"Last-Event-ID": last_id} if last_id else {})
    return EventReader(world.address, path, headers)


def named(reader: EventReader, name: str) -> Event:
    """Return the next event of this name."""
    while (found := reader.next()) is not None:
        if found.name == name:
            return found
    raise AssertionError(f"no {name}")


def sell(world: World, show: int, *seats: str) -> None:
    world.stage.book(show, *seats)
    world.stage.drain(show)


def test_the_first_events_say_how_a_show_is(world: World) -> None:
    show = world.stage.show()

    with follow(world, f"/api/shows/{show}/events", world.token()) as reader:
        settings, seats = reader.next(), reader.next()

    assert (reader.status, reader.head["content-type"]) == (200, "text/event-stream")
    assert (reader.head["cache-control"], reader.head["x-accel-buffering"]) == ("no-store", "no")
    assert 1_000 <= reader.retry <= 4_000
    assert settings is not None
    assert seats is not None
    assert (settings.name, settings.data["state"]) == ("show", "ON_SALE")
    assert (seats.name, seats.id, seats.data["states"]) == ("seats", "1", "AAAA")


def test_a_client_that_comes_again_gets_what_has_changed_since(world: World) -> None:
    show = world.stage.show()
    with follow(world, f"/api/shows/{show}/events", world.token()) as reader:
        before = named(reader, "seats")
    sell(world, show, "A1", "B5")

    with follow(world, f"/api/shows/{show}/events", world.token(), before.id) as reader:
        changed = named(reader, "seats")
    with follow(world, f"/api/shows/{show}/events", world.token(), changed.id) as reader:
        same = named(reader, "seats")
    with follow(world, f"/api/shows/{show}/events", world.token(), "another text") as reader:
        whole = named(reader, "seats")

    assert (changed.id, changed.data["changes"], changed.data["since"]) == ("2", [[0, 2], [9, 2]], 1)
    assert (same.id, same.data["changes"]) == ("2", [])
    assert whole.data["states"] is not None


def test_a_decided_booking_is_one_event(world: World) -> None:
    token, show = world.token(), world.stage.show()
    booking = world.booked(show, token, "A1")

    with follow(world, f"/api/bookings/{booking['id']}/events", token) as reader:
        [event] = reader.all()
    with follow(world, f"/api/bookings/{booking['id']}/events", token, event.id) as reader:
        again = reader.all()

    assert (event.name, event.data["status"], event.data["poll_after_ms"]) == ("booking", "CONFIRMED", None)
    assert again == []


@pytest.mark.parametrize(
    ("path", "who", "status", "code"),
    [
        ("/api/shows/2147483647/events", "token", 404, "no_such_show"),
        ("/api/shows/2147483648/events", "token", 404, "not_found"),
        ("/api/shows/{show}/events", "", 401, "token_missing"),
        ("/api/bookings/{booking}/events", "", 401, "token_missing"),
        ("/api/bookings/{booking}/events", "stranger", 404, "no_such_booking"),
    ],
)
def test_a_request_that_gets_no_events_gets_a_problem(
    world: World, path: str, who: str, status: int, code: str
) -> None:
    show, names = world.stage.show(), {"token": world.token(), "stranger": world.token()}
    booking = world.booked(show, names["token"], "A1")["id"]

    answer = world.ask("GET", path.format(show=show, booking=booking), names.get(who, ""))

    assert (answer.status, answer.json["code"]) == (status, code)


def test_every_change_arrives_at_every_reader_while_it_stays_connected(front: World) -> None:
    show, token = front.stage.show(), front.token()
    readers = [follow(front, f"/api/shows/{show}/events", token) for _ in range(5)]
    for reader in readers:
        named(reader, "seats")

    for number, seat in enumerate(("A1", "A2", "A3"), 2):
        sell(front, show, seat)
        for reader in readers:
            event = named(reader, "seats")
            assert (event.id, event.data["changes"]) == (str(number), [[number - 2, 2]])

    for reader in readers:
        reader.close()


def test_a_pause_is_an_event_of_its_own(front: World) -> None:
    show = front.stage.show()
    with follow(front, f"/api/shows/{show}/events", front.token()) as reader:
        named(reader, "show")
        front.stage.change(show, state=SaleState.PAUSED.value)
        front.stage.drain(show)

        assert named(reader, "show").data["state"] == "PAUSED"


def test_a_queued_booking_is_followed_to_its_outcome(front: World) -> None:
    token, other, show = front.token(), front.token(), front.stage.show()
    front.book(show, other, "B1")
    booking = front.book(show, token, "A1")

    with follow(front, f"/api/bookings/{booking['id']}/events", token) as reader:
        queued = named(reader, "booking")
        front.stage.drain(show)
        rest = reader.all()

    assert (queued.data["stage"], queued.data["position"]) == ("QUEUED", 2)
    assert (rest[-1].data["status"], rest[-1].data["seats"]) == ("CONFIRMED", ["A1"])


def test_a_hold_is_followed_until_it_is_confirmed(front: World) -> None:
    token, show = front.token(), front.stage.show()
    booking = front.booked(show, token, "A1", hold=True)

    with follow(front, f"/api/bookings/{booking['id']}/events", token) as reader:
        held = named(reader, "booking")
        assert front.ask("PATCH", f"/api/bookings/{booking['id']}/confirm", token).status == 202
        front.stage.drain(show)
        rest = reader.all()

    assert held.data["stage"] == "HELD"
    assert rest[-1].data["status"] == "CONFIRMED"


def test_a_user_may_have_ten_streams_and_a_closed_one_frees_its_slot_at_once(front: World) -> None:
    show, token = front.stage.show(), front.token()
    path = f"/api/shows/{show}/events"
    readers = [follow(front, path, token) for _ in range(10)]
    for reader in readers:
        named(reader, "seats")

    refused: Any = front.ask("GET", path, token)
    readers.pop().close()

    assert (refused.status, refused.json["code"], refused.one("retry-after")) == (429, "too_many_streams", "4")

    def free() -> bool:
        with follow(front, path, token) as reader:
            return reader.status == 200

    until(free)
    for reader in readers:
        reader.close()
