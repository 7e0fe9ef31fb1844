"""The bench's reports, and how it reads the output of others."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from core.halls import Hall
from proof.bench import cpu, halls, wire
from proof.bench.charts import Bar, bars
from proof.bench.contenders.celery_app import broker_url
from proof.bench.pgbench import tps
from proof.bench.report import BEGIN, END, Report, last_report, replaced, write_document
from proof.bench.servers import BenchFailed

MACHINE = {
    "processor": "P",
    "cores": 2,
    "memory_gb": 4,
    "system": "S",
    "python": "3",
    "postgres": "18",
    "valkey": "9",
}


def report() -> Report:
    cpu_of = {"hot sync": {"api": [0.001]}, "hot onsale": {"api": [0.0004]}}
    series = {"hot sync": [300.0], "hot onsale": [3_000.0]}
    return Report(1, MACHINE, "bundled", series, cpu_of, {"hot sync": [0.1]})


def test_latest_json_holds_goals_machine_rounds_and_generator(tmp_path):
    report().write(tmp_path / "latest.json")

    found = json.loads((tmp_path / "latest.json").read_text())
    assert found["goals"]["P1_unpolled"]["value"] == 10
    assert found["rounds"] == 1
    assert found["machine"] == MACHINE
    assert found["generator"]["what"] == "bundled"
    assert found["cpu_us_per_booking"]["hot onsale"]["api"] == 400


def test_what_bench_scale_finds_later_joins_what_the_bench_has_left(tmp_path):
    latest, first, second = (tmp_path / name for name in ("latest.json", "first", "second"))
    assert last_report(latest) is None
    report().write(latest)
    write_document(report(), first)
    kept = json.loads(latest.read_text())
    costs = {"seats": [{"cpu_us": 100.2, "time_us": 150.0}, {"cpu_us": 110.0, "time_us": 140.0}]}
    latest.write_text(json.dumps(kept | {"scale": {"value": 1.1, "costs": costs}}))

    found = last_report(latest)
    assert found is not None
    write_document(found, second)

    added = set(second.read_text().splitlines()) - set(first.read_text().splitlines())
    assert added == {
        "| P10 | cost per booking, a larger step / a smaller one | <= 1.2 | 1.1 | 1.1 - 1.1 | yes |",
        "| seats | 100, 110 | 150, 140 |",
    }


def test_the_measured_part_is_replaced_and_the_prose_around_it_kept(tmp_path):
    document = tmp_path / "performance.md"
    document.write_text(f"Before.\n{BEGIN}\nold\n{END}\nAfter.\n")

    write_document(report(), document)
    write_document(report(), document)

    text = document.read_text()
    assert text.startswith("Before.\n")
    assert text.endswith("\nAfter.\n")
    assert "old" not in text
    assert text.count(BEGIN) == text.count("bench-hot.svg") == 1
    assert (tmp_path / "bench-hot.svg").exists()


def test_a_document_without_markers_gets_the_measured_part_at_its_end():
    assert replaced("Prose.\n", "measured") == "Prose.\n\nmeasured\n"


def test_a_picture_is_xml_and_its_longest_bar_fits():
    text = bars("A & B", [Bar("one", 50.0, 40.0, 60.0), Bar("<two>", 100.0, 90.0, 120.0, ours=True)])

    rects = [each for each in ElementTree.fromstring(text).iter() if each.tag.endswith("rect")]
    assert [float(each.attrib["width"]) for each in rects] == pytest.approx(
        [50 / 120 * 460, 100 / 120 * 460], abs=0.1
    )


def test_pgbench_is_read_by_its_tps_line():
    assert tps("latency average = 1.9 ms\ntps = 2130.5 (without initial connection time)\n") == 2130.5
    with pytest.raises(BenchFailed):
        tps("pgbench: error")


def test_a_response_is_cut_by_the_length_of_its_body():
    whole = b"HTTP/1.1 202 Accepted\r\nContent-Length: 4\r\n\r\nbody"

    assert wire.parse(whole) == (202, b"body")
    assert wire.parse(whole[:-1]) is None
    assert wire.parse(whole[:20]) is None
    assert wire.parse(b"HTTP/1.1 304 Not Modified\r\n\r\n") == (304, b"")


def test_cpu_is_told_per_kind_of_process():
    assert cpu.since({"api": 1.0}, {"api": 3.5, "worker": 1.0}) == {"api": 2.5, "worker": 1.0}


def test_seats_are_labelled_as_the_hall_labels_them():
    assert list(Hall.from_plan(0, halls.plan(1_234)).seats) == [halls.label(number) for number in range(1_234)]


def test_celery_finds_redis_behind_a_unix_socket():
    assert broker_url("unix:///run/redis.sock?db=0") == "redis+socket:///run/redis.sock?virtual_host=0"
    assert broker_url("redis://h/1") == "redis://h/1"
