"""Caps on undecided bookings per user and per show, so that nobody fills a lane for others."""

from __future__ import annotations

from uuid import uuid4

import pytest

from db.kv import keys, scripts
from db.kv.scripts import Script
from tests.support.caps import LANES, SHOW_CAP, USER_CAP, ask, counts
from tests.support.stage import Stage
from workers import publish
from workers.batch import run_batch

# -- undecided Books ------------------------------------------------------------------------------------


def test_one_user_has_so_many_undecided_books_of_a_show_and_no_more(stage: Stage) -> None:
    show, other = stage.show(), stage.show()
    assert [ask(stage, show).code for _ in range(4)] == ["ACCEPTED", "ACCEPTED", "TOO_MANY", "TOO_MANY"]
    assert ask(stage, other).code == "ACCEPTED", "another show"
    assert ask(stage, show, user=stage.bob).code == "ACCEPTED", "another user"

    stage.drain()

    assert counts(stage, show) == counts(stage, other) == {}
    assert [ask(stage, show).code for _ in range(3)] == ["ACCEPTED", "ACCEPTED", "TOO_MANY"]


def test_decided_bookings_lower_the_counts_one_by_one(stage: Stage) -> None:
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


# -- counts after losses and repetitions ----------------------------------------------------------------


def test_entries_that_are_lost_lock_nobody_out(stage: Stage) -> None:
    """Deleted by hand, they are in no batch that would lower the counts."""
    show = stage.show()
    ask(stage, show, user=stage.bob)
    lost = [ask(stage, show), ask(stage, show)]
    client, lane = stage.stores.client, keys.lane(show % LANES)
    client.xdel(lane, *(each.entry_id for each in lost))
    assert ask(stage, show).code == "TOO_MANY"

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


def test_a_batch_that_is_published_twice_lowers_the_counts_once(stage: Stage) -> None:
    show = stage.show()
    stage.limit(batch=1)
    ask(stage, show)
    ask(stage, show)
    late = run_batch(stage.stores, show % LANES, 1)
    assert late is not None
    assert stage.drain(show) == 0, "found decided, and published"
    before = counts(stage, show)

    client = stage.stores.client
    client.set(keys.lease(show % LANES), "late")
    publish.publish(stage.stores, late, "late", None)

    assert counts(stage, show) == before == {str(stage.alice): "1 2", "all": "1 2"}


def test_counts_have_a_ttl(stage: Stage) -> None:
    show = stage.show()
    ask(stage, show)

    assert 0 < stage.stores.client.pttl(keys.undecided(show % LANES, show)) <= 600_000


def test_counts_start_again_in_a_new_epoch(stage: Stage) -> None:
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


def test_without_lowered_counts_a_user_waits_for_the_last_booking(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control of test_decided_bookings_lower_the_counts_one_by_one."""
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
