"""Halls from files over HTTP: stored or only shown, from pretix or CSV, and refused with the place of the fault."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from api.shapes import plans
from core.settings import Settings
from db.postgres.engine import transaction
from ops.hall import add, read_file
from ops.up.running import RunningSystem
from tests.support.buyer import refused
from tests.support.factories import headers_of, make_admin
from tests.support.sources import PROJECT

CINEMA = (PROJECT / "docs/halls/cinema.csv").read_bytes()
OPERA = (PROJECT / "docs/halls/opera.json").read_bytes()
LINE = b"row,number,category\nA,1,a\n"
CSV, JSON = "text/csv", "application/json"


@pytest.fixture
def admin(app: Flask, engine: Engine) -> dict[str, str]:
    return headers_of(app, make_admin(engine), "admin")


def send(client: FlaskClient, headers: dict[str, str], data: bytes, media: str, query: str = "") -> Any:
    return client.post(f"/api/halls/import{query}", data=data, content_type=media, headers=headers)


def halls_in(engine: Engine) -> list[tuple[str, int]]:
    with transaction(engine) as connection:
        rows = connection.execute(text("SELECT name, capacity FROM halls ORDER BY id"))
        return [(row.name, row.capacity) for row in rows]


@pytest.mark.parametrize(
    ("data", "media", "query", "stored"),
    [
        (CINEMA, CSV, "?name=Kino", ("Kino", 120)),
        (CINEMA, "Text/CSV; charset=UTF-8", "?name=Kino", ("Kino", 120)),
        (OPERA, JSON, "", ("Small opera", 122)),
        (OPERA, JSON, "?name=Old+opera", ("Old opera", 122)),
    ],
)
def test_a_file_becomes_a_hall(
    client: FlaskClient, engine: Engine, admin: dict[str, str], data: bytes, media: str, query: str, stored: Any
) -> None:
    made = send(client, admin, data, media, query)

    assert made.status_code == 201, made.text
    assert plans.IMPORTED_HALL.validate(made.get_json()) == {}
    assert halls_in(engine) == [stored]
    seen = client.get(made.headers["Location"]).get_json()
    assert seen["plan"] == made.get_json()["plan"]
    again = client.post("/api/halls", json={"name": "The same", "plan": seen["plan"]}, headers=admin)
    assert again.get_json()["capacity"] == stored[1], "what is shown can be sent"
    acts = client.get("/api/admin/audit?action=hall.create", headers=admin).get_json()["acts"]
    assert len(acts) == 2


def test_a_hall_from_a_file_has_the_time_zone_that_is_asked_for(client: FlaskClient, admin: dict[str, str]) -> None:
    made = [
        send(client, admin, LINE, CSV, f"?name=x{zone}").get_json() for zone in ("", "&time_zone=America%2FNew_York")
    ]
    seen = [client.get(f"/api/halls/{each['id']}").get_json()["time_zone"] for each in made]
    acts = client.get("/api/admin/audit?action=hall.create", headers=admin).get_json()["acts"]

    assert [each["time_zone"] for each in made] == seen == ["UTC", "America/New_York"]
    assert [act["after"].get("time_zone") for act in acts] == ["America/New_York", None]


def test_a_preview_stores_nothing(client: FlaskClient, engine: Engine, admin: dict[str, str]) -> None:
    seen = send(client, admin, OPERA, JSON, "?preview=true")

    assert seen.status_code == 200
    body = seen.get_json()
    assert plans.HALL_PREVIEW.validate(body) == {}
    assert body["kinds"] == {"seat": 120, "wheelchair": 1, "companion": 1}
    assert body["sections"][1] == {"key": "BALCONY", "name": "Balcony", "rows": 2, "seats": 32}
    assert "Location" not in seen.headers
    assert halls_in(engine) == []


@pytest.mark.parametrize(
    ("data", "media", "query", "code", "where"),
    [
        (LINE + b"A,1,a\n", CSV, "?name=x", "bad_plan", {"line": 3}),
        (LINE + b"A,0,a\n", CSV, "?name=x", "bad_plan", {"line": 3, "column": "number"}),
        (b"", CSV, "?name=x", "bad_plan", {"line": 1}),
        (b'{"zones": 1}', JSON, "", "bad_plan", {"pointer": "/categories"}),
        (b'{"zones": [],\n"categories": [], x', JSON, "", "bad_plan", {"line": 2}),
        (LINE, CSV, "", "invalid_request", {"parameter": "name"}),
        (LINE, CSV, "?name=%E2%80%8B", "invalid_request", {"parameter": "name"}),
        (LINE, CSV, "?name=x&preview=1", "invalid_request", {"parameter": "preview"}),
        (LINE, CSV, "?name=x&time_zone=Europe%2FNowhere", "invalid_request", {"parameter": "time_zone"}),
        (LINE, CSV, "?name=x&time_zone=", "invalid_request", {"parameter": "time_zone"}),
    ],
)
def test_a_file_is_refused_with_the_place_of_its_fault(
    client: FlaskClient,
    engine: Engine,
    admin: dict[str, str],
    data: bytes,
    media: str,
    query: str,
    code: str,
    where: dict[str, Any],
) -> None:
    [fault] = refused(send(client, admin, data, media, query), 422, code)["errors"]

    assert {name: value for name, value in fault.items() if name != "detail"} == where
    assert halls_in(engine) == []


def test_only_administrators_import_halls_and_only_known_media(
    app: Flask, client: FlaskClient, admin: dict[str, str]
) -> None:
    refused(send(client, headers_of(app), CINEMA, CSV, "?name=x"), 403, "not_allowed")
    refused(send(client, {}, CINEMA, CSV, "?name=x"), 401, "token_missing")
    refused(send(client, admin, CINEMA, "text/plain", "?name=x"), 415, "unsupported_media_type")
    refused(send(client, admin, CINEMA, "text/csv; charset=latin-1", "?name=x"), 415, "unsupported_media_type")
    refused(send(client, admin, b" " * (1024 * 1024 + 1), CSV, "?name=x"), 413, "body_too_large")


def test_the_command_stores_a_hall_and_its_act(
    client: FlaskClient, engine: Engine, settings: Settings, database_url: str, admin: dict[str, str]
) -> None:
    system = RunningSystem(
        database_url=database_url, redis_url=settings.redis_url, broker_url="", jwt_secret="", base_url=""
    )
    hall_id = add(system, "Kino", read_file(PROJECT / "docs/halls/cinema.csv"), "Europe/Berlin")

    seen = client.get(f"/api/halls/{hall_id}").get_json()
    assert (seen["name"], seen["capacity"], seen["time_zone"]) == ("Kino", 120, "Europe/Berlin")
    assert seen["plan"]["rows"][2]["blocks"][0]["first"] == 16
    [act] = client.get("/api/admin/audit?action=hall.create", headers=admin).get_json()["acts"]
    assert (act["subject"], act["after"]["capacity"]) == (f"hall {hall_id}", 120)
