"""Scenes: the state before a case's request. Each is set up afresh, and returns the names that the request may use.

All have `token` (a new user's), `stranger`, `admin`, and `key`, an unused Idempotency-Key.
"""

from __future__ import annotations

import time
from base64 import b32decode
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from core import ids
from core.operations import StreamId, dump
from core.second_factor import STEP_S, code_at
from core.shows import SaleState
from db.postgres import journal, posters
from db.postgres.engine import transaction
from db.postgres.posters import Poster
from proof.kit.shows import HOUR_MS, plan
from tests.contract.world import PASSWORD, World
from tests.support.pictures import png

Names = dict[str, Any]
Scene = Callable[[World, Names], Names]


def prepare(world: World, scene: Scene) -> Names:
    """Set up a scene; return its names."""
    names: Names = {
        "token": world.token(),
        "stranger": world.token(),
        "admin": world.admin_token(),
        "key": uuid4().hex,
        "password": PASSWORD,
    }
    return names | scene(world, names)


def nothing(_world: World, _names: Names) -> Names:
    return {"show": 2_000_000_000, "booking": str(ids.booking_id(b"k", 1, uuid4(), "k")), "change": "abc-1-1"}


def old_token(world: World, names: Names) -> Names:
    return {**show(world, names), "token": world.token(ttl_s=-60)}


def revoked(world: World, names: Names) -> Names:
    account = world.account()
    assert world.ask("POST", "/api/auth/logout", account["token"]).status == 204
    return {**show(world, names), "token": account["token"]}


# -- shows ------------------------------------------------------------------------------------------------


def show(world: World, _names: Names) -> Names:
    return {"show": world.stage.show()}


def known(world: World, names: Names) -> Names:
    """A show that the process already knows, with everything that a booking needs."""
    show_id = world.stage.show()
    world.booked(show_id, names["stranger"], "B5")
    return {"show": show_id}


def mapped(world: World, _names: Names) -> Names:
    """A show whose seat map has just been read."""
    show_id = world.stage.show()
    assert world.ask("GET", f"/api/shows/{show_id}/seats").status == 200
    return {"show": show_id}


def paused(world: World, _names: Names) -> Names:
    return {"show": world.stage.show(state=SaleState.PAUSED)}


def closed(world: World, _names: Names) -> Names:
    return {"show": world.stage.show(state=SaleState.CLOSED)}


def not_open(world: World, _names: Names) -> Names:
    return {"show": world.stage.show(sales_open_ms=int(time.time() * 1000) + HOUR_MS // 2)}


def one_each(world: World, names: Names) -> Names:
    """A show with a limit of one seat per person; the buyer has been refused two."""
    show_id = world.stage.show(seats_per_user=1)
    assert world.booked(show_id, names["token"], "A1", "A2")["reason"] == "LIMIT_REACHED"
    return {"show": show_id}


def sold_out(world: World, names: Names) -> Names:
    show_id = world.stage.show(rows=1, seats=1)
    world.booked(show_id, names["stranger"], "A1")
    return {"show": show_id}


def taken(world: World, names: Names) -> Names:
    """A show with A1 sold, which accept.lua knows: the seat was refused once, and a batch has run since."""
    show_id = world.stage.show()
    for seat in ("A1", "A1", "A2"):
        world.booked(show_id, world.token(), seat)
    return {"show": show_id}


def busy(world: World, names: Names) -> Names:
    """A show for which the buyer has four undecided bookings."""
    show_id = world.stage.show()
    for seat in ("A1", "A2", "A3", "A4"):
        world.book(show_id, names["token"], seat)
    return {"show": show_id}


def changing(world: World, _names: Names) -> Names:
    show_id = world.stage.show()
    return {"show": show_id, "change": world.change(show_id, hold_s=60)}


def changed(world: World, names: Names) -> Names:
    names = changing(world, names)
    world.stage.drain(names["show"])
    return names


# -- bookings ---------------------------------------------------------------------------------------------


def _booking(show_id: int, booking: dict[str, Any]) -> Names:
    id_ = booking["id"]
    return {"show": show_id, "booking": id_, "BOOKING": id_.upper(), "reference": booking["reference"]}


def queued(world: World, names: Names) -> Names:
    """A booking of A1 that waits; its key is `key`."""
    show_id = world.stage.show()
    return _booking(show_id, world.book(show_id, names["token"], "A1", key=names["key"]))


def held(world: World, names: Names) -> Names:
    show_id = world.stage.show()
    return _booking(show_id, world.booked(show_id, names["token"], "A1", hold=True))


def waiting(world: World, names: Names) -> Names:
    """A booking that waits for A1 of a sold-out show, and whose key is `key`."""
    names = sold_out(world, names) | names
    booking = world.booked(names["show"], names["token"], "A1", key=names["key"], waiting_list=True)
    return _booking(names["show"], booking)


def confirmed(world: World, names: Names) -> Names:
    """A booking of A1 that is decided; its key is `key`, its ETag `etag`."""
    show_id = world.stage.show()
    booking = world.booked(show_id, names["token"], "A1", key=names["key"])
    etag = world.ask("GET", f"/api/bookings/{booking['id']}", names["token"]).one("etag")
    return {**_booking(show_id, booking), "etag": etag}


def failed(world: World, names: Names) -> Names:
    show_id = world.stage.show()
    world.book(show_id, names["stranger"], "A1")
    booking = world.book(show_id, names["token"], "A1")
    world.stage.drain(show_id)
    return _booking(show_id, booking)


def cancelled(world: World, names: Names) -> Names:
    names = confirmed(world, names) | {"token": names["token"]}
    assert world.ask("DELETE", f"/api/bookings/{names['booking']}", names["token"]).status == 202
    world.stage.drain(names["show"])
    return names


def three(world: World, names: Names) -> Names:
    """An account with three decided bookings, and the cursor after the first two."""
    account, show_id = world.account(), world.stage.show()
    for seat in ("A1", "A2", "A3"):
        world.book(show_id, account["token"], seat)
    world.stage.drain(show_id)
    page = world.ask("GET", "/api/auth/bookings?limit=2", account["token"]).json
    return {**account, "cursor": page["next_cursor"]}


# -- catalogue and accounts -------------------------------------------------------------------------------


def movie(world: World, _names: Names) -> Names:
    return {"movie": world.movie()}


def movies(world: World, _names: Names) -> Names:
    """Three movies that share a word of the title, one with non-ASCII letters; the cursor after the first."""
    word = uuid4().hex
    for title in (f"{word} a", f"{word} b", f"{word} café"):
        world.movie(title)
    page = world.ask("GET", f"/api/movies?q={word}&limit=1").json
    return {"word": word, "cursor": page["next_cursor"]}


def movie_with_show(world: World, _names: Names) -> Names:
    show_id = world.stage.show()
    return {"movie": world.ask("GET", f"/api/shows/{show_id}").json["movie"]["id"]}


def poster(world: World, _names: Names) -> Names:
    """A movie with an uploaded poster: its address, and the tag in it."""
    movie_id, tag = world.movie(), "0123456789abcdef01234567"
    with transaction(world.stage.stores.engine) as connection:
        assert posters.put(connection, movie_id, Poster("image/png", tag, png()))
    return {"movie": movie_id, "tag": tag, "place": f"/api/movies/{movie_id}/poster?v={tag}"}


def show_of_a_day(world: World, names: Names) -> Names:
    """A show of a drama on the first day of 2099, found by a word of its name, and the ETag of the list with it."""
    word = uuid4().hex
    body = {"name": word, "movie_id": world.movie(), "total_seats": 5, "starts_at": "2099-01-01T20:00:00Z"}
    assert world.ask("POST", "/api/shows", names["admin"], body).status == 201
    found = world.ask("GET", f"/api/shows?day=2099-01-01&q={word}&genre=drama&free=true&limit=1")
    assert [show["name"] for show in found.json["shows"]] == [word]
    return {"word": word, "etag": found.one("etag")}


def plan_of_a_hall(_world: World, _names: Names) -> Names:
    return {"plan": plan(2, 5)}


def hall(world: World, names: Names) -> Names:
    """A hall, a movie, and a future day on which the hall is free."""
    made = world.ask("POST", "/api/halls", names["admin"], {"name": uuid4().hex, "plan": plan(1, 5)})
    assert made.status == 201, made
    return {"hall": made.json["id"], "movie": world.movie(), "day": "2099-01-01T20:00:00Z"}


def hall_in_use(world: World, names: Names) -> Names:
    names = hall(world, names) | {"admin": names["admin"]}
    body = {
        "movie_id": names["movie"],
        "hall_id": names["hall"],
        "starts_at": names["day"],
        "prices": {"standard": 1},
    }
    assert world.ask("POST", "/api/shows", names["admin"], body).status == 201
    return names


def account(world: World, _names: Names) -> Names:
    return {**world.account()}


def enrolling(world: World, _names: Names) -> Names:
    """An account that has a secret, and a `code` to confirm it."""
    account = world.account()
    begun = world.ask("POST", "/api/auth/second-factor", account["token"], {"password": PASSWORD})
    assert begun.status == 201, begun
    secret, step = b32decode(begun.json["secret"]), int(time.time() // STEP_S)
    return {**account, "code": code_at(secret, step), "next_code": code_at(secret, step + 1)}


def enrolled(world: World, names: Names) -> Names:
    """An account with a second factor, and the `code` that its next log-in can use."""
    names = enrolling(world, names)
    confirmed = world.ask("PUT", "/api/auth/second-factor", names["token"], {"code": names["code"]})
    assert confirmed.status == 200, confirmed
    tokens = {"token": confirmed.json["access_token"], "refresh": confirmed.json["refresh_token"]}
    return {**names, **tokens, "used_code": names["code"], "code": names["next_code"],
            "recovery_code": confirmed.json["recovery_codes"][0]}  # fmt: skip


def must_enrol(world: World, _names: Names) -> Names:
    """A token of an administrator who can do nothing but enrol."""
    return {"token": world.token(role="enrolling")}


def parked(world: World, names: Names) -> Names:
    """A Book of the show that is parked as if it could not be decided; its booking has not been recorded."""
    show_id, id_ = world.stage.show(), f"0-{uuid4().hex}-1-1"
    payload = dump(world.stage.operation(show_id, "A1"))
    with transaction(world.stage.stores.engine) as connection:
        journal.park(connection, 0, id_.split("-")[1], StreamId(1, 1), payload, "boom")
    return {"show": show_id, "parked": id_}


def user(world: World, names: Names) -> Names:
    """An account that an administrator looks at: its id is `user`."""
    account = world.account()
    return {**account, "user": world.ask("GET", "/api/auth/profile", account["token"]).json["id"]}
