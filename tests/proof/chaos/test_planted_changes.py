"""The oracle finds planted bugs: wishes, prices, extensions, releases, offers, cancelled shows, the audit log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from api.access import audit
from api.bookings import audited
from core import decide_book, decide_change, decide_waiting
from db.kv import keys
from db.postgres.audit import CHECKS
from proof.chaos.evidence import AUDITED, unrecorded
from proof.chaos.oracle import judge
from tests.proof.chaos.recorded_run import RecordedRun

MINUTE_MS = 60_000
DEARER = {"standard": 1100, "premium": 1600}


def test_wishes_offers_extensions_releases_and_changes_of_shows_break_nothing(run: RecordedRun) -> None:
    show = run.stage.show(rows=2, seats=3, premium=1, hold_extension_ms=MINUTE_MS, offer_ms=MINUTE_MS)
    pair = run.book(show, "A1", "A2", expected_amount_cents=3000)
    waits = run.book(show, "A1", user=run.stage.bob, waiting_list=True)
    wishes: list[dict[str, Any]] = [{"seats": ["A1"]}, {"quantity": 2, "category": "standard", "together": True}]
    wished = run.book(show, wishes=wishes, hold=True)
    leaves = run.book(show, "A2", waiting_list=True)
    run.drain()
    assert (run.look(waits).said["stage"], run.look(wished).said["stage"]) == ("WAITING", "HELD")
    run.cancel(leaves)
    run.extend(wished)
    run.drain()
    run.release(pair, "A1")
    run.release(pair, "A3")
    run.drain()
    run.release(wished, "B1")
    run.change_show(show, prices=DEARER)
    run.change_show(show, state="PAUSED")
    run.change_show(show, state="ON_SALE")
    run.drain()
    late = run.book(show, "B3", expected_amount_cents=1000)
    run.confirm(waits)
    run.confirm(wished)
    run.drain()
    assert run.look(late).said["reason"] == "PRICE_CHANGED"
    assert run.look(wished).said["amount_cents"] == 1000
    run.cancel_show(show)
    run.drain()
    run.stage.expire(show)
    run.drain()

    verdict = run.judged()

    assert run.look(waits).said["reason"] == "SHOW_CANCELLED"
    assert verdict.violations == 0, verdict.examples


def test_every_check_of_the_tables_belongs_to_an_invariant() -> None:
    assert AUDITED.keys() == CHECKS.keys()


# -- wishes, prices, what is kept ---------------------------------------------------------------------------


def choose_by(change: Callable[[Any], Any]) -> Callable[..., Any]:
    """Return a planted choice of seats: for another Book than the requested one."""
    choose = decide_book.choose
    return lambda state, operation, at_ms: choose(state, change(operation), at_ms)


def test_a_price_that_the_buyer_did_not_expect(run: RecordedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    show = run.stage.show()
    run.book(show, "A1", expected_amount_cents=900)
    with monkeypatch.context() as planted:
        blind = choose_by(lambda operation: replace(operation, expected_amount_cents=None))
        planted.setattr(decide_book, "choose", blind)
        run.drain()

    assert run.judged().broken == {"I5", "I6"}


def test_seats_of_another_category_than_wished(run: RecordedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    show = run.stage.show(premium=1)
    run.book(show, wishes=[{"quantity": 1, "category": "standard"}])
    with monkeypatch.context() as planted:
        dearer = choose_by(
            lambda operation: replace(operation, wishes=(replace(operation.wishes[0], category="premium"),))
        )
        planted.setattr(decide_book, "choose", dearer)
        run.drain()

    assert run.judged().broken == {"I5", "I6"}


def test_a_hold_that_is_extended_twice(run: RecordedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    show = run.stage.show(hold_extension_ms=MINUTE_MS)
    held = run.book(show, "A1", hold=True)
    run.drain()
    extend = decide_change.extend

    def once_more(decider: Any, operation: Any) -> None:
        decider.state.bookings[operation.booking_id].extended = False
        extend(decider, operation)

    with monkeypatch.context() as planted:
        planted.setattr(decide_change, "extend", once_more)
        for _ in range(2):
            run.extend(held)
            run.drain()

    assert run.judged(rested=False).broken == {"I5", "I6"}


@pytest.mark.parametrize("bug", ["one seat more", "another amount"])
def test_a_release(run: RecordedRun, monkeypatch: pytest.MonkeyPatch, bug: str) -> None:
    show = run.stage.show()
    booked = run.book(show, "A1", "A2", "A3")
    run.drain()
    release = decide_change._release

    def wrongly(decider: Any, booking: Any, gone: list[str]) -> None:
        if bug == "another amount":
            booking.seat_prices_cents = (1000, 999, 1001)
        release(decider, booking, [*gone, *(["A2"] if bug == "one seat more" else [])])

    with monkeypatch.context() as planted:
        planted.setattr(decide_change, "_release", wrongly)
        run.release(booked, "A1") if bug == "one seat more" else run.release(booked, "A2")
        run.drain()
    assert len(run.look(booked).said["seats"]) == (1 if bug == "one seat more" else 2)

    assert run.judged().broken == {"I5", "I6"}


def test_an_offer_that_lasts_as_long_as_a_hold(run: RecordedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    show = run.stage.show(offer_ms=1_000, hold_ms=MINUTE_MS)
    booked = run.book(show, "A1")
    run.book(show, "A1", user=run.stage.bob, waiting_list=True)
    run.drain()
    hold = decide_waiting.granting.hold
    with monkeypatch.context() as planted:
        planted.setattr(decide_waiting.granting, "hold", lambda *given: hold(*given[:-1], MINUTE_MS))
        run.cancel(booked)
        run.drain()

    assert run.judged(rested=False).broken == {"I5", "I6"}


def test_a_booking_that_is_answered_201_while_it_is_queued(run: RecordedRun) -> None:
    show = run.stage.show()
    run.book(show, "A1").code = 201
    run.drain()

    assert run.judged().broken == {"I4"}


# -- changes of shows ---------------------------------------------------------------------------------------


def test_a_cancelled_show_whose_bookings_stay(run: RecordedRun) -> None:
    show = run.stage.show()
    run.book(show, "A1")
    run.cancel_show(show)
    run.drain()

    assert run.judged().broken == {"I9"}


def test_a_change_that_vanishes_from_its_lane(run: RecordedRun) -> None:
    show = run.stage.show()
    assert run.change_show(show, prices={"standard": 1100}).code == 202
    run.stage.stores.client.xtrim(keys.lane(show % 4), maxlen=0)

    assert run.judged().broken == {"I2"}


def test_a_change_that_nobody_requested(run: RecordedRun) -> None:
    show = run.stage.show()
    run.stage.change(show, state="PAUSED")
    run.drain()

    assert run.judged().broken == {"I5", "I13"}


def test_a_change_that_is_sent_without_its_intent(run: RecordedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    show = run.stage.show()
    with monkeypatch.context() as planted:
        planted.setattr(audited.audit, "intended", lambda *_: 0)
        planted.setattr(audited.audit, "answered", lambda *_: None)
        assert run.change_show(show, state="PAUSED").code == 202
    run.drain()

    assert run.judged().broken == {"I13"}


def test_a_change_whose_answer_is_not_recorded(run: RecordedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    show = run.stage.show()
    with monkeypatch.context() as planted:
        planted.setattr(audit, "answered", lambda *_: None)
        assert run.change_show(show, state="PAUSED").code == 202
    run.drain()
    evidence = run.evidence()

    assert judge(evidence).broken == {"I13"}
    [intent] = [each.id for each in evidence.acts if each.act.outcome == "INTENDED"]
    logged = unrecorded(f"level=error event=act_not_recorded intent_id={intent} outcome=ACCEPTED")
    assert judge(replace(evidence, unrecorded=frozenset(logged))).broken == set()
