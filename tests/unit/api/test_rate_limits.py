"""Rate limits per user, and the headers that report them."""

from __future__ import annotations

import time
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient

from api.web.rate_limits import Allowance, Rates
from core.operations import Book, Cancel, Confirm
from core.settings import Settings
from proof.kit.environment import offline_settings
from tests.support.factories import headers_of

ALICE, BOB = uuid4(), uuid4()


class Clock:
    """time.monotonic, moved by hand."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    return clock


def test_a_burst_is_allowed_and_then_one_request_per_interval(clock: Clock) -> None:
    rates = Rates(per_s=10, burst=3)

    assert [rates.spend(ALICE).left for _ in range(3)] == [2, 1, 0]
    refused = rates.spend(ALICE)
    assert (refused.allowed, refused.left) == (False, 0)
    assert refused.wait_s == pytest.approx(0.1)

    clock.now += 0.1
    assert rates.spend(ALICE).allowed
    assert not rates.spend(ALICE).allowed


def test_a_refused_request_spends_no_token(clock: Clock) -> None:
    rates = Rates(per_s=1, burst=1)
    assert rates.spend(ALICE).allowed
    for _ in range(100):
        assert not rates.spend(ALICE).allowed

    clock.now += 1

    assert rates.spend(ALICE).allowed


def test_an_allowance_limits_bookings_per_hour_and_changes_to_twice_as_many(clock: Clock) -> None:
    allowance = Allowance(360)
    book = Book(booking_id=uuid4(), show_id=1, user_id=ALICE, fingerprint="f", quantity=1)
    changes = [kind(booking_id=uuid4(), show_id=1, user_id=ALICE) for kind in (Confirm, Cancel)]

    def spent() -> int:
        """Return how many are allowed until one is not."""
        many = 0
        while not allowance.wait_s(book):
            allowance.count(book)
            for change in changes:
                assert not allowance.wait_s(change), "every booking may be confirmed and cancelled"
                allowance.count(change)
            many += 1
        return many

    assert spent() == 360
    assert allowance.wait_s(book) == pytest.approx(10)
    assert allowance.wait_s(changes[0]) > 0
    assert not allowance.wait_s(Book(booking_id=uuid4(), show_id=1, user_id=BOB, fingerprint="f", quantity=1))
    clock.now += 600
    assert spent() == 60


def test_the_allowance_can_be_switched_off(clock: Clock) -> None:
    unlimited = Allowance(0)
    book = Book(booking_id=uuid4(), show_id=1, user_id=ALICE, fingerprint="f", quantity=1)
    for _ in range(1_000):
        unlimited.count(book)

    assert unlimited.wait_s(book) == 0


def test_a_bucket_holds_no_more_than_its_burst(clock: Clock) -> None:
    rates = Rates(per_s=10, burst=3)
    rates.spend(ALICE)

    clock.now += 3_600

    assert sum(rates.spend(ALICE).allowed for _ in range(10)) == 3


def test_each_user_has_a_separate_bucket(clock: Clock) -> None:
    rates = Rates(per_s=1, burst=1)
    rates.spend(ALICE)

    assert rates.spend(BOB).allowed
    assert not rates.spend(ALICE).allowed


def test_over_a_long_time_the_rate_is_kept(clock: Clock) -> None:
    rates = Rates(per_s=5, burst=10)
    let_in = 0
    for _ in range(10_000):
        clock.now += 0.01
        let_in += rates.spend(ALICE).allowed

    assert let_in == pytest.approx(100 * 5 + 10, abs=1)


def test_memory_is_bounded_and_keeps_recent_users(clock: Clock) -> None:
    rates = Rates(per_s=1, burst=1, remembered=10)
    for number in range(1_000):
        rates.spend(UUID(int=number))

    assert len(rates._young) + len(rates._old) <= 20
    assert not rates.spend(UUID(int=999)).allowed


def test_spending_a_token_is_cheap() -> None:
    rates = Rates(per_s=1e9, burst=1_000_000)
    best = min(_seconds_of_1000(rates) for _ in range(20))

    assert best / 1_000 < 10e-6  # under 1 us on an idle machine


def _seconds_of_1000(rates: Rates) -> float:
    begun = time.perf_counter()
    for _ in range(1_000):
        rates.spend(ALICE)
    return time.perf_counter() - begun


Clients = Callable[..., tuple[FlaskClient, dict[str, str]]]


@pytest.fixture
def client_with(make_app: Callable[[Settings], Flask]) -> Clients:
    """Clients of applications with other settings, and Alice's token."""

    def make(**environment: str) -> tuple[FlaskClient, dict[str, str]]:
        app = make_app(offline_settings(**environment))
        app.add_url_rule("/who", view_func=_who)
        return app.test_client(), headers_of(app, ALICE)

    return make


def _who() -> str:
    from api.access.tokens import current_user

    current_user()
    return str(current_user())


def test_an_answer_states_the_policy_and_the_tokens_left(client_with: Clients) -> None:
    client, alice = client_with(RATE_LIMIT_PER_S="2", RATE_LIMIT_BURST="10")

    response = client.get("/who", headers=alice)

    assert response.headers["RateLimit-Policy"] == '"user";q=10;w=5'
    assert response.headers["RateLimit"] == '"user";r=9;t=1'


def test_too_many_are_refused_with_when_to_come_again(client_with: Clients) -> None:
    client, alice = client_with(RATE_LIMIT_PER_S="0.1", RATE_LIMIT_BURST="2")
    codes = [client.get("/who", headers=alice).status_code for _ in range(2)]

    refused = client.get("/who", headers=alice)

    assert codes == [200, 200]
    assert refused.status_code == 429
    assert refused.content_type == "application/problem+json"
    assert refused.get_json(force=True)["code"] == "too_many_requests"
    assert 1 <= int(refused.headers["Retry-After"]) <= 10
    assert refused.headers["RateLimit"].startswith('"user";r=0;t=')


def test_the_limit_can_be_switched_off(client_with: Clients) -> None:
    client, alice = client_with(RATE_LIMIT_PER_S="0", RATE_LIMIT_BURST="1")

    responses = [client.get("/who", headers=alice) for _ in range(5)]

    assert {response.status_code for response in responses} == {200}
    assert "RateLimit" not in responses[0].headers


def test_a_bad_token_has_no_bucket(client_with: Clients) -> None:
    client, _ = client_with()

    response = client.get("/who", headers={"Authorization": "Bearer x"})

    assert response.status_code == 401
    assert "RateLimit" not in response.headers
