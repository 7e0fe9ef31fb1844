"""A recording replayed against the fake api: each request at its time, each booking counted once."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from core.errors import ConfigurationError
from core.halls import Hall
from ops.rehearse.crowd import Replayed, ReplayPlan, replay
from ops.rehearse.recording import Arrival, Header, Recording
from ops.rush.shows import NoShow, hall_plan
from tests.unit.ops.test_rush_office import SECRET, BoxOffice


class Office(BoxOffice):
    """The fake api of one show with 20 seats, which also cancels, and notes what it was asked, and when."""

    def __init__(self, **faults: Any) -> None:
        super().__init__(**faults)
        self.hall = Hall.from_plan(1, hall_plan(20))
        self.asked: list[tuple[float, str, str]] = []
        #: Of the cancels and releases.
        self.bodies: list[str] = []

    def app(self) -> web.Application:
        app = super().app()
        app.router.add_delete("/api/bookings/{id}", self.cancel)
        app.middlewares.append(self.note)
        return app

    @web.middleware
    async def note(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if request.method != "GET":
            self.asked.append((time.perf_counter(), request.method, self.user(request)))
        answer: web.StreamResponse = await handler(request)
        return answer

    async def cancel(self, request: web.Request) -> web.Response:
        booking = self.find(request)
        self.bodies.append(await request.text())
        if self.faults.get("cannot_cancel"):
            return web.json_response({"code": "broken"}, status=404)
        booking["final"], booking["hold"] = ("CANCELLED", None), False
        return web.json_response(self.status_body(booking), status=202)


def recording(*arrivals: Arrival) -> Recording:
    buyers = len({arrival.buyer for arrival in arrivals if arrival.kind == "BOOK"})
    return Recording(Header(3, 20, len(arrivals), buyers, 2), arrivals)


SALE = recording(
    Arrival(0, "BOOK", 1, 1, {"seats": ["A1", "A2"], "hold": True}, "CONFIRMED"),
    Arrival(20, "BOOK", 2, 2, {"seats": ["A1"]}, "FAILED SEAT_TAKEN"),
    Arrival(60, "BOOK", 3, 2, {"quantity": 1}, "CANCELLED"),
    Arrival(400, "CONFIRM", 1),
    Arrival(480, "CANCEL", 3),
    Arrival(500, "BOOK", 4, 3, {"quantity": 1, "hold": True}, "FAILED HOLD_EXPIRED"),
)


def play(office: Office, sale: Recording = SALE, **changes: Any) -> Replayed:
    async def run() -> Replayed:
        async with TestServer(office.app()) as server:
            wanted: dict[str, Any] = {"show_id": 7, "speed": 1.0, "timeout_s": 20.0, "connections": 8}
            plan = ReplayPlan(
                base_url=str(server.make_url("/")), jwt_secret=SECRET, recording=sale, **(wanted | changes)
            )
            return await replay(plan)

    return asyncio.run(run())


def test_each_booking_has_its_own_course_and_is_counted_once() -> None:
    office = Office()

    done = play(office)

    assert done.outcomes == [
        ("CONFIRMED", "CONFIRMED"),
        ("FAILED SEAT_TAKEN", "FAILED SEAT_TAKEN"),
        ("CANCELLED", "CANCELLED"),
        ("FAILED HOLD_EXPIRED", "HELD"),
    ]
    figures = done.figures
    assert figures.found == []
    assert (figures.buyers, figures.accepted, figures.confirmed, figures.seats_sold) == (4, 4, 1, 2)
    assert figures.failed == {"SEAT_TAKEN": 1, "CANCELLED": 1, "HELD": 1}
    assert (figures.undecided, figures.unanswered, figures.timed_out) == (0, 0, False)
    assert [method for _, method, _ in office.asked] == ["POST", "POST", "POST", "PATCH", "DELETE", "POST"]
    assert len({user for _, _, user in office.asked}) == 3


@pytest.mark.parametrize(
    ("gap_ms", "speed", "least_s", "most_s"), [(300, 1.0, 0.29, 20), (200, 0.5, 0.39, 20), (60_000, 1000.0, 0.05, 20)]
)
def test_the_speed_divides_the_times(gap_ms: int, speed: float, least_s: float, most_s: float) -> None:
    office = Office()
    sale = recording(*(Arrival(at_ms, "BOOK", at_ms + 1, 1, {"quantity": 1}) for at_ms in (0, gap_ms)))

    play(office, sale, speed=speed)

    [first, last] = [at for at, _, _ in office.asked]
    assert least_s <= last - first < most_s


def test_refusals_at_admission_are_outcomes_by_their_code() -> None:
    done = play(Office(closed_after=1))

    assert [replayed for _, replayed in done.outcomes] == ["CONFIRMED", "sold_out", "sold_out", "sold_out"]
    assert done.figures.refused == {"sold_out": 3}
    assert done.figures.unanswered == 0


def test_the_time_limit_ends_it_and_what_is_open_counts_as_undecided() -> None:
    sale = recording(*(Arrival(0, "BOOK", number, number, {"quantity": 1}, "CONFIRMED") for number in (1, 2)))

    done = play(Office(slow=10**9), sale, timeout_s=0.5)

    assert done.figures.timed_out
    assert (done.figures.undecided, [replayed for _, replayed in done.outcomes]) == (2, ["", ""])


@pytest.mark.parametrize(
    ("faults", "says"),
    [
        ({"cannot_cancel": True}, "its CANCEL was answered broken"),
        ({"loses": True}, "its status was answered not_found"),
        ({"sells_twice": True}, "confirmed for two bookings"),
    ],
)
def test_a_broken_rule_is_noticed(faults: dict[str, Any], says: str) -> None:
    twice = (Arrival(600, "BOOK", 5, 4, {"seats": ["A1", "A2"]}), Arrival(620, "BOOK", 6, 5, {"seats": ["A1"]}))

    done = play(Office(**faults), recording(*SALE.arrivals, *twice))

    assert any(says in found for found in done.figures.found)


def test_a_show_that_the_api_does_not_know_gets_no_request() -> None:
    office = Office()

    with pytest.raises(NoShow):
        play(office, show_id=8)

    assert office.asked == []


def test_another_machine_is_refused() -> None:
    wanted: dict[str, Any] = {"jwt_secret": SECRET, "show_id": 7, "recording": SALE, "speed": 1.0, "timeout_s": 1.0}

    with pytest.raises(ConfigurationError, match="--anywhere"):
        ReplayPlan(base_url="http://10.1.2.3:8000", **wanted)
    assert ReplayPlan(base_url="http://10.1.2.3:8000", anywhere=True, **wanted).anywhere
    for wrong in ({"speed": 0.0}, {"timeout_s": 0.0}, {"connections": 0}):
        with pytest.raises(ConfigurationError, match="more than 0"):
            ReplayPlan(base_url="http://127.0.0.1:8000", **(wanted | wrong))


def test_who_got_no_seats_then_and_a_hold_now_confirms_it() -> None:
    late = recording(Arrival(0, "BOOK", 1, 1, {"quantity": 1, "hold": True}, "FAILED SOLD_OUT"))

    assert play(Office(), late).outcomes == [("FAILED SOLD_OUT", "CONFIRMED")]


def test_fields_are_sent_as_recorded_with_their_names_over_http() -> None:
    office = Office()
    bodies = []
    decide = office.decide
    office.decide = lambda body: bodies.append(body) or decide(body)  # type: ignore[method-assign,func-returns-value]
    wish = {"quantity": 2, "category": "standard", "give_up_after_ms": 900}
    sale = recording(
        Arrival(0, "BOOK", 1, 1, {**wish, "waiting": True}),
        Arrival(0, "RELEASE", 1, fields={"seats": ["A1"]}),
        Arrival(0, "CANCEL", 1),
    )

    play(office, sale)

    assert bodies == [{"show_id": 7, **wish, "waiting_list": True}]
    assert office.bodies == ['{"seats": ["A1"]}', ""]
