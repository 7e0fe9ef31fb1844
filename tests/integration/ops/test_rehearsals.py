"""Copies of shows, recordings and the commands around them, on real stores."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from core.bookings import Status
from core.errors import ConfigurationError, OnsaleError
from core.shows import SaleState
from db.kv.admission import Code
from db.postgres import catalogue
from db.postgres.engine import transaction
from ops.rehearse import copies
from ops.rehearse.copies import Stores
from ops.rehearse.workers import scaled
from tests.support.commands import acts, run
from tests.support.stage import Stage

pytestmark = pytest.mark.usefixtures("empty_home")


@pytest.fixture
def drains(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a copy waits for its lane, the lane is drained."""
    monkeypatch.setattr(copies, "sleep", lambda _: stage.drain())


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


def test_workers_that_are_not_ours_are_not_scaled(opened: Stores, empty_home: Path) -> None:
    with pytest.raises(ConfigurationError, match="no onsale up runs"), scaled(empty_home, opened.rounds, 3):
        pass
    with scaled(empty_home, opened.rounds, None) as workers:
        assert workers == 0


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
