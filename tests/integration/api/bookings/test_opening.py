"""The opening of a sale: each process reads the hall once for all requests, and what it remembers is bounded."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import Engine

from api.bookings import known_halls
from api.bookings.intake import Intake
from api.bookings.known_halls import KnownHalls
from api.web.backend import Backend
from api.web.errors import NoSuchShow
from core.bookings import Status
from core.halls import Hall
from core.recent import Recent
from db.kv import cards
from db.postgres import halls
from proof.bench.halls import plan as large_plan
from tests.support.factories import make_show
from tests.support.stage import Stage
from workers import load_state

THREADS = 16
ASKED = {"seats": ["A1"], "hold": False}
PRICES = {"standard": 1_000}


def opened(app: Flask, engine: Engine, seats: int = 20_000) -> tuple[Backend, int]:
    """Return the backend of a process that knows no show yet, and a show in a large hall."""
    stores: Backend = app.extensions["onsale"]
    stores.service.intake.learn()
    return stores, make_show(engine, plan=large_plan(seats), prices=PRICES)


def ask_at_once(stores: Backend, shows: list[int]) -> list[int]:
    """Request a seat of each of these shows at the same moment, each in a separate thread; return the statuses."""
    together = threading.Barrier(len(shows))

    def ask(number: int) -> int:
        asked = {"show_id": shows[number], **ASKED}
        together.wait(20)
        try:
            return stores.loop.run(stores.service.book(UUID(int=number + 1), None, asked, "")).status
        except NoSuchShow:
            return 404

    with ThreadPoolExecutor(len(shows)) as pool:
        return list(pool.map(ask, range(len(shows))))


@pytest.mark.parametrize("cold", [True, False], ids=["Redis has no plan", "Redis has it"])
def test_one_of_many_first_requests_reads_the_hall(
    app: Flask, engine: Engine, stage: Stage, monkeypatch: pytest.MonkeyPatch, cold: bool
) -> None:
    stores, show = opened(app, engine)
    if not cold:
        elsewhere = Intake(stage.stores.settings, engine)
        elsewhere.hall_of(show)
        elsewhere.close()
    calls: list[str] = []
    for module, name in ((cards, "hall_id_of"), (cards, "hall"), (halls, "get_hall"), (cards, "publish_plan")):
        real = getattr(module, name)

        def counted(*arguments: Any, name: str = name, real: Any = real) -> Any:
            calls.append(name)
            return real(*arguments)

        monkeypatch.setattr(module, name, counted)

    assert ask_at_once(stores, [show] * THREADS) == [202] * THREADS

    assert calls == ["hall_id_of", "hall", *(["get_hall", "publish_plan"] if cold else [])]


def test_a_missing_show_is_looked_up_once(app: Flask, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    stores, _ = opened(app, engine, 1_000)

    assert ask_at_once(stores, [4711] * THREADS) == [404] * THREADS
    assert stores.service.intake.halls._of_shows._making == {}


def test_the_halls_that_a_process_remembers_are_bounded(
    app: Flask, engine: Engine, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = Hall.from_plan(0, large_plan(5_000)).size
    monkeypatch.setattr(known_halls, "HALLS_BYTES", 2 * size)
    monkeypatch.setattr(known_halls, "SHOWS", 3)
    stores, first = opened(app, engine, 5_000)
    intake = stores.service.intake
    intake.halls = KnownHalls(intake._rounds, engine)
    shows = [first, *(make_show(engine, plan=large_plan(5_000), prices=PRICES) for _ in range(4))]

    for show in [*shows, *shows]:
        assert ask_at_once(stores, [show]) == [202]

    assert [intake.known_hall(show) is not None for show in shows] == [False, False, False, True, True]
    assert len(intake.halls._of_shows._values) == 3


def test_the_halls_that_a_worker_remembers_are_bounded(
    engine: Engine, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.stores.halls = Recent(2, lambda _: 1)
    read: list[int] = []
    real = load_state.halls.get_hall

    def counted(connection: Any, hall_id: int) -> Any:
        read.append(hall_id)
        return real(connection, hall_id)

    monkeypatch.setattr(load_state.halls, "get_hall", counted)
    shows = [stage.show() for _ in range(3)]
    bookings = []
    for seat in ("A1", "A2"):
        for show in [*shows, shows[-1]]:
            bookings.append(stage.book(show, seat, user=UUID(int=len(bookings) + 1)))
            stage.drain(show)

    assert len(read) == 6
    assert len(stage.stores.halls._values) == 2
    stage.proven()


def test_the_maps_that_an_api_keeps_are_bounded_by_their_bytes(app: Flask, engine: Engine) -> None:
    maps = app.extensions["onsale"].seat_maps._cache
    shows = [make_show(engine, plan=large_plan(2_000), prices=PRICES) for _ in range(3)]
    first = maps.at_least(shows[0], 0)
    maps._maps._most = 2 * (len(first.body) + len(first.gzipped)) + 100

    for show in shows:
        maps.at_least(show, 0)

    assert [maps.kept(show) is not None for show in shows] == [False, True, True]


def test_the_best_seats_of_a_large_hall_are_found_without_reading_every_seat(
    stage: Stage, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading 200,000 rows of free seats would keep the GIL from a worker's other lanes."""
    show = make_show(engine, plan=large_plan(20_000), prices=PRICES)
    stage.publish_card(show)
    named = stage.book(show, "A500")
    stage.drain(show)
    rows: list[int] = []
    real = load_state.seats.owners_of_shows

    def counted(*arguments: Any) -> Any:
        found = real(*arguments)
        rows.append(len(found))
        return found

    monkeypatch.setattr(load_state.seats, "owners_of_shows", counted)
    bookings = []
    for _ in range(2):
        bookings.append(stage.book(show, quantity=2))
        stage.drain(show)

    assert [stage.booking(id_).seats for id_ in bookings] == [("A501", "A502"), ("A498", "A499")]
    assert rows == [1]
    assert stage.booking(named).status is Status.CONFIRMED
    stage.proven()
