"""Copies of shows, recordings and the commands around them, on real stores."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from core.bookings import Status
from core.errors import ConfigurationError, OnsaleError
from core.settings import Settings
from core.shows import SaleState
from db.kv.admission import Code
from db.postgres import catalogue
from db.postgres.engine import transaction
from ops.cli import main
from ops.rehearse import copies
from ops.rehearse.copies import Stores
from ops.rehearse.workers import scaled
from ops.up.running import find_running
from tests.support.stage import Stage


@pytest.fixture(autouse=True)
def home(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No `onsale up` runs in this home, so the system's addresses come from the environment."""
    monkeypatch.setenv("ONSALE_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def opened(stage: Stage) -> Iterator[Stores]:
    with copies.opened(find_running()) as opened:
        yield opened


@pytest.fixture
def drains(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a copy waits for its lane, the lane is drained."""
    monkeypatch.setattr(copies, "sleep", lambda _: stage.drain())


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def acts(stores: Stores) -> list[tuple[str, str]]:
    with transaction(stores.engine) as connection:
        rows = connection.execute(text("SELECT action, subject FROM audit_log ORDER BY id"))
        return [(row.action, row.subject) for row in rows]


@pytest.mark.usefixtures("drains")
def test_a_copy_is_the_same_show_with_all_seats_free_and_is_closed_at_the_end(stage: Stage, opened: Stores) -> None:
    show = stage.show(
        2, 4, premium=1, seats_per_user=3, hold_ms=60_000, sales_open_ms=1 << 50, state=SaleState.PAUSED
    )
    original = opened.show(show)

    with copies.copied(opened, show, limit_s=30) as copy:
        settings = copy.settings
        assert settings == replace(
            original.settings,
            state=SaleState.ON_SALE,
            sales_open_ms=0,
            sales_close_ms=settings.sales_close_ms,
            starts_ms=settings.starts_ms,
        )
        assert 0 < settings.starts_ms - settings.sales_close_ms < copies.STARTS_IN_MS
        assert (copy.hall_id, copy.capacity, copy.held, copy.sold) == (original.hall_id, original.capacity, 0, 0)
        assert stage.seats(copy.id).keys() == stage.seats(show).keys()
        booked = stage.book(copy.id, "A1", "A2")
        stage.drain()
        assert stage.booking(booked).status is Status.CONFIRMED

    assert opened.show(copy.id).settings.state is SaleState.CLOSED
    assert opened.show(show) == original
    assert acts(opened) == [("show.rehearse", f"show {show}"), ("show.close", f"show {copy.id}")]
    stage.proven()


@pytest.mark.usefixtures("drains")
def test_a_show_that_has_only_a_name_is_copied_with_it(stage: Stage, opened: Stores) -> None:
    show = stage.show()
    with transaction(opened.engine) as connection:
        connection.execute(text("UPDATE shows SET movie_id = NULL, name = 'Reading' WHERE id = :id"), {"id": show})

    with copies.copied(opened, show, limit_s=30) as copy, transaction(opened.engine) as connection:
        copied = catalogue.get_show(connection, copy.id)

    assert copied is not None
    assert "Rehearsal of Reading" in str(copied)


@pytest.mark.usefixtures("drains")
def test_a_copy_is_closed_when_the_crowd_fails(stage: Stage, opened: Stores) -> None:
    show = stage.show()

    with pytest.raises(KeyboardInterrupt), copies.copied(opened, show, limit_s=30) as copy:
        raise KeyboardInterrupt

    assert opened.show(copy.id).settings.state is SaleState.CLOSED
    copies.close(opened, copy.id)  # a repetition


@pytest.mark.usefixtures("drains")
def test_a_copy_is_closed_although_redis_was_wiped(stage: Stage, opened: Stores) -> None:
    with copies.copied(opened, stage.show(), limit_s=30) as copy:
        stage.stores.client.flushdb()

    assert opened.show(copy.id).settings.state is SaleState.CLOSED


def test_a_copy_that_nobody_closes_is_named_with_how_to_close_it(
    stage: Stage, opened: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "CLOSED_S", 0.05)

    with (
        pytest.raises(OnsaleError, match=r"is not closed \(lane \d has not decided it.*DELETE /api/shows/"),
        copies.copied(opened, stage.show(), limit_s=30),
    ):
        pass


@pytest.mark.usefixtures("drains")
def test_holds_of_a_faster_crowd_end_that_much_sooner(stage: Stage, opened: Stores) -> None:
    show = stage.show(hold_ms=60_000)

    with copies.copied(opened, show, limit_s=30, speed=4) as copy:
        assert copy.settings.hold_ms == 15_000
    with copies.copied(opened, show, limit_s=30, speed=1000) as copy:
        assert copy.settings.hold_ms == copies.HOLD_MIN_MS


@pytest.mark.usefixtures("drains")
def test_a_show_that_is_unknown_or_a_copy_is_not_copied(stage: Stage, opened: Stores) -> None:
    with pytest.raises(ConfigurationError, match="no show 999"), copies.copied(opened, 999, limit_s=30):
        pass
    with copies.copied(opened, stage.show(), limit_s=30) as copy:
        with (
            pytest.raises(ConfigurationError, match="itself a copy"),
            copies.copied(opened, copy.id, limit_s=30),
        ):
            pass
        assert copies.is_copy(opened, copy.id)
    with pytest.raises(ConfigurationError, match="no show 999"):
        copies.is_copy(opened, 999)


def test_while_requests_wait_a_rehearsal_is_refused_and_leaves_nothing(
    stage: Stage, opened: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    show = stage.show()
    stage.book(show, "A1")
    monkeypatch.setattr(copies, "EMPTY_S", 0.05)

    refusal = run("rehearse", "--show", str(show), "--buyers", "1")

    assert refusal.exit_code == 2
    assert f"lane {show % opened.lanes}: 1" in refusal.stderr
    assert "--force" in refusal.stderr
    assert acts(opened) == []
    monkeypatch.setattr(copies, "EMPTY_S", 5)
    monkeypatch.setattr(copies, "sleep", lambda _: stage.drain())
    copies.refuse_while_busy(opened)


def test_workers_that_are_not_ours_are_not_scaled(opened: Stores, home: Path) -> None:
    with pytest.raises(ConfigurationError, match="no onsale up runs"), scaled(home, opened.rounds, 3):
        pass
    with scaled(home, opened.rounds, None) as workers:
        assert workers == 0


def sold(stage: Stage) -> int:
    """Sell three seats of a show, and return its id."""
    show = stage.show(2, 4)
    held = stage.book(show, "A1", "A2", hold=True)
    stage.book(show, "A1", user=stage.bob)
    stage.book(show, quantity=1, user=stage.bob)
    stage.drain()
    stage.confirm(held)
    stage.drain()
    return show


def test_a_sale_is_recorded_from_the_journal(stage: Stage, tmp_path: Path) -> None:
    show, file = sold(stage), tmp_path / "sale.jsonl"
    sold(stage)  # another show, which is not recorded

    done = run("record", "--show", str(show), "--out", str(file))

    assert done.exit_code == 0, done.output
    header, *arrivals = map(json.loads, file.read_text().splitlines())
    assert header == {
        "onsale_record": 1,
        "show": show,
        "capacity": 8,
        "arrivals": 4,
        "buyers": 2,
        "sold": 3,
        "left_out": 0,
    }
    assert [(each["kind"], each["booking"], each.get("outcome")) for each in arrivals] == [
        ("BOOK", 1, "CONFIRMED"),
        ("BOOK", 2, "FAILED SEAT_TAKEN"),
        ("BOOK", 3, "CONFIRMED"),
        ("CONFIRM", 1, None),
    ]
    assert str(stage.alice) not in file.read_text()
    again = run("record", "--show", str(show), "--out", str(file))
    assert (again.exit_code, "exists already" in again.stderr) == (2, True)
    assert len(file.read_text().splitlines()) == 5


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("--show 999 --out {}/new", "There is no show 999"),
        ("--show {show} --out {}/new --to 2001-01-01T00:00:00Z", "No booking of this show"),
        ("--show {show} --out {}/missing/new", "cannot be written"),
        ("--show {show} --out {}/new --from 2030-01-01T00:00:00Z --to 2029-01-01T00:00:00Z", "must be before"),
        ("--show {show} --out {}/new --from 2030-01-01T00:00:00", "has no zone"),
        ("--show {show} --out {}/new --from soon", "Write a time such as"),
        ("--show 0 --out {}/new", "0 is not in the range"),
    ],
)
def test_what_cannot_be_recorded_is_an_error_and_no_file(stage: Stage, tmp_path: Path, words: str, says: str) -> None:
    show = sold(stage)

    done = run("record", *words.format(tmp_path, show=show).split())

    assert done.exit_code == 2
    assert says in done.stderr
    assert not (tmp_path / "new").exists()


def test_a_replay_needs_a_file_it_can_read_and_a_copy(stage: Stage, opened: Stores, tmp_path: Path) -> None:
    show, file, broken = sold(stage), tmp_path / "sale.jsonl", tmp_path / "broken.jsonl"
    assert run("record", "--show", str(show), "--out", str(file)).exit_code == 0
    broken.write_text(file.read_text().replace('"at_ms"', '"at"'))

    refusals = {
        "would buy its seats": (str(file), "--show", str(show)),
        "There is no show 999": (str(file), "--copy-of", "999"),
        f"{broken}: Line 2: at_ms must be": (str(broken), "--copy-of", str(show)),
        "missing cannot be read": (str(tmp_path / "missing"), "--copy-of", str(show)),
        "Give either --copy-of or --show": (str(file),),
        "no onsale up runs": (str(file), "--copy-of", str(show), "--workers", "3"),
    }

    for says, words in refusals.items():
        done = run("replay", *words)
        assert (done.exit_code, says in done.stderr) == (2, True), done.output
    assert acts(opened) == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("--show 1 --buyers 5 --crowd file", "exclude each other"),
        ("--show 1 --buyers 200001", "not in the range"),
        ("--show 1 --eta-below 0", "not in the range"),
        ("--show 1 --workers 0", "not in the range"),
        ("", "Missing option '--show'"),
        ("--show 999", "There is no show 999"),
        ("--show 1 --crowd missing", "missing cannot be read"),
    ],
)
def test_wrong_options_are_errors(stage: Stage, words: str, says: str) -> None:
    done = run("rehearse", *words.split())

    assert (done.exit_code, says in done.stderr) == (2, True), done.output


def test_an_api_elsewhere_is_refused_before_anything_is_copied(
    stage: Stage, opened: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONSALE_URL", "http://10.1.2.3:8000")

    done = run("rehearse", "--show", str(stage.show()))

    assert (done.exit_code, "--anywhere" in done.stderr) == (2, True)
    assert acts(opened) == []


@pytest.mark.usefixtures("drains")
def test_if_the_api_is_down_the_copy_is_closed_and_the_error_is_one_line(
    stage: Stage, opened: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONSALE_URL", "http://127.0.0.1:1")
    show = stage.show()

    done = run("rehearse", "--show", str(show), "--buyers", "1")

    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1].startswith("onsale: GET /api/shows/")
    assert opened.show(show + 1).settings.state is SaleState.CLOSED
    assert stage.accept(stage.operation(show + 1, "A1")).code is Code.CLOSED
