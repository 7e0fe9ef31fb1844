"""`?wait=` on both transports: it waits while nothing is decided, and no longer."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from contextlib import ExitStack
from typing import Any

import pytest

from core.ids import lane_of
from db.kv import keys
from proof.kit.waiting import until
from tests.contract import wire
from tests.contract.wire import Connection
from tests.contract.world import WAITERS, World

#: Seconds within which a waiting request must not be answered; and max seconds of an immediate answer.
STILL_S, SOON_S = 0.25, 8.0


def look(world: World, booking: dict[str, Any], token: str, query: str, *headers: tuple[str, str]) -> Connection:
    """Request a booking's status without reading the answer."""
    connection = Connection(world.address)
    lines = (("Authorization", f"Bearer {token}"), *headers)
    connection.send(wire.head("GET", f"/api/bookings/{booking['id']}{query}", *lines))
    return connection


def silent(connections: Iterable[Connection]) -> bool:
    deadline = time.monotonic() + STILL_S
    return all(connection.silent(max(0.0, deadline - time.monotonic())) for connection in connections)


def test_an_undecided_booking_is_answered_when_the_wait_is_over(world: World) -> None:
    token, show = world.token(), world.stage.show()
    booking = world.book(show, token, "A1")
    begun = time.monotonic()

    with look(world, booking, token, "?wait=1") as connection:
        answer = connection.read()

    assert (answer.status, answer.json["stage"]) == (200, "QUEUED")
    assert 0.9 < time.monotonic() - begun < 1 + SOON_S
    world.stage.drain(show)


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("?wait=15", ()),
        ("?wait=15&fbclid=x", ()),
        ("?_=1&wait=15", ()),
        ("?wait=15", (("Via", "1.1 a"), ("Via", "1.1 b"))),
        ("?wait=15", (("If-None-Match", '"other"'),)),
    ],
    ids=str,
)
def test_the_outcome_is_returned_when_it_is_published(world: World, query: str, headers: Any) -> None:
    token, show = world.token(), world.stage.show()
    booking = world.book(show, token, "A1")

    with look(world, booking, token, query, *headers) as connection:
        assert connection.silent(STILL_S)
        begun = time.monotonic()
        world.stage.drain(show)
        answer = connection.read()

    assert (answer.status, answer.json["status"]) == (200, "CONFIRMED")
    assert time.monotonic() - begun < SOON_S


def test_a_hold_that_is_being_confirmed_is_waited_for(world: World) -> None:
    token, show = world.token(), world.stage.show()
    booking = world.booked(show, token, "A1", hold=True)
    assert world.ask("PATCH", f"/api/bookings/{booking['id']}/confirm", token).status == 202

    with look(world, booking, token, "?wait=15") as connection:
        assert connection.silent(STILL_S)
        world.stage.drain(show)
        answer = connection.read()

    assert (answer.json["status"], answer.json["pending_operation"]) == ("CONFIRMED", None)


def test_a_client_that_has_the_version_waits_for_another(world: World) -> None:
    token, show = world.token(), world.stage.show()
    booking = world.book(show, token, "A1")
    etag = world.ask("GET", f"/api/bookings/{booking['id']}", token).one("etag")

    with look(world, booking, token, "?wait=15", ("If-None-Match", etag)) as connection:
        assert connection.silent(STILL_S)
        world.stage.drain(show)
        answer = connection.read()

    assert (answer.status, answer.json["status"]) == (200, "CONFIRMED")


@pytest.mark.parametrize(("transport", "clients"), [("front", 30), ("wsgi", 3)])
def test_others_are_served_while_several_wait(transport: str, clients: int, request: pytest.FixtureRequest) -> None:
    world: World = request.getfixturevalue(transport)
    token, show = world.token(), world.stage.show()
    booking = world.book(show, token, "A1")

    with ExitStack() as stack:
        waiting = [stack.enter_context(look(world, booking, token, "?wait=15")) for _ in range(clients)]
        assert silent(waiting)
        assert world.ask("GET", "/healthz").status == 200
        world.stage.drain(show)
        answers = [connection.read() for connection in waiting]

    assert {answer.json["status"] for answer in answers} == {"CONFIRMED"}


def test_somebody_elses_booking_is_not_waited_for(world: World) -> None:
    token, show = world.token(), world.stage.show()
    booking, begun = world.book(show, token, "A1"), time.monotonic()

    with look(world, booking, world.token(), "?wait=15") as connection:
        assert connection.read().status == 404

    assert time.monotonic() - begun < SOON_S
    world.stage.drain(show)


def ask(world: World, show: int, token: str, prefer: str, *, key: str = "one", **asked: Any) -> Connection:
    """Book with a preference, without reading the answer; return once the request is in its lane."""
    body = json.dumps({"show_id": show, **asked}).encode()
    lines = (("Authorization", f"Bearer {token}"), ("Content-Type", "application/json"), ("Prefer", prefer),
             ("Content-Length", str(len(body))), ("Idempotency-Key", key))  # fmt: skip
    connection = Connection(world.address)
    connection.send(wire.head("POST", "/api/bookings", *lines) + body)
    lane = keys.lane(lane_of(show, world.stage.stores.settings.lanes))
    until(lambda: world.stage.stores.client.xlen(lane) > 0, timeout_s=SOON_S)
    return connection


@pytest.mark.parametrize(("hold", "shown"), [(False, ("CONFIRMED", None)), (True, ("PENDING", "HELD"))])
def test_a_booking_in_one_request(world: World, hold: bool, shown: tuple[str, str | None]) -> None:
    token, show = world.token(), world.stage.show()

    with ask(world, show, token, "respond-async, wait=15", seats=["A1"], hold=hold) as connection:
        assert connection.silent(STILL_S)
        world.stage.drain(show)
        answer = connection.read()

    assert (answer.status, answer.json["status"], answer.json["stage"]) == (201, *shown)
    assert answer.one("location") == f"/api/bookings/{answer.json['id']}"
    assert answer.one("preference-applied") == "wait=15"


def test_another_outcome_than_seats_is_200_and_a_repetition_finds_it(world: World) -> None:
    token, show = world.token(), world.stage.show()
    world.booked(show, world.token(), "A1")

    with ask(world, show, token, "wait=15", seats=["A1"]) as connection:
        world.stage.drain(show)
        answer = connection.read()

    assert (answer.status, answer.json["reason"], answer.one("preference-applied")) == (200, "SEAT_TAKEN", "wait=15")
    headers = {"Idempotency-Key": "one", "Prefer": "wait=15"}
    again = world.ask("POST", "/api/bookings", token, {"show_id": show, "seats": ["A1"]}, headers)
    assert (again.status, again.json["id"]) == (200, answer.json["id"])


def test_without_an_outcome_in_time_it_is_202_as_usual(world: World) -> None:
    token, show = world.token(), world.stage.show()

    with ask(world, show, token, "wait=1", seats=["A1"]) as connection:
        answer = connection.read()

    assert (answer.status, answer.json["stage"], answer.one("preference-applied")) == (202, "QUEUED", "")
    assert answer.one("location")
    world.stage.drain(show)


def test_clients_that_disconnect_while_they_wait_give_their_slots_back(front: World) -> None:
    """A crowd takes all slots and disconnects; then another crowd gets them all, and one more is answered at once."""
    show, tokens = front.stage.show(rows=3, seats=WAITERS), [front.token() for _ in range(WAITERS)]

    def crowd(stack: ExitStack, row: str) -> list[Connection]:
        asked = [ask(front, show, token, "wait=15", seats=[f"{row}{number}"], key=f"{row} of a crowd")
                 for number, token in enumerate(tokens, 1)]  # fmt: skip
        return [stack.enter_context(connection) for connection in asked]

    def waiting() -> ExitStack | None:
        with ExitStack() as stack:
            connections.extend(crowd(stack, "B"))
            if silent(connections):
                return stack.pop_all()
            connections.clear()
        return None

    with ExitStack() as leaving:
        assert silent(crowd(leaving, "A"))
    connections: list[Connection] = []
    stacks: list[ExitStack] = []
    until(lambda: stacks.extend(filter(None, [waiting()])) or stacks, timeout_s=SOON_S)  # repeated with its keys
    with stacks[0], ask(front, show, front.token(), "wait=15", seats=["C1"]) as one_more:
        late = one_more.read()
        front.stage.drain(show)
        answers = [connection.read() for connection in connections]

    assert (late.status, late.json["stage"]) == (202, "QUEUED")
    assert {(answer.status, answer.json["status"]) for answer in answers} == {(201, "CONFIRMED")}
    # Those who had gone have their bookings all the same: they were accepted.
    assert front.stage.counters(show) == (0, 2 * WAITERS + 1)
