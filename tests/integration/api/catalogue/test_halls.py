"""Halls of plan format 2: stored as they were sent, sold seat by seat, and refused with the place of the fault."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from api.shapes import answers
from core.halls import Hall
from db.kv import cards, keys
from db.kv.rounds import Rounds
from tests.support.buyer import Buyer, answered, refused
from tests.support.factories import codes_of, headers_of, make_admin, make_movie
from tests.support.stage import Stage

#: Row A in the stalls, odd numbers on the left and even ones on the right; and again in the balcony, with two
#: places for wheelchairs.
OPERA: dict[str, Any] = {
    "format": 2,
    "sections": [{"key": "S", "name": "Stalls"}, {"key": "BALC", "name": "Balcony"}],
    "rows": [
        {"section": "S", "label": "A", "blocks": [
            {"first": 5, "last": 1, "step": -2, "category": "premium"},
            {"first": 2, "last": 6, "step": 2, "category": "premium"}]},
        {"section": "BALC", "label": "A", "blocks": [
            {"seats": ["W1", "W2"], "category": "standard", "kind": "wheelchair"},
            {"first": 3, "last": 14, "category": "standard", "aisle": True}]},
    ],
    "drawing": {"size": [800, 400], "rows": [[[6, 100, 100, 200, 100]], []]},
}  # fmt: skip


@pytest.fixture
def admin(app: Flask, stage: Stage) -> dict[str, str]:
    return headers_of(app, make_admin(stage.stores.engine), "admin")


def make(client: FlaskClient, admin: dict[str, str], plan: Any) -> Any:
    return client.post("/api/halls", json={"name": "Opera", "plan": plan}, headers=admin)


def test_a_hall_is_shown_as_it_was_sent(client: FlaskClient, admin: dict[str, str]) -> None:
    made = make(client, admin, OPERA)

    assert made.status_code == 201, made.text
    assert made.get_json()["capacity"] == 20
    seen = client.get(made.headers["Location"])
    assert seen.get_json() == made.get_json()
    assert seen.get_json()["plan"] == OPERA
    assert answers.HALL.validate(seen.get_json()) == {}
    layout = client.get(f"{made.headers['Location']}/layout").get_json()
    assert layout["drawing"] == OPERA["drawing"]
    assert [row["prefix"] for row in layout["rows"]] == ["S-A-", "BALC-A-"]


def test_its_seats_are_sold_by_their_labels(
    app: Flask, client: FlaskClient, stage: Stage, rounds: Rounds, alice: Buyer, bob: Buyer, admin: dict[str, str]
) -> None:
    hall = make(client, admin, OPERA).get_json()["id"]
    wanted = {
        "movie_id": make_movie(stage.stores.engine),
        "hall_id": hall,
        "starts_at": "2099-01-01T20:00:00Z",
        "prices": {"premium": 2000, "standard": 1000},
    }
    show = client.post("/api/shows", json=wanted, headers=admin).get_json()["id"]

    named = answered(alice.book(show, "BALC-A-12", "BALC-A-W1"), 202)["id"]
    best = answered(bob.book(show, quantity=2), 202)["id"]
    refused(bob.book(show, "BALC-A-2"), 422, "invalid_request")
    refused(bob.book(show, "A1"), 422, "invalid_request")
    stage.drain(show)

    assert answered(alice.get(named), 200)["seats"] == ["BALC-A-12", "BALC-A-W1"]
    assert answered(bob.get(best), 200)["seats"] == ["S-A-1", "S-A-2"]
    late = answered(bob.book(show, "BALC-A-12"), 202)["id"]
    stage.drain(show)
    assert answered(bob.get(late), 200)["reason"] == "SEAT_TAKEN"
    answered(bob.book(show, "BALC-A-13"), 202)  # the batch after the refusal publishes the taken seats
    stage.drain(show)
    refused(bob.book(show, "BALC-A-12"), 409, "seat_taken")
    map_ = client.get(f"/api/shows/{show}/seats").get_json()
    assert answers.SEAT_MAP.validate(map_) == {}
    assert [(row["section"], row["label"]) for row in map_["rows"]] == [("S", "A"), ("BALC", "A")]
    assert [seat["label"] for seat in map_["rows"][0]["seats"]] == [f"S-A-{number}" for number in (5, 3, 1, 2, 4, 6)]
    assert map_["rows"][1]["seats"][0] == {
        "label": "BALC-A-W1", "category": "standard", "status": "SOLD", "kind": "wheelchair",
    }  # fmt: skip
    stage.proven()


def test_what_decides_never_reads_the_drawing(
    client: FlaskClient, stage: Stage, rounds: Rounds, admin: dict[str, str]
) -> None:
    hall = make(client, admin, OPERA).get_json()["id"]
    make_show = {
        "movie_id": make_movie(stage.stores.engine),
        "hall_id": hall,
        "starts_at": "2099-01-01T20:00:00Z",
        "prices": {"premium": 2000, "standard": 1000},
    }
    assert client.post("/api/shows", json=make_show, headers=admin).status_code == 201

    [text] = rounds.call([("GET", keys.hall(hall))], writes=False)
    assert json.loads(text) == {name: value for name, value in OPERA.items() if name != "drawing"}
    assert cards.hall(rounds, hall) == Hall.from_plan(hall, OPERA)


@pytest.mark.parametrize(
    ("plan", "pointers"),
    [
        ({**OPERA, "format": 1}, {"/plan/sections", "/plan/drawing", "/plan/rows/0/section", "/plan/rows/1/section",
                                  "/plan/rows/0/blocks/0/step", "/plan/rows/0/blocks/1/step",
                                  "/plan/rows/1/blocks/0/seats", "/plan/rows/1/blocks/0/kind",
                                  "/plan/rows/1/blocks/1/aisle"}),
        ({**OPERA, "format": 3}, {"/plan/format"}),
        ({**OPERA, "sections": []}, {"/plan/rows/0/section"}),
        ({**OPERA, "drawing": {"rows": [[[5, 0, 0]], []]}}, {"/plan/drawing/rows/0"}),
        ({**OPERA, "drawing": 7}, {"/plan/drawing"}),
        ({"format": 2, "rows": [{"label": "A", "aisles": [1], "blocks": [{"seats": ["1"], "category": "a"}]}]},
         {"/plan/rows/0/aisles"}),
        ({"rows": [{"label": "12", "blocks": [{"first": 1, "last": 2, "category": "a"}]}]}, {"/plan/rows/0/label"}),
        ({"rows": [{"label": "A", "blocks": [{"first": 1, "category": "a"}]}]}, {"/plan/rows/0/blocks/0/last"}),
        ({"format": 2, "rows": [{"label": "A", "blocks": [{"seats": ["1"], "step": 1, "category": "a"}]}]},
         {"/plan/rows/0/blocks/0"}),
    ],
)  # fmt: skip
def test_a_plan_is_refused_with_the_place_of_its_fault(
    client: FlaskClient, admin: dict[str, str], plan: Any, pointers: set[str]
) -> None:
    response = make(client, admin, plan)

    assert response.status_code == 422
    assert codes_of(response.get_json()) == pointers
