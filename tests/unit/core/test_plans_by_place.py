"""Plans of format 2: neighbours by place, sections, names, places for wheelchairs; and the old format beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from core.halls import Hall
from core.plans import Section
from core.rows import SeatKind
from core.seat_labels import MAX_LABEL_CHARS, SEAT_LABEL
from tests.support.best_seats import best_seats
from tests.unit.core.test_halls import plans

KINDS = ("seat", "seat", "wheelchair", "companion")


@dataclass(frozen=True, slots=True)
class Place:
    """One seat of a plan, as an object."""

    label: str
    category: str
    kind: str
    run: int


def by_place(*blocks: dict[str, Any], label: str = "A", **row: Any) -> dict[str, Any]:
    """Return a plan of one row."""
    whole = [{"category": "standard", **block} for block in blocks]
    return {"format": 2, "rows": [{"label": label, "blocks": whole, **row}]}


@st.composite
def placed_plans(draw: st.DrawFn) -> dict[str, Any]:
    """Generate small plans of format 2 with all features; the seats of a row are named once."""
    keys = draw(st.lists(st.sampled_from(["S", "BALC", "101"]), max_size=3, unique=True))
    rows = []
    labels = st.tuples(st.sampled_from(["", *keys]), st.sampled_from(["A", "AB", "1", "12", "A1", "ABCD"]))
    for section, label in draw(st.lists(labels, min_size=1, max_size=4, unique=True)):
        row: dict[str, Any] = {"label": label, "blocks": draw(st.lists(blocks(), min_size=1, max_size=4))}
        taken: set[str] = set()
        for block in row["blocks"]:
            names = list(names_of(block))
            if not taken.isdisjoint(names):
                block.clear()
            else:
                taken.update(names)
        row["blocks"] = [block for block in row["blocks"] if block]
        rows.append({**row, "section": section} if section else row)
    sections = [{"key": key, "name": f"Section {key}"} for key in keys]
    return {"format": 2, "sections": sections, "rows": rows}


@st.composite
def blocks(draw: st.DrawFn) -> dict[str, Any]:
    block: dict[str, Any] = {"category": draw(st.sampled_from("ab"))}
    if draw(st.booleans()):
        block["kind"] = draw(st.sampled_from(KINDS))
    if draw(st.booleans()):
        block["aisle"] = draw(st.booleans())
    if draw(st.integers(0, 5)) == 0:
        names = st.sampled_from(["W1", "W2", "7", "12B", "C"])
        return block | {"seats": draw(st.lists(names, min_size=1, max_size=3, unique=True))}
    first, step = draw(st.integers(10, 30)), draw(st.sampled_from([1, 2, -1, -2, 3]))
    return block | {"first": first, "last": first + step * draw(st.integers(0, 3)), "step": step}


def names_of(block: dict[str, Any]) -> Iterator[str]:
    if "seats" in block:
        yield from block["seats"]
    else:
        number, step = block["first"], block.get("step", 1)
        while number != block["last"] + step:
            yield str(number)
            number += step


def plainly(plan: dict[str, Any]) -> list[list[Place]]:
    """Return every seat of a plan of format 2, one after the other."""
    rows = []
    for row in plan["rows"]:
        named = any("seats" in block for block in row["blocks"])
        section = row.get("section", "")
        plain = not section and not named and re.fullmatch("[A-Z]{1,3}", row["label"])
        head = row["label"] if plain else "-".join(filter(None, (section, row["label"], " "))).strip()
        places: list[Place] = []
        run = 0
        for block in row["blocks"]:
            run += bool(places and block.get("aisle"))
            kind = block.get("kind", "seat")
            places += [Place(f"{head}{name}", block["category"], kind, run) for name in names_of(block)]
        rows.append(places)
    return rows


def stretches_of(row: list[Place], categories: frozenset[str] | None, accessible: bool) -> list[tuple[int, int]]:
    """Return the stretches of a row as Row.stretches must."""
    found: list[tuple[int, int]] = []
    for column, place in enumerate(row):
        if (categories is not None and place.category not in categories) or (place.kind != "seat") != accessible:
            continue
        if found and found[-1][1] == column and row[column - 1].run == place.run:
            found[-1] = (found[-1][0], column + 1)
        else:
            found.append((column, column + 1))
    return found


@given(placed_plans())
def test_a_plan_gives_the_seats_that_it_names_where_it_names_them(plan: dict[str, Any]) -> None:
    hall, rows = Hall.from_plan(1, plan), plainly(plan)
    labels = [place.label for row in rows for place in row]

    assert list(hall.seats) == labels
    assert len(set(labels)) == len(labels)
    assert [hall.seat_index(label) for label in labels] == list(range(len(labels)))
    assert hall.sections == tuple(Section(one["key"], one["name"]) for one in plan["sections"])
    assert hall.accessible == any(place.kind != "seat" for row in rows for place in row)
    for row, places in zip(hall.rows, rows, strict=True):
        for column, place in enumerate(places):
            seat = hall.seats[place.label]
            assert (seat.category, seat.column, seat.run) == (place.category, column, place.run)
            assert row.kind(column) == place.kind
            assert hall.category(place.label) == place.category
            assert re.fullmatch(SEAT_LABEL, place.label)
            assert len(place.label) <= MAX_LABEL_CHARS
        assert [f"{row.prefix}{name}" for _, names in row.blocks() for name in names] == [
            place.label for place in places
        ]
        for categories in (None, frozenset("a"), frozenset("ab"), frozenset()):
            for accessible in (False, True):
                expected = stretches_of(places, categories, accessible)
                assert list(row.stretches(categories, accessible=accessible)) == expected


@given(placed_plans(), st.text("AB12W-C0", max_size=9))
def test_a_seat_has_one_label_and_nothing_else_finds_it(plan: dict[str, Any], text: str) -> None:
    hall = Hall.from_plan(1, plan)
    labels = set(hall.seats)

    assert (text in hall.seats) == (text in labels)
    for label in labels:
        for other in (label.replace("-", ""), label + "0", label + "-", "-" + label, label.lower(), f"0{label}"):
            assert (other in hall.seats) == (other in labels)


@given(plans(), st.data())
def test_the_two_formats_say_the_same_of_the_same_hall(plan: dict[str, Any], data: st.DataObject) -> None:
    old = Hall.from_plan(1, plan)
    rows = []
    for row in old.rows:
        blocks = []
        for (category, names), column in zip(row.blocks(), row.columns, strict=True):
            cuts = [run for run in row.runs if column < run < column + len(names)]
            for start, end in zip([column, *cuts], [*cuts, column + len(names)], strict=True):
                first, last = names[start - column], names[end - 1 - column]
                blocks.append({"first": first, "last": last, "category": category, "aisle": start in row.runs})
        rows.append({"label": row.label, "blocks": blocks})
    new = Hall.from_plan(1, {"format": 2, "rows": rows})

    assert dict(new.seats.items()) == dict(old.seats.items())
    taken = data.draw(st.sets(st.sampled_from(list(old.seats))))
    for quantity in range(1, 6):
        for category in (None, "a", "b"):
            best = best_seats(old, quantity, category, taken=taken)
            assert best_seats(new, quantity, category, taken=taken) == best


def test_odd_and_even_seats_are_neighbours_by_place() -> None:
    hall = Hall.from_plan(1, by_place({"first": 5, "last": 1, "step": -2}, {"first": 2, "last": 6, "step": 2}))

    assert list(hall.seats) == ["A5", "A3", "A1", "A2", "A4", "A6"]
    assert best_seats(hall, 2) == ("A1", "A2")
    assert best_seats(hall, 3, taken=["A1"]) == ("A2", "A4", "A6")


def test_an_aisle_separates_neighbours_and_a_skipped_number_does_not() -> None:
    row = by_place(
        {"first": 1, "last": 3}, {"first": 5, "last": 6}, {"first": 4, "last": 4, "aisle": True}, label="9"
    )
    hall = Hall.from_plan(1, row)

    assert best_seats(hall, 4, taken=["9-1"]) == ("9-2", "9-3", "9-5", "9-6")
    assert hall.seats["9-6"].run == 0
    assert hall.seats["9-4"].run == 1
    assert best_seats(hall, 2, taken=["9-1", "9-2", "9-3", "9-5"]) == ("9-6", "9-4"), "apart, for want of better"


def test_the_same_row_in_two_sections_has_different_seats() -> None:
    sections = [{"key": "S", "name": "Stalls"}, {"key": "BALC", "name": "Balcony"}]
    rows = [by_place({"first": 1, "last": 2}, section=key)["rows"][0] for key in ("S", "BALC")]
    hall = Hall.from_plan(1, {"format": 2, "sections": sections, "rows": rows})

    assert list(hall.seats) == ["S-A-1", "S-A-2", "BALC-A-1", "BALC-A-2"]
    assert "A1" not in hall.seats
    assert hall.rows[1].section == "BALC"


def test_places_for_wheelchairs_are_best_only_for_those_who_ask() -> None:
    plan = by_place({"seats": ["W1"], "kind": "wheelchair"}, {"seats": ["C1"], "kind": "companion"}, {"seats": ["1"]})
    hall = Hall.from_plan(1, plan)

    assert hall.accessible
    assert best_seats(hall, 1) == ("A-1",)
    assert best_seats(hall, 2) is None
    assert list(hall.rows[0].stretches(None, accessible=True)) == [(0, 2)]
    assert [hall.rows[0].kind(column) for column in range(3)] == [
        SeatKind.WHEELCHAIR, SeatKind.COMPANION, SeatKind.SEAT,
    ]  # fmt: skip
