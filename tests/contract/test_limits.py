"""Rate limits, and how clients are told apart, on both transports."""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import uuid4

from tests.contract.case import sound
from tests.contract.wire import Answer
from tests.contract.world import BURST, LOGINS_PER_ADDRESS, World, address


def log_in(world: World, **headers: str) -> Answer:
    """Log in to an account that does not exist: 401, unless the address has tried too often."""
    body = {"email": f"{uuid4().hex}@example.com", "password": "wrong"}
    given = {name.replace("__", "-"): value for name, value in headers.items()}
    return world.ask("POST", "/api/auth/login", "", body, given)


def use_up(world: World, by: Callable[[int], str]) -> None:
    """Log in as often as one address may. Args: by: returns the X-Forwarded-For of the n-th attempt."""
    for number in range(LOGINS_PER_ADDRESS):
        assert log_in(world, X__Forwarded__For=by(number)).status == 401


def test_requests_of_a_user_are_counted_and_reported(world: World) -> None:
    token, allowed = world.token(), 0
    while (answer := world.ask("GET", "/api/bookings/reference/X", token)).status == 404:
        sound(answer, "GET")
        allowed += 1
        assert allowed <= 3 * BURST, "nobody counts"

    sound(answer, "GET")
    assert allowed >= BURST
    assert (answer.status, answer.json["code"]) == (429, "too_many_requests")
    assert answer.one("ratelimit").startswith('"user";r=0;')
    assert int(answer.one("retry-after")) > 0


def test_all_routes_of_a_user_count_together(world: World) -> None:
    token = world.token()
    requests = [("POST", "/api/bookings"), ("GET", "/api/auth/export"), ("GET", "/api/bookings/reference/X")]

    told = [world.ask(method, path, token).one("ratelimit") for method, path in requests]

    assert [re.findall(r"r=(\d+);", each) for each in told] == [[str(BURST - used)] for used in (1, 2, 3)]


def test_log_ins_are_counted_by_the_address_from_the_proxy(world: World) -> None:
    client = address()
    use_up(world, lambda number: f"203.0.113.{number}, {client}")  # the first is what the client wrote itself

    answer = log_in(world, X__Forwarded__For=client)

    assert (answer.status, answer.json["code"]) == (429, "too_many_logins")
    assert int(answer.one("retry-after")) > 0
    assert log_in(world, X__Forwarded__For=address()).status == 401


def test_a_name_with_underscores_is_not_the_header(front: World) -> None:
    client = address()
    for _ in range(LOGINS_PER_ADDRESS):
        assert log_in(front, X__Forwarded__For=client, X_Forwarded_For=address()).status == 401

    assert log_in(front, X__Forwarded__For=client, X_Forwarded_For=address()).status == 429


def test_a_key_header_with_underscores_is_ignored(front: World) -> None:
    token, show = front.token(), front.stage.show()
    body, given = {"show_id": show, "quantity": 1}, {"Idempotency_Key": uuid4().hex, "Via": "1.1 a", "via": "1.1 b"}

    first, second = (front.ask("POST", "/api/bookings", token, body, given) for _ in range(2))

    assert (first.status, second.status) == (202, 202)
    assert first.json["id"] != second.json["id"]
    front.stage.drain(show)


def test_an_address_may_have_a_port(world: World) -> None:
    client = address()
    use_up(world, lambda number: f"{client}:{40_000 + number}")

    assert log_in(world, X__Forwarded__For=client).status == 429
    assert log_in(world, X__Forwarded__For=f"{address()}:40000").status == 401


def test_an_ipv6_network_is_one_client(world: World) -> None:
    network = f"2001:db8:{uuid4().hex[:4]}:1"
    use_up(world, lambda number: f"[{network}::{number}]:443" if number % 2 else f"{network}::{number}")

    assert log_in(world, X__Forwarded__For=f"{network}:ffff::1").status == 429
    assert log_in(world, X__Forwarded__For=f"[{network.removesuffix('1')}2::1]:443").status == 401


def test_a_show_that_is_not_open_has_a_retry_after(world: World) -> None:
    show = world.stage.show(
        sales_open_ms=4_000_000_000_000, sales_close_ms=4_100_000_000_000, starts_ms=4_100_000_000_000
    )

    answer = world.ask("POST", "/api/bookings", world.token(), {"show_id": show, "quantity": 1})

    assert (answer.status, answer.json["code"]) == (409, "show_not_open")
    assert answer.one("retry-after") or answer.json["opens_at"].startswith("2096-10-02T07:06:40")
