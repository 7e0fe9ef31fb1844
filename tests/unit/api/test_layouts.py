"""Layouts: every seat of a plan once, at its index, with its label and category; and small enough to send."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from api.catalogue.layouts import layout_json
from api.shapes.seat_answers import LAYOUT
from api.web.compression import LEVEL_ONCE, compressed
from core.halls import Hall
from proof.kit.shows import plan

PLAN = {
    "rows": [
        {
            "label": "A",
            "aisles": [2],
            "blocks": [{"first": 1, "last": 3, "category": "vip"}, {"first": 5, "last": 6, "category": "standard"}],
        },
        {"label": "BB", "blocks": [{"first": 7, "last": 8, "category": "standard"}]},
    ]
}

BY_PLACE = {
    "format": 2,
    "sections": [{"key": "BALC", "name": "Balcony"}],
    "rows": [
        {
            "section": "BALC",
            "label": "A",
            "blocks": [
                {"first": 5, "last": 1, "step": -2, "category": "vip"},
                {"seats": ["W1", "W2"], "category": "standard", "kind": "wheelchair", "aisle": True},
            ],
        }
    ],
}


@pytest.mark.parametrize("form", [PLAN, BY_PLACE], ids=["format 1", "format 2"])
def test_a_seat_is_found_at_its_index_with_its_label_category_and_kind(form: dict[str, Any]) -> None:
    hall = Hall.from_plan(3, form)
    layout = layout_json(hall)

    found = {}
    for row in layout["rows"]:
        index = row["first"]
        for block in row["blocks"]:
            for name in block["names"]:
                found[index] = (f"{row['prefix']}{name}", layout["categories"][block["category"]], block["kind"])
                index += 1

    assert LAYOUT.validate(layout) == {}
    assert found == {
        seat.index: (seat.label, seat.category, hall.rows[seat.row].kind(seat.column).value)
        for seat in hall.seats.values()
    }
    assert layout["seats"] == len(found) == hall.capacity


def test_aisles_are_where_an_unbroken_stretch_begins() -> None:
    row, other = layout_json(Hall.from_plan(3, PLAN))["rows"]

    assert row["aisles"] == [2, 3]  # after A2; and A4 does not exist
    assert other["aisles"] == []


def test_sections_and_the_drawing_are_those_of_the_plan() -> None:
    layout = layout_json(Hall.from_plan(3, BY_PLACE), {"size": [10, 20]})

    assert layout["sections"] == [{"key": "BALC", "name": "Balcony"}]
    assert [row["section"] for row in layout["rows"]] == ["BALC"]
    assert layout["drawing"] == {"size": [10, 20]}
    assert LAYOUT.validate(layout) == {}


def test_a_hall_of_ten_thousand_seats_is_sent_in_a_few_kilobytes() -> None:
    labels = [first + second for first in "ABCDEFGHIJ" for second in "ABCDEFGHIJ"]
    rows = [{**plan(1, 100)["rows"][0], "label": label} for label in labels]

    body = orjson.dumps(layout_json(Hall.from_plan(1, {"rows": rows})))

    assert len(body) < 50_000
    assert len(compressed(body, LEVEL_ONCE)) < 2_000
