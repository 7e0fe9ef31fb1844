"""Nobody fills a line for others: caps of undecided Books per user and show, and limits that the door knows."""

from __future__ import annotations

import itertools
from uuid import UUID, uuid4

import pytest

from core import ids
from core.bookings import Reason
from core.operations import Book
from db import keys, lanes, scripts
from db.lanes import Accepted
from db.scripts import Script
from tests.buyer import Buyer, answered, refused
from tests.stage import Stage
from workers import publish
from workers.batch import run_batch

LANES, USER_CAP, SHOW_CAP = 4, 2, 5
_keys = itertools.count(1)


def ask(stage: Stage, show: int, *seats: str, user: UUID | None = None, key: str = "", quantity: int = 0) -> Accepted:
    """Ask for seats (one of the best, if nothing is named) at a door with small caps."""
    user = user or stage.alice
    operation = Book(
        booking_id=ids.booking_id(b"k" * 32, show, user, key or f"undecided {next(_keys)}"),
        show_id=show,
        user_id=user,
        fingerprint="f",
        seats=seats,
        quantity=quantity or (0 if seats else 1),
    )
    settings = stage.stores.settings
    return lanes.accept(
        stage.stores.rounds,
        operation,
        lanes=LANES,
        cap=settings.lane_cap,
        marker_ms=settings.marker_ms,
        user_cap=USER_CAP,
        show_cap=SHOW_CAP,
    )


def counts(stage: Stage, show: int) -> dict[str, str]:
    """What the door has counted of a show."""
    return stage.stores.client.hgetall(keys.undecided(show % LANES, show))


# -- undecided Books ------------------------------------------------------------------------------------


def test_one_user_has_so_many_undecided_books_of_a_show_and_no_more(stage: Stage) -> None:
    show, other = stage.show(), stage.show()
    assert [ask(stage, show).code for _ in range(4)] == ["ACCEPTED", "ACCEPTED", "TOO_MANY", "TOO_MANY"]
    assert ask(stage, other).code == "ACCEPTED", "another show"
    assert ask(stage, show, user=stage.bob).code == "ACCEPTED", "another user"

    stage.drain()

    assert counts(stage, show) == counts(stage, other) == {}
    assert [ask(stage, show).code for _ in range(3)] == ["ACCEPTED", "ACCEPTED", "TOO_MANY"]


def test_what_is_decided_is_given_back_one_by_one(stage: Stage) -> None:
    show = stage.show()
    stage.limit(batch=1)
    first, second = ask(stage, show), ask(stage, show)
    assert (first.code, second.code) == ("ACCEPTED", "ACCEPTED")

    assert stage.drain(show) == 1

    assert counts(stage, show) == {str(stage.alice): "1 2", "all": "1 2"}
    assert [ask(stage, show).code for _ in range(2)] == ["ACCEPTED", "TOO_MANY"]


def test_a_repeated_key_is_found_though_there_are_too_many(stage: Stage) -> None:
    show = stage.show()
    ask(stage, show, key="mine")
    ask(stage, show)

    assert ask(stage, show, key="mine").code == "SAME"
    assert ask(stage, show).code == "TOO_MANY"
    assert counts(stage, show)[str(stage.alice)] == "2 2"


def test_one_show_leaves_room_in_its_lane(stage: Stage) -> None:
    hot = stage.show()
    mates = [stage.show() for _ in range(LANES)]
    assert mates[-1] % LANES == hot % LANES
    for _ in range(SHOW_CAP):
        assert ask(stage, hot, user=uuid4()).code == "ACCEPTED"

    full = ask(stage, hot, user=uuid4())

    assert (full.code, full.meter.waiting) == ("SHOW_FULL", SHOW_CAP)
    assert ask(stage, mates[-1], user=uuid4()).code == "ACCEPTED"
    stage.drain(hot)
    assert ask(stage, hot, user=uuid4()).code == "ACCEPTED"


def test_confirms_and_cancels_are_not_counted(stage: Stage) -> None:
    show = stage.show()
    held = stage.book(show, "A1", hold=True)
    stage.drain()

    ask(stage, show)
    ask(stage, show)

    assert stage.confirm(held).code == stage.cancel(held).code == "ACCEPTED"


# -- counts that would be wrong for ever ----------------------------------------------------------------


def test_entries_that_are_lost_lock_nobody_out(stage: Stage) -> None:
    """An operator deletes them by hand: nothing gives them back."""
    show = stage.show()
    lost = [ask(stage, show), ask(stage, show)]
    client, lane = stage.stores.client, keys.lane(show % LANES)
    client.xdel(lane, *(each.entry_id for each in lost))
    assert ask(stage, show).code == "TOO_MANY"

    ask(stage, show, user=stage.bob)
    stage.drain(show)

    assert ask(stage, show).code == "ACCEPTED"
    assert counts(stage, show)[str(stage.alice)] == counts(stage, show)["all"] == "1 4"


def test_entries_that_cannot_be_read_lock_nobody_out(stage: Stage) -> None:
    show = stage.show()
    client, lane = stage.stores.client, keys.lane(show % LANES)
    for _ in range(USER_CAP):
        entry_id = ask(stage, show).entry_id
        ticket = client.xrange(lane, entry_id, entry_id)[0][1]["t"]
        client.xdel(lane, entry_id)
        client.xadd(lane, {"o": "not JSON", "t": ticket})

    assert ask(stage, show).code == "TOO_MANY"
    stage.drain(show)

    assert ask(stage, show).code == "ACCEPTED"


def test_a_batch_that_is_published_twice_gives_back_once(stage: Stage) -> None:
    show = stage.show()
    stage.limit(batch=1)
    ask(stage, show)
    ask(stage, show)
    late = run_batch(stage.stores, show % LANES, 1)
    assert late is not None
    assert stage.drain(show) == 0, "found decided, and published"
    before = counts(stage, show)

    client = stage.stores.client
    client.set(keys.marker(show % LANES), "late")
    publish.publish(stage.stores, late, "late", None)

    assert counts(stage, show) == before == {str(stage.alice): "1 2", "all": "1 2"}


def test_counts_leave_redis_by_themselves(stage: Stage) -> None:
    show = stage.show()
    ask(stage, show)

    assert 0 < stage.stores.client.pttl(keys.undecided(show % LANES, show)) <= 600_000


def test_a_redis_that_lives_anew_counts_anew(stage: Stage) -> None:
    show = stage.show()
    ask(stage, show)
    ask(stage, show)
    old = run_batch(stage.stores, show % LANES, 10)
    assert old is not None
    stage.stores.client.flushdb()
    stage.publish_card(show)
    ask(stage, show)

    publish.publish(stage.stores, old, "old", None)

    assert counts(stage, show) == {str(stage.alice): "1 1", "all": "1 1"}


def test_without_give_backs_a_user_would_wait_for_his_last_one(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control of the test that they are given back one by one."""
    careless = scripts.FINISH.source.replace("rest <= 0 or", "false or").replace("numbers[i] or 0", "0 or 0")
    assert careless != scripts.FINISH.source
    monkeypatch.setattr(scripts, "FINISH", Script(careless, stage.stores.client.script_load(careless)))
    show = stage.show()
    stage.limit(batch=1)
    ask(stage, show)
    ask(stage, show)

    stage.drain(show)

    assert ask(stage, show).code == "TOO_MANY"
    stage.drain(show)
    assert ask(stage, show).code == "ACCEPTED"


# -- limits that the lane has told ----------------------------------------------------------------------


def limited(stage: Stage, *, hold: bool = False, **settings: int) -> tuple[int, UUID]:
    """A show at which alice has all she may, and has been told so by the lane; her booking."""
    show = stage.show(rows=4, seats_per_user=2, **settings)
    booking = stage.book(show, "A1", "A2", hold=hold)
    failed = stage.book(show, "B1")
    stage.drain(show)
    assert stage.booking(failed).reason is Reason.LIMIT_REACHED
    return show, booking


def test_the_door_refuses_what_the_lane_has_said_is_too_much(stage: Stage) -> None:
    show, _ = limited(stage)
    before = stage.stores.client.xlen(keys.lane(show % LANES))

    assert ask(stage, show, "B2").code == "LIMIT_REACHED"
    assert ask(stage, show, quantity=1).code == "LIMIT_REACHED"
    assert stage.stores.client.xlen(keys.lane(show % LANES)) == before
    assert ask(stage, show, "B2", user=stage.bob).code == "ACCEPTED"


def test_who_may_take_one_more_seat_may_ask_for_one(stage: Stage) -> None:
    show = stage.show(seats_per_user=3)
    stage.book(show, "A1", "A2")
    stage.book(show, "B1", "B2")
    stage.drain(show)

    assert ask(stage, show, "B1", "B2").code == "LIMIT_REACHED"
    assert ask(stage, show, quantity=2).code == "LIMIT_REACHED"
    assert ask(stage, show, "B1").code == "ACCEPTED"


def test_a_cancel_opens_the_door_at_once(stage: Stage) -> None:
    show, booking = limited(stage)
    stage.cancel(booking)

    again = ask(stage, show, "B2")

    assert again.code == "ACCEPTED", "it stands behind the cancel"
    stage.drain(show)
    assert stage.seats(show)["B2"][0] == "SOLD"


def test_a_cancel_whose_batch_ends_later_opens_the_door(stage: Stage) -> None:
    show, booking = limited(stage)
    client = stage.stores.client
    belief = client.hget(keys.undecided(show % LANES, show), f"!{stage.alice}")
    stage.cancel(booking)
    client.hset(keys.undecided(show % LANES, show), f"!{stage.alice}", belief or "")  # of a batch in between

    stage.drain(show)

    assert ask(stage, show, "B2").code == "ACCEPTED"


def test_a_hold_that_ends_opens_the_door(stage: Stage) -> None:
    show, _ = limited(stage, hold=True, hold_ms=60_000)
    assert ask(stage, show, "B2").code == "LIMIT_REACHED"
    stage.let_holds_lapse(show)
    stage.expire(show)
    stage.drain(show)

    assert ask(stage, show, "B2").code == "ACCEPTED"


def test_a_limit_is_believed_until_the_first_hold_ends_and_for_ten_seconds_at_the_most(stage: Stage) -> None:
    short, _ = limited(stage, hold=True, hold_ms=1)
    assert ask(stage, short, "B2").code == "ACCEPTED", "the hold has lapsed, and nobody has decided anything"

    show, _ = limited(stage)
    seconds, micros = stage.stores.client.time()
    until_ms = int(counts(stage, show)[f"!{stage.alice}"].split()[0])
    assert 0 < until_ms - (seconds * 1000 + micros // 1000) <= 10_000


def test_another_limit_of_the_show_opens_the_door(stage: Stage) -> None:
    show, _ = limited(stage)
    stage.change(show, seats_per_user=4)
    stage.drain(show)

    assert ask(stage, show, "B2").code == "ACCEPTED"


def test_a_refusal_for_the_limit_is_remembered_like_others(stage: Stage) -> None:
    """Final statuses of the show may have left Redis: an outcome of this key may stand in Postgres."""
    show, _ = limited(stage)
    client = stage.stores.client
    assert not ask(stage, show, "B2").forgotten
    client.hset(keys.card(show % LANES, show), "forgets_at", 1)

    assert ask(stage, show, "B2").forgotten
    ask(stage, show, "B2", user=stage.bob)
    ask(stage, show, "B3", user=stage.bob)
    assert not ask(stage, show, "B4", user=stage.bob).forgotten, "too many: it comes again"


# -- as a client sees them ------------------------------------------------------------------------------


def test_a_client_is_told_which_and_when_to_come_again(stage: Stage, alice: Buyer, bob: Buyer) -> None:
    show = stage.show(rows=4, seats_per_user=1)
    for number in range(4):
        answered(alice.book(show, f"A{number + 1}"), 202)

    response = alice.book(show, "A5", key="later")

    refused(response, 429, "too_many_undecided")
    assert int(response.headers["Retry-After"]) >= 1
    answered(bob.book(show, "B1"), 202)
    stage.drain(show)
    response = alice.book(show, "A5", key="later")
    refused(response, 409, "limit_reached")
    assert "Retry-After" not in response.headers
