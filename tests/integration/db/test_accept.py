"""accept.lua on real Redis: what it accepts, recognises as a repetition, and refuses."""

from __future__ import annotations

from core import ids
from core.bookings import Reason, Status
from core.operations import Book
from db.kv import cards, keys, scripts
from db.kv.admission import AcceptReply
from db.postgres.engine import transaction
from tests.support.stage import Stage
from workers import batch as batches


def test_the_same_key_gives_the_same_booking_and_another_body_is_refused(stage: Stage) -> None:
    show = stage.show()
    booking = stage.book(show, "A1", key="k", body="one")

    assert stage.book(show, "A1", key="k", body="one") == booking
    operation = Book(booking_id=booking, show_id=show, user_id=stage.alice, seats=("A2",), fingerprint="two")
    assert stage.accept(operation).code == "MISMATCH"

    assert stage.drain() == 1
    repeated = stage.accept(
        Book(booking_id=booking, show_id=show, user_id=stage.alice, seats=("A1",), fingerprint="one")
    )
    assert (repeated.code, repeated.status["s"]) == ("SAME", "CONFIRMED")
    stage.proven()


def test_a_repeated_undecided_book_rings_again(stage: Stage) -> None:
    show = stage.show()
    stage.book(show, "A1", key="k", body="one")
    stage.stores.client.delete(keys.lease(show % 4))  # the doorbell was lost, and its lease has lapsed

    operation = Book(
        booking_id=ids.booking_id(b"k" * 32, show, stage.alice, "k"), show_id=show, user_id=stage.alice,
        seats=("A1",), fingerprint="one",
    )  # fmt: skip
    accepted = stage.accept(operation)

    assert (accepted.code, accepted.ring) == ("SAME", True)
    assert stage.stores.client.xlen(keys.lane(show % 4)) == 1


def test_a_pending_confirm_is_not_accepted_twice_and_answers_when_decided(stage: Stage) -> None:
    show = stage.show()
    booking = stage.book(show, "A1", hold=True)
    stage.drain()

    assert stage.confirm(booking).code == "ACCEPTED"
    assert stage.confirm(booking).code == "SAME"
    assert stage.stores.client.xlen(keys.lane(show % 4)) == 1
    stage.drain()

    answer = stage.confirm(booking)
    assert (answer.code, answer.status["s"]) == ("SAME", "CONFIRMED")
    assert "CONFIRM" not in answer.status


def test_nobody_confirms_anothers_booking(stage: Stage) -> None:
    booking = stage.book(stage.show(), "A1", hold=True)
    stage.drain()

    assert stage.confirm(booking, stage.bob).code == "NO_STATUS"


def test_a_sold_out_show_is_refused_by_its_card_and_opens_again_by_itself(stage: Stage) -> None:
    show = stage.show(rows=1, seats=2)
    held = stage.book(show, "A1", "A2", hold=True)
    stage.drain()
    assert book(stage, show).code == "SOLD_OUT"

    stage.cancel(held)
    stage.drain()

    assert book(stage, show).code == "ACCEPTED"


def test_a_sold_out_show_opens_when_its_first_hold_ends(stage: Stage) -> None:
    show = stage.show(rows=1, seats=1, hold_ms=1)
    held = stage.book(show, "A1", hold=True)
    stage.drain()
    until = int(stage.stores.client.hget(keys.card(show % 4, show), "sold_out_until") or 0)

    assert until == stage.booking(held).expires_ms
    # The hold lasted 1 ms, so the show is open again, without the scheduler.
    booking = stage.book(show, "A1", user=stage.bob)
    stage.drain()
    assert stage.booking(booking).status is Status.CONFIRMED
    assert stage.booking(held).reason is Reason.HOLD_EXPIRED
    stage.proven()


def book(stage: Stage, show: int) -> AcceptReply:
    id_ = ids.booking_id(b"k" * 32, show, stage.bob, None)
    return stage.accept(Book(booking_id=id_, show_id=show, user_id=stage.bob, seats=("A1",), fingerprint="f"))


def test_paused_closed_and_not_yet_open_shows_are_refused_by_their_cards(stage: Stage) -> None:
    show = stage.show()
    assert stage.change(show, state="PAUSED").code == "ACCEPTED"
    stage.drain()
    assert book(stage, show).code == "PAUSED"
    stage.change(show, state="CLOSED")
    stage.drain()
    assert book(stage, show).code == "CLOSED"

    later = stage.show(sales_open_ms=1 << 45, sales_close_ms=1 << 46, starts_ms=1 << 46)
    assert book(stage, later).code == "NOT_OPEN"
    assert book(stage, stage.show(sales_close_ms=1, starts_ms=1)).code == "CLOSED"


def test_a_refusal_writes_nothing(stage: Stage) -> None:
    show = stage.show(sales_close_ms=1, starts_ms=1)
    before = set(stage.stores.client.scan_iter())

    book(stage, show)

    assert set(stage.stores.client.scan_iter()) == before


def test_a_full_lane_refuses_bookings_but_still_accepts_confirms(stage: Stage) -> None:
    stage.limit(lane_cap=4)
    show = stage.show()
    held = stage.book(show, "A1", hold=True)
    stage.drain()
    for number in range(2, 6):
        stage.book(show, f"A{number}")

    assert book(stage, show).code == "FULL"
    assert stage.confirm(held).code == "ACCEPTED"
    assert stage.cancel(held).code == "FULL"


def test_a_show_without_a_card_has_its_own_code(stage: Stage) -> None:
    show = stage.show()
    stage.stores.client.delete(keys.card(show % 4, show))

    assert book(stage, show).code == "NO_CARD"


def test_an_old_card_does_not_replace_a_newer_one(stage: Stage) -> None:
    show = stage.show()
    with transaction(stage.stores.engine) as connection:
        row = batches.shows.get(connection, show)
    assert row is not None
    stage.change(show, state="PAUSED")
    stage.drain()

    old = cards.card(row.settings, version=row.version, hall_id=1, sold_out_until_ms=0, forgets_at_ms=0)
    cards.publish(stage.stores.rounds, show, old, 4)

    assert book(stage, show).code == "PAUSED"


def test_a_lane_that_fell_asleep_is_rung_by_the_next_operation(stage: Stage) -> None:
    show = stage.show()
    assert book(stage, show).ring
    assert not book(stage, show).ring
    stage.drain(show)

    assert stage.stores.client.exists(keys.lease(show % 4)) == 0
    assert book(stage, show).ring


def test_scripts_are_loaded_where_redis_does_not_have_them(stage: Stage) -> None:
    show = stage.show()
    stage.stores.client.script_flush()

    booking = stage.book(show, "A1")
    stage.stores.client.script_flush()
    stage.drain(show)

    assert stage.status(booking)["status"] == "CONFIRMED"
    assert set(scripts.BY_SHA) >= {scripts.ACCEPT.sha, scripts.FINISH.sha}
