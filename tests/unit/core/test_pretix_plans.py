"""pretix's seating plans become halls: places give neighbours and aisles, and faults are named by their place."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import drawings
from core.halls import check_plan
from core.imported_halls import ImportedHall
from core.plans import BadPlan
from core.pretix_plans import read_pretix
from tests.support.best_seats import best_seats
from tests.support.sources import PROJECT


def seat(number: str, x: float, y: float = 0, category: str = "Stalls") -> dict[str, Any]:
    return {"seat_guid": number, "seat_number": number, "position": {"x": x, "y": y}, "category": category}


def plan(*rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a seating plan with one zone."""
    zones = [{"name": "Main", "position": {"x": 0, "y": 0}, "rows": list(rows)}]
    categories = [{"name": "Stalls", "color": "#AA0000"}, {"name": "Wheelchair"}]
    return {"name": "Hall", "size": {"width": 100, "height": 80}, "categories": categories, "zones": zones, **more}


def row(number: str, *seats: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"row_number": number, "seats": list(seats), **more}


def read(document: Any) -> ImportedHall:
    return read_pretix(json.dumps(document).encode())


def test_the_opera_has_two_sections_with_the_same_rows_and_odd_and_even_seats() -> None:
    opera = read_pretix((PROJECT / "docs/halls/opera.json").read_bytes())

    assert opera.name == "Small opera"
    assert opera.hall.capacity == 122
    assert [(section.key, section.name) for section in opera.hall.sections] == [
        ("STALLS", "Stalls"), ("BALCONY", "Balcony"),
    ]  # fmt: skip
    assert list(opera.hall.seats)[:10] == [f"STALLS-A-{number}" for number in (9, 7, 5, 3, 1, 2, 4, 6, 8, 10)]
    assert best_seats(opera.hall, 3) == ("STALLS-A-5", "STALLS-A-3", "STALLS-A-1")
    assert opera.hall.accessible
    assert opera.plan["rows"][5]["blocks"][0]["kind"] == "wheelchair"
    stage = opera.plan["drawing"]["shapes"][0]
    assert (stage["shape"], stage["text"], stage["width"], stage["x"]) == ("rectangle", "Stage", 4_000, 2_000)
    assert opera.plan["drawing"]["categories"]["stalls-front"] == {"name": "Stalls front", "color": "#a33b20"}


def test_every_seat_is_drawn_where_the_file_has_it() -> None:
    document = json.loads((PROJECT / "docs/halls/opera.json").read_bytes())
    opera = read(document)
    expected = {}
    for zone, section in zip(document["zones"], opera.hall.sections, strict=True):
        for line in zone["rows"]:
            for one in line["seats"]:
                at = [sum(each["position"][axis] for each in (zone, line, one)) * 10 for axis in "xy"]
                expected[f"{section.key}-{line['row_number']}-{one['seat_number']}"] = at
    found = {
        row.seat_label(column): place
        for row, lines in zip(opera.hall.rows, opera.plan["drawing"]["rows"], strict=True)
        for column, place in enumerate(drawings.places(lines))
    }

    assert found.keys() == expected.keys()
    for label, (x, y) in found.items():
        assert abs(x - expected[label][0]) <= drawings.TOLERANCE + 1
        assert abs(y - expected[label][1]) <= drawings.TOLERANCE + 1


def test_the_parts_of_a_row_that_an_aisle_divides_are_one_row() -> None:
    left = row("7", seat("2", 10), seat("1", 0))
    right = row("7", seat("3", 40), seat("4", 50), position={"x": 10, "y": 0})
    imported = read(plan(left, right))

    assert imported.plan["rows"] == [
        {"label": "7", "blocks": [
            {"first": 1, "last": 2, "category": "stalls"},
            {"aisle": True, "first": 3, "last": 4, "category": "stalls"}]},
    ]  # fmt: skip
    assert list(imported.hall.seats) == ["7-1", "7-2", "7-3", "7-4"]


def test_seats_are_in_the_order_of_their_places_from_left_to_right() -> None:
    imported = read(plan(row("A", seat("1", 30, 1), seat("2", 20, 2), seat("3", 10, 1))))

    assert list(imported.hall.seats) == ["A3", "A2", "A1"]
    assert not imported.notes
    mixed = read(plan(row("A", seat("1", 20), seat("3", 10), seat("2", 30), seat("4", 40))))
    assert list(mixed.hall.seats) == ["A3", "A1", "A2", "A4"]
    assert "row A" in mixed.notes[0]


def test_names_become_labels() -> None:
    seats = (seat("W 1", 0, category="Wheelchair"), seat("007", 10), seat("7a", 20))
    imported = read(plan(row("Rang Ä", *seats), extra=1))

    assert list(imported.hall.seats) == ["RANGA-W1", "RANGA-7", "RANGA-7A"]
    assert list(imported.hall.rows[0].stretches(None, accessible=True)) == [(0, 1)]
    assert imported.notes == ("Not used: extra.",)


CHANGES: list[tuple[list[Any], Any, str]] = [
    ([], [], "/"),
    ([], 7, "/"),
    (["zones"], {}, "/zones"),
    (["zones"], [], "/zones"),
    (["categories"], None, "/categories"),
    (["categories", 0], 1, "/categories/0"),
    (["categories", 0, "name"], "", "/categories/0/name"),
    (["categories", 1, "name"], "Stalls", "/categories/1/name"),
    (["size"], {"width": "x"}, "/size"),
    (["name"], 5, "/name"),
    (["zones", 0], [], "/zones/0"),
    (["zones", 0, "rows"], None, "/zones/0/rows"),
    (["zones", 0, "position"], [1, 2], "/zones/0/position"),
    (["zones", 0, "position", "x"], None, "/zones/0/position/x"),
    (["zones", 0, "position", "x"], 10**400, "/zones/0/position/x"),
    (["zones", 0, "position", "y"], 1e9, "/zones/0/position"),
    (["zones", 0, "rows", 0], "A", "/zones/0/rows/0"),
    (["zones", 0, "rows", 0, "row_number"], "", "/zones/0/rows/0/row_number"),
    (["zones", 0, "rows", 0, "row_number"], "Left box 12", "/zones/0/rows/0/row_number"),
    (["zones", 0, "rows", 0, "row_number"], 1, "/zones/0/rows/0/row_number"),
    (["zones", 0, "rows", 0, "seats"], {}, "/zones/0/rows/0/seats"),
    (["zones", 0, "rows", 0, "seats", 1], None, "/zones/0/rows/0/seats/1"),
    (["zones", 0, "rows", 0, "seats", 1, "seat_number"], "1", "/zones/0/rows/0/seats/1"),
    (["zones", 0, "rows", 0, "seats", 1, "seat_number"], "0", "/zones/0/rows/0/seats/1/seat_number"),
    (["zones", 0, "rows", 0, "seats", 1, "seat_number"], "12345", "/zones/0/rows/0/seats/1/seat_number"),
    (["zones", 0, "rows", 0, "seats", 1, "seat_number"], "\ud83d", "/zones/0/rows/0/seats/1/seat_number"),
    (["zones", 0, "rows", 0, "seats", 1, "category"], "Balcony", "/zones/0/rows/0/seats/1/category"),
    (["zones", 0, "rows", 0, "seats", 1, "position"], None, "/zones/0/rows/0/seats/1/position"),
    (["zones", 0, "areas"], 3, "/zones/0/areas"),
    (["zones", 0, "areas"], [3], "/zones/0/areas/0"),
    (["zones", 0, "areas"], [{"shape": "star"}], "/zones/0/areas/0/shape"),
    (["zones", 0, "areas"], [{"shape": "circle", "circle": {"radius": "1"}}], "/zones/0/areas/0/circle/radius"),
    (["zones", 0, "areas"], [{"shape": "polygon", "polygon": {"points": []}}], "/zones/0/areas/0/polygon/points"),
    (["zones", 0, "areas"], [{"shape": "text", "text": 4}], "/zones/0/areas/0/text"),
]


def changed(path: list[Any], value: Any) -> Any:
    document: Any = plan(row("A", seat("1", 0), seat("2", 10)))
    if not path:
        return value
    inner = document
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return document


@pytest.mark.parametrize(("path", "value", "place"), CHANGES)
def test_a_fault_is_named_by_a_json_pointer(path: list[Any], value: Any, place: str) -> None:
    with pytest.raises(BadPlan) as caught:
        read(changed(path, value))

    assert caught.value.place == place
    assert str(caught.value).startswith(f"{place}: ")


@pytest.mark.parametrize(
    ("data", "place"),
    [(b"", "line 1"), (b"{\n  no", "line 2"), (b'{"name": \n"\xff"}', "line 2"), (b"[" * 100_000, "line 1"),
     (b'{"name": NaN}', "line 1"), (b"1" * 10_000, "line 1")],
)  # fmt: skip
def test_what_is_no_json_is_named_by_its_line(data: bytes, place: str) -> None:
    with pytest.raises(BadPlan) as caught:
        read_pretix(data)

    assert caught.value.place.startswith(place)


def hall_or_fault(document: Any) -> ImportedHall | BadPlan:
    try:
        return read(document)
    except BadPlan as fault:
        return fault


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.sampled_from(["Stalls", "1"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["x", "y", "name", "seats", "rows", "position", "text", "shape"]), inner)
    ),
    max_leaves=6,
)
PATHS = st.sampled_from([path for path, _, _ in CHANGES])


@given(st.lists(st.tuples(PATHS, JSON), min_size=1, max_size=3))
def test_whatever_a_file_holds_it_is_a_hall_or_a_fault_with_its_place(changes: list[tuple[list[Any], Any]]) -> None:
    document: Any = plan(row("A", seat("1", 0), seat("2", 10), seat("4", 40, 3)), row("B", seat("C", 5)))
    for path, value in changes:
        inner = document
        try:
            for step in path[:-1]:
                inner = inner[step]
            if path:
                inner[path[-1]] = deepcopy(value)
            else:
                document = value
        except (KeyError, IndexError, TypeError, AttributeError):
            continue
    imported = hall_or_fault(document)
    if isinstance(imported, BadPlan):
        assert imported.place
        assert imported.errors
        return
    assert check_plan(imported.plan).capacity == imported.hall.capacity > 0
    imported.name.encode()
    json.dumps(imported.plan, ensure_ascii=False).encode()


@given(st.binary(max_size=200))
def test_no_bytes_make_the_reader_fail(data: bytes) -> None:
    with pytest.raises(BadPlan) as caught:
        read_pretix(data)

    assert caught.value.place
