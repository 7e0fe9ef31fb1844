"""Halls as CSV: a line per seat, aisles between them, and faults with their line and column."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.csv_plans import read_csv
from core.hall_previews import counted, preview
from core.halls import check_plan
from core.imported_halls import ImportedHall
from core.plans import BadPlan
from tests.support.best_seats import best_seats
from tests.support.sources import PROJECT

HEAD = "section,row,number,category,kind,x,y\n"


def test_the_cinema_has_rows_of_digits_from_right_to_left() -> None:
    cinema = read_csv((PROJECT / "docs/halls/cinema.csv").read_bytes())

    assert cinema.hall.capacity == 120
    assert list(cinema.hall.seats)[:6] == ["1-W1", "1-C1", "1-10", "1-9", "1-8", "1-7"]
    assert cinema.hall.rows[2].runs == (0, 8)
    assert best_seats(cinema.hall, 2, "centre") == ("3-10", "3-9")
    assert best_seats(cinema.hall, 9) is not None
    counts = counted(cinema.hall)
    assert counts.categories == {"front": 24, "centre": 64, "back": 32}
    assert counts.kinds == {"wheelchair": 1, "companion": 1, "seat": 118}


def test_the_preview_draws_each_row() -> None:
    cinema = read_csv((PROJECT / "docs/halls/cinema.csv").read_bytes())
    lines = preview(cinema, "Kino").splitlines()

    assert lines[0] == "Kino: 120 seats in 8 rows"
    assert "  b  centre: 64" in lines
    assert lines[8].split() == ["1", "WCaaaa", "aaaaaa", "12"]
    assert lines[-1].split() == ["8", "dddddddd", "dddddddd", "16"]


def test_a_large_hall_is_previewed_in_part() -> None:
    text = "row,number,category\n" + "".join(f"{row},{n},a\n" for row in range(1, 60) for n in range(1, 150))
    lines = preview(read_csv(text.encode()), "Large").splitlines()

    assert lines[-1].strip() == "... and 19 more rows"
    assert max(map(len, lines)) < 125


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_separators_and_line_ends_may_be_those_of_any_program(separator: str, end: str) -> None:
    lines = ["Row,Number,Category,Section", 'A,1,"Parkett, links",Balkon', "", "A,2,Parkett,Balkon"]
    quoted = [line if '"' in line else line.replace(",", separator) for line in lines]
    quoted[1] = separator.join(["A", "1", '"Parkett, links"', "Balkon"])
    imported = read_csv(("\ufeff" + end.join(quoted)).encode())

    assert list(imported.hall.seats) == ["BALKON-A-1", "BALKON-A-2"]
    assert imported.plan["drawing"]["categories"]["parkett-links"] == {"name": "Parkett, links"}


def test_places_give_order_and_aisles_where_the_row_has_no_lines_for_aisles() -> None:
    seats = [(1, 30), (3, 20), (5, 10), (2, 60), (4, 70)]
    lines = [f",A,{number},a,,{x},0\n" for number, x in seats]
    imported = read_csv((HEAD + "".join(lines)).encode())

    assert list(imported.hall.seats) == ["A5", "A3", "A1", "A2", "A4"]
    assert imported.hall.rows[0].runs == (0, 3)
    lines.insert(1, ",A,,,aisle,,\n")
    as_written = read_csv((HEAD + "".join(lines)).encode())
    assert list(as_written.hall.seats) == ["A1", "A3", "A5", "A2", "A4"]
    assert as_written.hall.rows[0].runs == (0, 1)


def test_sections_with_like_names_have_keys_of_their_own() -> None:
    names = ["Balcony left side", "Balcony right side", "Партер", "Ложа"]
    lines = [f"{name},A,1,a,,,\n" for name in names]
    imported = read_csv((HEAD + "".join(lines)).encode())

    assert [section.name for section in imported.hall.sections] == names
    assert list(imported.hall.seats) == ["BALCONY-A-1", "BALCONY2-A-1", "S-A-1", "S2-A-1"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "line 1"),
        ("\n\n", "line 1"),
        ("row,number,category\n", "line 1"),
        ("row,number\nA,1\n", "line 1"),
        ("row,number,category,colour\nA,1,a,red\n", "line 1"),
        ("row,number,category,row\nA,1,a,A\n", 'line 1, column "row"'),
        ("row,number,category,x\nA,1,a,1\n", "line 1"),
        ("row,number,category\nA,1\n", "line 2"),
        ("row,number,category\nA,1,a,\n", "line 2"),
        ('row,number,category\nA,1,"a\n', "line 2"),
        ('row,number,category\nA,1,"a"b\n', "line 2"),
        ("row,number,category\nA,1,a\n\nA,0,a\n", 'line 4, column "number"'),
        ("row,number,category\nA,x y z 1 2 3,a\n", 'line 2, column "number"'),
        ("row,number,category\nA,,a\n", 'line 2, column "number"'),
        ("row,number,category\n,1,a\n", 'line 2, column "row"'),
        ("row,number,category\nA,1,\n", 'line 2, column "category"'),
        ("row,number,category\nA,1,a\nA,2,a\nA,01,a\n", "line 4"),
        (HEAD + ",A,1,a,bed,,\n", 'line 2, column "kind"'),
        (HEAD + ",A,1,a,aisle,,\n", 'line 2, column "number"'),
        (HEAD + ",A,1,a,,1,\n", 'line 2, column "y"'),
        (HEAD + ",A,1,a,,1e3,1\n", 'line 2, column "x"'),
        (HEAD + ",A,1,a,,999999999,1\n", "line 2"),
        (HEAD + ",A,1,a,,1,1\n,A,2,a,,,\n", "line 3"),
        (HEAD + "\u200b,A,1,a,,,\n", 'line 2, column "section"'),
        (HEAD + ",A,,,aisle,,\n", "line 1"),
        ("row,number,category\n" + "".join(f"A,{n},c{n}\n" for n in range(1, 52)), 'line 52, column "category"'),
        ("row,number,category\nA,1,a\nA,2,\0\n", 'line 3, column "category"'),
    ],
)
def test_a_fault_is_named_by_its_line_and_column(text: str, place: str) -> None:
    with pytest.raises(BadPlan) as caught:
        read_csv(text.encode())

    assert caught.value.place == place
    assert caught.value.errors[0]["line"] == int(place.split()[1].rstrip(","))


def test_a_byte_that_is_not_utf_8_is_named_by_its_line() -> None:
    with pytest.raises(BadPlan) as caught:
        read_csv(b"row,number,category\nA,1,a\nA,2,\xe4\n")

    assert caught.value.place == "line 3"


def test_a_row_has_a_most_of_seats() -> None:
    names = [f"{a}{b}{n}" for a in "ABCDEFGHIJKL" for b in "ABCDEFGHIJ" for n in range(1, 100)]
    lines = [f"A,{name},a\n" for name in names[:10_000]]

    with pytest.raises(BadPlan, match="at most 9999 seats"):
        read_csv(("row,number,category\n" + "".join(lines)).encode())


def hall_or_fault(data: bytes) -> ImportedHall | BadPlan:
    try:
        return read_csv(data)
    except BadPlan as fault:
        return fault


FIELDS = st.sampled_from(["", "A", "1", "2", "3", "aisle", "wheelchair", "Balkon", "1.5", "0", '"', "W1", "-7", "\0"])


@given(st.lists(st.lists(FIELDS | st.text(max_size=4), min_size=5, max_size=8), max_size=6))
def test_whatever_a_file_holds_it_is_a_hall_or_a_fault_with_its_place(lines: list[list[str]]) -> None:
    data = (HEAD + "\n".join(",".join(fields) for fields in lines)).encode("utf-8", "replace")
    imported = hall_or_fault(data)
    if isinstance(imported, BadPlan):
        assert imported.errors[0]["line"] >= 1
        return
    assert check_plan(imported.plan).capacity == imported.hall.capacity > 0
    json.dumps(imported.plan, ensure_ascii=False).encode()
    assert preview(imported, "x")


@given(st.binary(max_size=200))
def test_no_bytes_make_the_reader_fail(data: bytes) -> None:
    with pytest.raises(BadPlan) as caught:
        read_csv(data)

    assert caught.value.errors
