"""Cards and plans are published to a Redis that was wiped or replaced, before they are requested."""

from __future__ import annotations

import json
from typing import Any

import pytest
from redis.client import Pipeline
from sqlalchemy import Engine, text

from core.errors import PostgresUnavailable
from core.ids import lane_of
from db.kv import keys
from db.postgres.engine import transaction
from proof.kit.shows import HOUR_MS
from proof.kit.waiting import until
from tests.support.factories import make_show
from tests.support.stage import Stage
from workers import republish
from workers.stores import Stores, open_stores


def card_of(stores: Stores, show: int) -> dict[str, str]:
    """Return a show's card without the time when Postgres last confirmed it."""
    found = stores.client.hgetall(keys.card(lane_of(show, stores.settings.lanes), show))
    return {name: value for name, value in found.items() if name != "checked"}


def test_a_wiped_redis_gets_the_cards_of_all_coming_shows_and_the_plans_they_need(
    stage: Stage, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(republish, "CHUNK", 2)
    stores = stage.stores
    shows = [make_show(engine, starts_in_ms=HOUR_MS) for _ in range(5)]
    begun = make_show(engine, starts_in_ms=-HOUR_MS)
    sold, contested = stage.show(rows=1, seats=1), stage.show()
    stage.book(sold, "A1")
    stage.book(contested, "A1")
    stage.drain()
    before = {show: card_of(stores, show) for show in (sold, contested)}
    stores.client.flushdb()

    assert republish.run_once(stores) == 7

    assert card_of(stores, begun) == {}
    for show in shows:
        assert {**card_of(stores, show), "closes": "", "hall": ""} == {
            "v": "1", "state": "ON_SALE", "opens": "0", "closes": "", "sold_out_until": "0", "hall": "",
        }  # fmt: skip
        plan = json.loads(stores.client.get(keys.hall(int(card_of(stores, show)["hall"]))))
        assert plan["rows"][0]["label"] == "A"
    for show, card in before.items():
        # Outcomes may have left Redis, so a refusal checks Postgres first.
        assert card_of(stores, show) == {**card, "forgets_at": "0"}
    assert stores.client.exists(keys.INSTALLATION)
    assert republish.run_once(stores) is None
    assert not stores.client.exists(keys.REPUBLISHING)


def test_a_newer_card_stays_and_gets_a_ttl(stage: Stage, engine: Engine) -> None:
    stores, show = stage.stores, stage.show()
    stage.book(show, "A1")
    stage.drain()
    key = keys.card(lane_of(show, 4), show)
    stores.client.hset(key, "v", "99")

    assert republish.run_once(stores) == 1

    assert card_of(stores, show)["v"] == "99"
    assert HOUR_MS < stores.client.pttl(key) <= 7 * HOUR_MS


def test_a_killed_worker_blocks_the_others_only_until_its_lease_lapses(stage: Stage, engine: Engine) -> None:
    show = make_show(engine)
    stage.stores.client.set(keys.REPUBLISHING, "killed", px=republish.LEASE_MS)
    assert republish.run_once(stage.stores) is None
    assert card_of(stage.stores, show) == {}

    stage.stores.client.pexpire(keys.REPUBLISHING, 1)
    until(lambda: republish.run_once(stage.stores) == 1)

    assert card_of(stage.stores, show)


def test_a_wipe_in_the_moment_of_noting_the_end_is_noticed(
    stage: Stage, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    show, multi = make_show(engine), Pipeline.multi

    def wiped(pipe: Any) -> None:
        stage.stores.client.flushdb()
        multi(pipe)

    with monkeypatch.context() as patch:
        patch.setattr(Pipeline, "multi", wiped)
        assert republish.run_once(stage.stores) is None

    assert republish.run_once(stage.stores) == 1
    assert card_of(stage.stores, show)


@pytest.mark.parametrize("when", ["in the middle", "at the end"])
def test_a_redis_that_is_wiped_during_republishing_gets_everything_again(
    stage: Stage, engine: Engine, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    monkeypatch.setattr(republish, "CHUNK", 1)
    stores, shows = stage.stores, [make_show(engine) for _ in range(3)]
    wanted = iter([1] if when == "in the middle" else [3])
    real, wipe_at = republish.shows.upcoming, next(wanted)
    chunks = []

    def wiped(connection: Any, after: Any, limit: int) -> Any:
        if len(chunks) == wipe_at:
            stores.client.flushdb()
        chunks.append(after)
        return real(connection, after, limit)

    monkeypatch.setattr(republish.shows, "upcoming", wiped)
    assert republish.run_once(stores) is None

    assert republish.run_once(stores) == 3
    assert all(card_of(stores, show) for show in shows)


def test_a_restarted_redis_is_noticed_although_it_has_data(stage: Stage, engine: Engine) -> None:
    """A server restarted from an older file, or a promoted replica, may lack cards and still have REPUBLISHED."""
    stores, show = stage.stores, make_show(engine)
    assert republish.run_once(stores) == 1
    stores.client.delete(keys.card(lane_of(show, 4), show))
    assert republish.run_once(stores) is None

    stores.client.set(keys.REPUBLISHED, "the run_id of an earlier server")

    assert republish.run_once(stores) == 1
    assert card_of(stores, show)


def test_the_thread_continues_after_any_error(stage: Stage, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(republish, "TICK_S", 0.01)
    monkeypatch.setattr(republish, "REST_S", 0.01)
    stores, show = open_stores(stage.stores.settings), make_show(engine)
    errors: list[Exception] = [PostgresUnavailable("unavailable"), ValueError("a bug of ours")]
    real = republish.shows.upcoming

    def troubled(*arguments: Any) -> Any:
        if errors:
            raise errors.pop(0)
        return real(*arguments)

    monkeypatch.setattr(republish.shows, "upcoming", troubled)
    thread = republish.Republisher(stores)
    thread.start()
    until(lambda: card_of(stage.stores, show))
    stage.stores.client.flushdb()
    until(lambda: card_of(stage.stores, show))
    thread.stop()
    stores.close()

    assert not thread.is_alive()


def test_shows_that_start_at_the_same_moment_are_all_found(stage: Stage, engine: Engine, monkeypatch: Any) -> None:
    monkeypatch.setattr(republish, "CHUNK", 2)
    shows = [make_show(engine) for _ in range(5)]
    with transaction(engine) as connection:
        moment = "date_trunc('second', now() + interval '1 hour')"
        connection.execute(
            text(
                f"UPDATE shows SET starts_at = {moment}, settings = jsonb_set(settings, '{{starts_ms}}',"  # noqa: S608
                f" to_jsonb(CAST(extract(epoch FROM {moment}) * 1000 AS bigint)))"
            )
        )

    assert republish.run_once(stage.stores) == len(shows)
