"""Nobody can read or change another user's data: every route is called by a stranger, by a user, and without a token.

The routes come from the application itself. A new one fails `test_every_route_is_looked_at` until it has been
classified here.
"""

from __future__ import annotations

import json
import re
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from api.web.cursors import BOOKINGS, LATEST_MS
from core.ids import booking_id, reference, show_of
from tests.support.buyer import Buyer, answered
from tests.support.factories import headers_of, make_admin, make_movie
from tests.support.paths import filled
from tests.support.stage import Stage

#: Routes about one booking; only its owner can learn that it exists.
OF_A_BOOKING = {
    ("GET", "/api/bookings/{booking_id}"),
    ("GET", "/api/bookings/reference/{reference}"),
    ("PATCH", "/api/bookings/{booking_id}/confirm"),
    ("PATCH", "/api/bookings/{booking_id}/extend"),
    ("DELETE", "/api/bookings/{booking_id}"),
    ("GET", "/api/bookings/{booking_id}/events"),
}
#: Routes about the sender, who is identified by the token alone.
OF_ONESELF = {
    ("GET", "/api/auth/profile"),
    ("PUT", "/api/auth/profile"),
    ("DELETE", "/api/auth/profile"),
    ("PUT", "/api/auth/password"),
    ("GET", "/api/auth/export"),
    ("GET", "/api/auth/bookings"),
    ("POST", "/api/auth/logout"),
    ("DELETE", "/api/auth/sessions"),
    ("GET", "/api/auth/second-factor"),
    ("POST", "/api/auth/second-factor"),
    ("PUT", "/api/auth/second-factor"),
    ("DELETE", "/api/auth/second-factor"),
    ("POST", "/api/auth/second-factor/recovery-codes"),
    ("POST", "/api/bookings"),
}
#: Routes for everybody who has logged in.
OF_USERS = {("GET", "/api/shows/{show_id}/events")}
#: Routes for administrators, and, if they only read of shows and bookings, for the box office.
OF_ADMINS = {
    ("POST", "/api/movies"),
    ("PUT", "/api/movies/{movie_id}"),
    ("DELETE", "/api/movies/{movie_id}"),
    ("POST", "/api/halls"),
    ("POST", "/api/shows"),
    ("PATCH", "/api/shows/{show_id}"),
    ("DELETE", "/api/shows/{show_id}"),
    ("GET", "/api/shows/{show_id}/changes/{change_id}"),
    ("PUT", "/api/movies/{movie_id}/poster"),
    ("DELETE", "/api/movies/{movie_id}/poster"),
    ("POST", "/api/halls/import"),
    ("DELETE", "/api/halls/{hall_id}"),
    ("GET", "/api/admin/shows/{show_id}"),
    ("DELETE", "/api/admin/shows/{show_id}"),
    ("GET", "/api/admin/shows/{show_id}/seat-history"),
    ("GET", "/api/admin/audit"),
    ("GET", "/api/admin/lanes"),
    ("GET", "/api/admin/workers"),
    ("GET", "/api/admin/workers/count"),
    ("PUT", "/api/admin/workers/count"),
    ("GET", "/api/admin/stores"),
    ("GET", "/api/admin/samples"),
    ("GET", "/api/admin/bookings"),
    ("GET", "/api/admin/bookings/{booking_id}"),
    ("GET", "/api/admin/users"),
    ("GET", "/api/admin/users/{user_id}"),
    ("PATCH", "/api/admin/users/{user_id}"),
    ("GET", "/api/admin/users/{user_id}/bookings"),
    ("GET", "/api/admin/parked"),
    ("GET", "/api/admin/parked/{parked_id}"),
    ("POST", "/api/admin/parked/{parked_id}/retry"),
    ("POST", "/api/admin/parked/{parked_id}/discard"),
    ("DELETE", "/api/admin/caches"),
}
#: Routes for everybody.
OF_ALL = {
    ("POST", "/api/auth/signup"),
    ("POST", "/api/auth/login"),
    ("POST", "/api/auth/refresh"),
    ("POST", "/api/auth/session"),
    ("GET", "/api/movies"),
    ("GET", "/api/movies/{movie_id}"),
    ("GET", "/api/movies/{movie_id}/poster"),
    ("GET", "/api/installation"),
    ("GET", "/api/halls"),
    ("GET", "/api/halls/{hall_id}"),
    ("GET", "/api/halls/{hall_id}/layout"),
    ("GET", "/api/shows"),
    ("GET", "/api/shows/upcoming"),
    ("GET", "/api/shows/{show_id}"),
    ("GET", "/api/shows/{show_id}/seats"),
    ("GET", "/api/shows/{show_id}/seats/state"),
    ("GET", "/api/health"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("GET", "/docs"),
    ("GET", "/docs/{name}"),
    ("GET", "/openapi.json"),
}
STATES = ("queued", "held", "confirmed", "failed", "cancelled", "forgotten")


def call(client: FlaskClient, method: str, path: str, headers: dict[str, str], **parts: object) -> Any:
    return client.open(filled(path, **parts), method=method, headers=headers)


def said(response: Any) -> tuple[int, dict[str, str], dict[str, Any]]:
    """Return what a stranger could compare: status, headers, body; without what always differs."""
    body = json.loads(response.get_data() or b"null") or {}
    body.pop("request_id", None)
    skipped = ("X-Request-Id", "RateLimit", "Content-Length")
    return response.status_code, {k: v for k, v in response.headers.items() if k not in skipped}, body


def spec(app: Flask) -> dict[tuple[str, str], dict[str, Any]]:
    paths = app.extensions["onsale-document"]()["paths"]
    return {
        (method.upper(), path): about
        for path, each in paths.items()
        for method, about in each.items()
        if method != "parameters"
    }


def test_every_route_is_looked_at(app: Flask) -> None:
    assert set(spec(app)) == OF_A_BOOKING | OF_ONESELF | OF_USERS | OF_ADMINS | OF_ALL


def test_the_description_is_the_only_source_of_routes(app: Flask) -> None:
    """OWASP API9: no undocumented route answers."""
    described = set(spec(app))
    routed = set()
    for rule in app.url_map.iter_rules():
        path = rule.rule
        for name in rule.arguments:
            path = re.sub(rf"<[^<>]*\b{name}>", f"{{{name}}}", path)
        routed |= {(method, path) for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}}

    assert routed == described


def test_what_the_description_says_about_tokens_is_so(app: Flask, client: FlaskClient, engine: Engine) -> None:
    for (method, path), about in spec(app).items():
        secured = "security" in about
        assert secured == ((method, path) not in OF_ALL), path
        if secured:
            response = call(client, method, path, {}, booking_id=uuid4(), reference="ABCD")
            assert (response.status_code, response.get_json(force=True)["code"]) == (401, "token_missing"), path


def test_a_user_is_no_administrator(app: Flask, client: FlaskClient, engine: Engine) -> None:
    """Not with a user's token, nor a demoted administrator's, nor one without an account."""
    make_movie(engine)
    user, former = headers_of(app), headers_of(app, role="admin")
    for method, path in sorted(OF_ADMINS):
        for headers in (user, former):
            response = call(client, method, path, headers)
            assert (response.status_code, response.get_json(force=True)["code"]) == (403, "not_allowed"), path


def make(stage: Stage, alice: Buyer, state: str) -> str:
    """Make a booking of alice's in this state."""
    show = stage.show()
    if state == "failed":
        stage.book(show, "A1")
    id_: str = answered(alice.book(show, "A1", hold=state in ("held", "cancelled")), 202)["id"]
    if state != "queued":
        stage.drain(show)
    if state == "cancelled":
        answered(alice.cancel(id_), 202)
        stage.drain(show)
    if state == "forgotten":
        for key in stage.stores.client.keys("*:booking:*"):
            stage.stores.client.delete(key)
    return id_


def without_moment(body: dict[str, Any]) -> dict[str, Any]:
    """Return a status without the time that is left of its hold, which falls by itself."""
    return {name: value for name, value in body.items() if name != "expires_in_ms"}


@pytest.mark.parametrize("state", STATES)
def test_a_strangers_booking_is_like_one_that_does_not_exist(
    app: Flask, client: FlaskClient, stage: Stage, alice: Buyer, bob: Buyer, state: str
) -> None:
    id_ = make(stage, alice, state)
    # Of the same show, so that only its existence differs.
    nobodys = str(booking_id(b"n" * 32, show_of(UUID(id_)), bob.id, None))
    before = stage.stores.client.xlen("onsale:{0}:lane")
    seen = without_moment(answered(alice.get(id_), 200))

    for method, path in sorted(OF_A_BOOKING):
        there, not_there = (
            said(call(client, method, path, bob.headers, booking_id=one, reference=reference(UUID(one))))
            for one in (id_, nobodys)
        )
        assert there == not_there, path
        assert there[0] == 404, path
        assert there[2]["code"] == "no_such_booking"

    stage.drain()
    assert stage.stores.client.xlen("onsale:{0}:lane") <= before
    after = without_moment(answered(alice.get(id_), 200))
    if state != "queued":
        assert after == seen


def test_what_is_about_oneself_is_about_nobody_else(
    app: Flask, client: FlaskClient, engine: Engine, stage: Stage
) -> None:
    pairs = [
        client.post("/api/auth/signup", json={"email": f"{name}@example.com", "password": "correct horse"}).get_json()
        for name in ("alice", "bob")
    ]
    alice, bob = ({"Authorization": f"Bearer {pair['access_token']}"} for pair in pairs)
    show = stage.show()
    booked = client.post("/api/bookings", json={"show_id": show, "seats": ["A1"]}, headers=alice).get_json()["id"]
    stage.drain(show)

    for method, path in sorted(OF_ONESELF):
        if method == "GET":
            text = call(client, method, path, bob).get_data(as_text=True)
            assert "alice" not in text, path
            assert booked not in text, path
            assert pairs[0]["user"]["id"] not in text, path
    assert booked in client.get("/api/auth/export", headers=alice).get_data(as_text=True)
    client.delete("/api/auth/sessions", headers=bob)
    assert client.get("/api/auth/profile", headers=alice).status_code == 200


def test_the_same_key_of_another_person_is_another_booking(stage: Stage, alice: Buyer, bob: Buyer) -> None:
    show = stage.show()

    first, second = (answered(one.book(show, seat, key="k"), 202)["id"] for one, seat in ((alice, "A1"), (bob, "A1")))

    assert first != second


def test_a_page_behind_a_strangers_booking_tells_nothing(
    client: FlaskClient, stage: Stage, alice: Buyer, bob: Buyer
) -> None:
    id_ = make(stage, alice, "confirmed")
    nobodys = id_[:8] + "-0000-8000-8000-000000000000"

    there, not_there = (
        said(client.get(f"/api/auth/bookings?cursor={BOOKINGS.write(LATEST_MS, one)}", headers=bob.headers))
        for one in (id_, nobodys)
    )

    assert there == not_there
    assert there[0] == 200


def test_an_administrator_has_no_way_into_bookings_either(
    app: Flask, client: FlaskClient, engine: Engine, stage: Stage, alice: Buyer
) -> None:
    id_ = make(stage, alice, "confirmed")
    carol = headers_of(app, make_admin(engine), "admin")

    for method, path in sorted(OF_A_BOOKING):
        response = call(client, method, path, carol, booking_id=id_, reference="ABCD")
        assert response.status_code == 404, path
