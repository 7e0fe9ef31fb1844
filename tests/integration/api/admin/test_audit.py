"""The audit log: every act is in it with what was there before and after, and nobody can change it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text
from sqlalchemy.exc import ProgrammingError

from api.bookings.service import BookingService
from api.shapes import admin_answers
from core.errors import AcceptUnknown, RedisUnavailable
from db.postgres import users
from db.postgres.engine import transaction
from ops.password import set_password
from ops.up.running import RunningSystem
from tests.integration.db.test_roles import engines, urls
from tests.support.buyer import refused
from tests.support.factories import headers_of, make_admin, make_show
from tests.support.stage import Stage

__all__ = ["engines", "urls"]

MOVIE = {"title": "Row Lock", "description": "", "genre": "", "duration_min": 90}
DETAILS = {"rating": None, "release_date": None, "poster_url": None, "poster": None}


@pytest.fixture
def carol_id(engine: Engine) -> UUID:
    return make_admin(engine)


@pytest.fixture
def carol(app: Flask, carol_id: UUID) -> dict[str, str]:
    return headers_of(app, carol_id, "admin")


def acts(client: FlaskClient, carol: dict[str, str], query: str = "") -> list[dict[str, Any]]:
    """Return the acts that match, newest first."""
    response = client.get(f"/api/admin/audit{query}", headers=carol)
    assert response.status_code == 200, response.get_json()
    assert admin_answers.AUDIT.validate(response.get_json()) == {}
    found: list[dict[str, Any]] = response.get_json()["acts"]
    return found


def test_an_act_says_who_did_what_and_what_was_there(
    client: FlaskClient, carol: dict[str, str], carol_id: UUID
) -> None:
    id_ = client.post("/api/movies", json=MOVIE, headers={**carol, "X-Request-Id": "first"}).get_json()["id"]
    client.put(f"/api/movies/{id_}", json={**MOVIE, "title": "Row Lock 2"}, headers=carol)
    client.delete(f"/api/movies/{id_}", headers=carol)

    deleted, replaced, created = acts(client, carol)

    assert (created["action"], created["subject"]) == ("movie.create", f"movie {id_}")
    assert (created["actor_id"], created["actor_role"], created["request_id"]) == (str(carol_id), "admin", "first")
    assert (created["outcome"], created["before"], created["after"]) == (
        "DONE",
        None,
        {"id": id_, **MOVIE, **DETAILS},
    )
    assert (replaced["before"]["title"], replaced["after"]["title"]) == ("Row Lock", "Row Lock 2")
    assert (deleted["action"], deleted["before"], deleted["after"]) == ("movie.delete", replaced["after"], None)


def test_an_act_that_fails_is_not_in_it(client: FlaskClient, carol: dict[str, str], engine: Engine) -> None:
    show = make_show(engine)
    movie = client.get(f"/api/shows/{show}").get_json()["movie"]["id"]

    refused(client.delete(f"/api/movies/{movie}", headers=carol), 409, "movie_in_use")
    assert client.put("/api/movies/2000000000", json=MOVIE, headers=carol).status_code == 404

    assert acts(client, carol) == []


def test_a_change_of_a_show_is_intended_before_it_is_sent_and_then_accepted(
    client: FlaskClient, carol: dict[str, str], stage: Stage
) -> None:
    show = stage.show(hold_ms=120_000)

    change = client.patch(f"/api/shows/{show}", json={"hold_s": 60}, headers=carol).get_json()

    accepted, intended = acts(client, carol)
    assert (intended["action"], intended["subject"], intended["outcome"]) == (
        "show.change",
        f"show {show}",
        "INTENDED",
    )
    assert (intended["before"], intended["after"]) == ({"hold_ms": 120_000}, {"hold_ms": 60_000})
    assert (accepted["outcome"], accepted["intent_id"]) == ("ACCEPTED", intended["id"])
    assert "{epoch}-{entry}".format(**accepted["after"]) == change["id"]


@pytest.mark.parametrize(
    ("error", "outcome"), [(AcceptUnknown(), "UNKNOWN"), (RedisUnavailable(), "REFUSED")], ids=["unknown", "refused"]
)
def test_what_became_of_a_change_is_said_as_far_as_it_is_known(
    client: FlaskClient, carol: dict[str, str], stage: Stage, monkeypatch: pytest.MonkeyPatch,
    error: Exception, outcome: str,
) -> None:  # fmt: skip
    async def fails(*_: object) -> None:
        raise error

    show = stage.show()
    with monkeypatch.context() as patch:
        patch.setattr(BookingService, "accept", fails)
        assert client.delete(f"/api/shows/{show}", headers=carol).status_code == 503

    answer, intended = acts(client, carol)
    assert (intended["outcome"], answer["outcome"]) == ("INTENDED", outcome)


def test_without_the_intent_nothing_is_sent(
    client: FlaskClient, carol: dict[str, str], stage: Stage, engine: Engine
) -> None:
    show = stage.show()
    with transaction(engine) as connection:
        connection.execute(text("ALTER TABLE audit_log ADD CONSTRAINT none CHECK (action <> 'show.change')"))

    assert client.patch(f"/api/shows/{show}", json={"hold_s": 60}, headers=carol).status_code == 500

    assert stage.drain(show) == 0


def test_acts_are_filtered_and_listed_page_by_page(
    app: Flask, client: FlaskClient, carol: dict[str, str], engine: Engine
) -> None:
    dave = make_admin(engine, "dave@example.com")
    first = client.post("/api/movies", json=MOVIE, headers=carol).get_json()["id"]
    second = client.post("/api/movies", json=MOVIE, headers=headers_of(app, dave, "admin")).get_json()["id"]
    client.delete(f"/api/movies/{first}", headers=carol)
    at = acts(client, carol)[1]["at"]  # of the second; times here have milliseconds, those in Postgres microseconds

    def subjects(query: str) -> list[str]:
        return [f"{act['action']} {act['subject']}" for act in acts(client, carol, query)]

    assert subjects(f"?actor_id={dave}") == [f"movie.create movie {second}"]
    assert subjects(f"?subject=movie%20{first}") == [f"movie.delete movie {first}", f"movie.create movie {first}"]
    assert subjects("?action=movie.delete") == [f"movie.delete movie {first}"]
    assert subjects("?action=movie.delete&until=2020-01-01T00:00:00Z") == []
    assert subjects("?since=2020-01-01T00:00:00Z&until=2199-01-01T00:00:00Z") == subjects("")
    assert f"movie.create movie {second}" in subjects(f"?since={at}")
    page = client.get("/api/admin/audit?limit=2", headers=carol).get_json()
    rest = client.get(f"/api/admin/audit?limit=2&cursor={page['next_cursor']}", headers=carol).get_json()
    assert [act["id"] for act in page["acts"] + rest["acts"]] == [act["id"] for act in acts(client, carol)]
    assert rest["next_cursor"] is None


def test_a_buyer_does_not_see_it(client: FlaskClient, app: Flask) -> None:
    refused(client.get("/api/admin/audit", headers=headers_of(app)), 403, "not_allowed")


def test_a_command_is_in_it_as_the_owner(
    client: FlaskClient, carol: dict[str, str], engine: Engine, database_url: str, redis_url: str
) -> None:
    with transaction(engine) as connection:
        user = users.insert_user(connection, "mallory@example.com", "hash", "")
    system = RunningSystem(database_url=database_url, redis_url=redis_url, broker_url="", jwt_secret="", base_url="")

    set_password(system, "mallory@example.com", "battery staple 2")

    [act] = acts(client, carol)
    assert (act["actor_id"], act["actor_role"]) == (None, "owner")
    assert (act["action"], act["subject"]) == ("user.credentials", f"user {user.id}")
    assert "battery" not in str(act)


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit_log SET after = NULL", "DELETE FROM audit_log", "TRUNCATE audit_log",
     "INSERT INTO audit_log (actor_role, action, subject, outcome) VALUES ('owner', '', '', 'DONE')",
     "INSERT INTO audit_log (at, actor_role, action, subject, outcome) VALUES (now(), 'owner', '', '', 'DONE')"],
)  # fmt: skip
@pytest.mark.parametrize("group", ["onsale_api", "onsale_worker"])
def test_no_process_can_change_it(
    client: FlaskClient, carol: dict[str, str], engines: dict[str, Engine], group: str, statement: str
) -> None:
    client.post("/api/movies", json=MOVIE, headers=carol)

    with pytest.raises(ProgrammingError, match="permission denied"), transaction(engines[group]) as connection:
        connection.execute(text(statement))

    assert len(acts(client, carol)) == 1


def test_a_right_granted_by_mistake_does_not_change_it_either(
    client: FlaskClient, carol: dict[str, str], engines: dict[str, Engine], engine: Engine
) -> None:
    client.post("/api/movies", json=MOVIE, headers=carol)
    with transaction(engine) as connection:
        connection.execute(text("GRANT UPDATE, DELETE ON audit_log TO onsale_api"))

    for statement in ("UPDATE audit_log SET after = NULL", "DELETE FROM audit_log"):
        with (
            pytest.raises(ProgrammingError, match="audit_log_is_append_only"),
            transaction(engines["onsale_api"]) as connection,
        ):
            connection.execute(text(statement))
