"""The Lua scripts on fakeredis: quick checks of their rules. tests/integration has the tests on real servers."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID, uuid4

import fakeredis
import pytest
import redis

from core import ids
from core.operations import BOOKING_CHANGES, Book, Cancel, Confirm, Expire, Operation, StreamId
from db.kv import admission, cards, keys, lanes, scripts

SHOW, LANES = 3, 8
USER = uuid4()
OPEN = {"v": 1, "state": "ON_SALE", "opens": 0, "closes": 1 << 50, "sold_out_until": 0, "hall": 1}


@pytest.fixture
def client() -> redis.Redis:
    client = fakeredis.FakeRedis(decode_responses=True)
    client.hset(keys.card(SHOW, SHOW), mapping=OPEN)
    return client


def accept(client: redis.Redis, operation: Operation, cap: int = 100) -> list[Any]:
    command = admission.command(operation, lanes=LANES, cap=cap, lease_ms=2_000, request_id="r")
    count = int(command[2])
    reply: Any = scripts.ACCEPT.run(client, [str(key) for key in command[3 : 3 + count]], list(command[3 + count :]))
    return list(reply)


def book(key: str = "k", fingerprint: str = "f", show: int = SHOW) -> Book:
    id_ = ids.booking_id(b"s" * 32, show, USER, key)
    return Book(booking_id=id_, show_id=show, user_id=USER, seats=("A1",), fingerprint=fingerprint)


def test_tickets_count_up_and_only_the_first_rings(client: redis.Redis) -> None:
    first, second = accept(client, book("1")), accept(client, book("2"))

    assert [first[:2], second[:2]] == [["ACCEPTED", 1], ["ACCEPTED", 0]]
    assert client.hget(keys.meter(SHOW), "ticket") == "2"
    assert first[4] == second[4] != ""


def test_a_repetition_is_found_and_another_body_refused(client: redis.Redis) -> None:
    accept(client, book())

    assert accept(client, book())[0] == "SAME"
    assert accept(client, book(fingerprint="other"))[0] == "MISMATCH"
    assert client.xlen(keys.lane(SHOW)) == 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"state": "PAUSED"}, "PAUSED"), ({"state": "CLOSED"}, "CLOSED"), ({"opens": 1 << 50}, "NOT_OPEN"),
     ({"closes": 1}, "CLOSED"), ({"sold_out_until": cards.NO_END_MS}, "SOLD_OUT")],
)  # fmt: skip
def test_the_card_refuses_and_nothing_is_written(client: redis.Redis, changes: dict[str, Any], code: str) -> None:
    client.hset(keys.card(SHOW, SHOW), mapping=changes)
    before = sorted(client.keys())

    assert accept(client, book())[0] == code
    assert sorted(client.keys()) == before


def test_the_refusal_of_a_show_that_is_not_open_says_when_it_opens(client: redis.Redis) -> None:
    client.hset(keys.card(SHOW, SHOW), "opens", 1 << 50)
    told = [admission.parse(accept(client, book())).status for _ in range(2)]  # the first is to confirm the card

    assert told == [{"stale": "1", "opens": str(1 << 50)}, {"opens": str(1 << 50)}]


def test_a_refusal_says_whether_an_outcome_may_have_been_forgotten(client: redis.Redis) -> None:
    client.hset(keys.card(SHOW, SHOW), mapping={"state": "CLOSED", "forgets_at": 0})
    assert accept(client, book())[2] == 1

    client.hset(keys.card(SHOW, SHOW), "forgets_at", 1 << 50)
    assert accept(client, book())[2] == 0


def test_a_full_lane_never_sends_the_api_to_postgres(client: redis.Redis) -> None:
    client.hset(keys.card(SHOW, SHOW), "forgets_at", 0)

    assert accept(client, book(), cap=0)[:3] == ["FULL", 0, 0]


def test_a_missing_card_or_status_has_its_own_code(client: redis.Redis) -> None:
    missing = UUID(int=SHOW << 96 | 1)

    assert accept(client, book(show=SHOW + LANES))[0] == "NO_CARD"
    assert accept(client, Confirm(booking_id=missing, show_id=SHOW, user_id=USER))[0] == "NO_STATUS"


def test_the_cap_is_higher_for_operations_on_live_holds(client: redis.Redis) -> None:
    operation = book()
    accept(client, operation)
    for number in range(3):
        accept(client, book(str(number)))

    assert accept(client, book("more"), cap=4)[0] == "FULL"
    cancel = Cancel(booking_id=operation.booking_id, show_id=SHOW, user_id=USER)
    assert accept(client, cancel, cap=4)[0] == "ACCEPTED"
    assert accept(client, Expire(show_id=SHOW, limit=1), cap=4)[0] == "FULL"


def test_one_expire_of_a_show_waits_at_a_time(client: redis.Redis) -> None:
    assert [accept(client, Expire(show_id=SHOW, limit=1))[0] for _ in range(3)] == ["ACCEPTED", "SAME", "SAME"]


def test_the_lease_has_one_owner(client: redis.Redis) -> None:
    accept(client, book())
    assert lanes.take(client, SHOW, "mine", 2_000)

    assert not lanes.take(client, SHOW, "yours", 2_000)
    assert not lanes.release(client, SHOW, "yours", 2_000)
    assert lanes.release(client, SHOW, "mine", 2_000)
    assert client.get(keys.lease(SHOW)) == "rung"


def test_peek_reads_the_head_in_order(client: redis.Redis) -> None:
    for number in range(3):
        accept(client, book(str(number)))

    peeked = lanes.peek(client, SHOW, 2)

    assert [ticket for _, ticket, _ in peeked.entries] == [1, 2]
    assert peeked.entries[0][0] < peeked.entries[1][0]
    assert peeked.entries[0][0] > StreamId(0, 0)


@pytest.mark.parametrize("script", [scripts.ACCEPT, scripts.FINISH, scripts.PUT_IF_NEWER])
def test_every_script_knows_the_same_changes_of_a_booking(script: scripts.Script) -> None:
    [declared] = re.findall(r"^local changes = \{(.*?)\}", script.source, re.MULTILINE)

    assert tuple(re.findall(r"[A-Z_]{2,}", declared)) == tuple(kind.value for kind in BOOKING_CHANGES)
