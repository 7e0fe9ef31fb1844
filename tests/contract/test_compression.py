"""Large answers are compressed for clients that accept it; small and frequent ones never are."""

from __future__ import annotations

import gzip

import pytest

from tests.contract.world import World

TAKES = {"Accept-Encoding": "gzip"}


@pytest.fixture
def large(world: World) -> str:
    """Return the path of a seat map of some 50 kB."""
    return f"/api/shows/{world.stage.show(rows=26, seats=40)}/seats"


def test_a_large_answer_is_compressed_for_clients_that_accept_it(world: World, large: str) -> None:
    for path in ("/openapi.json", large):
        whole, packed = world.ask("GET", path), world.ask("GET", path, headers=TAKES)

        assert packed.one("content-encoding") == "gzip", path
        assert len(packed.body) < len(whole.body) / 2
        assert gzip.decompress(packed.body) == whole.body
        for answer in (whole, packed):  # a cache must not serve one in place of the other
            assert "accept-encoding" in ", ".join(answer.all("vary")).lower()


def test_the_etag_of_a_compressed_answer_is_recognised(world: World, large: str) -> None:
    packed = world.ask("GET", large, headers=TAKES)

    again = world.ask("GET", large, headers={**TAKES, "If-None-Match": packed.one("etag")})

    assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize("takes", ["", "identity", "gzip;q=0", "x-mine"])
def test_nothing_is_compressed_for_clients_that_do_not_accept_it(world: World, takes: str) -> None:
    headers = {"Accept-Encoding": takes} if takes else {}

    assert not world.ask("GET", "/openapi.json", headers=headers).all("content-encoding")


def test_a_booking_is_never_compressed(world: World) -> None:
    token, show = world.token(), world.stage.show()
    body = {"show_id": show, "quantity": 1}

    accepted = world.ask("POST", "/api/bookings", token, body, TAKES)
    seen = world.ask("GET", accepted.one("location"), token, headers=TAKES)

    assert not accepted.all("content-encoding")
    assert not seen.all("content-encoding")
    world.stage.drain(show)
