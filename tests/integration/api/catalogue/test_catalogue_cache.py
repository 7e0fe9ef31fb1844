"""The catalogue's cache in Redis: seen by all processes, dropped by changes, bounded in age, through outages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from api.web import metrics
from core.errors import RedisUnavailable
from core.settings import Settings
from db.kv import catalogue_pages, keys
from db.kv.catalogue_pages import Kind
from db.kv.rounds import Rounds
from db.postgres.engine import transaction
from proof.kit.waiting import until
from tests.support.buyer import refused
from tests.support.factories import PLAN, PRICES, headers_of, make_admin, make_hall, make_movie, make_show
from tests.support.stage import Stage

MOVIE = {"title": "Barrier", "genre": "drama", "duration_min": 90}
IN_2099 = "2099-01-01T20:00:00Z"
NOWHERE = "127.0.0.1:9"


@pytest.fixture
def admin(app: Flask, engine: Engine) -> dict[str, str]:
    return headers_of(app, make_admin(engine), "admin")


@pytest.fixture
def other(make_app: Callable[[Settings], Flask], settings: Settings) -> FlaskClient:
    """A client of another api process."""
    return make_app(settings).test_client()


@pytest.fixture
def store(redis_url: str) -> Any:
    client = redis.Redis.from_url(redis_url, decode_responses=True)
    yield client
    client.config_set("maxmemory", "0")
    client.close()


@pytest.fixture
def sources(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect where answers came from."""
    seen: list[str] = []
    monkeypatch.setattr(metrics, "catalogue_read", seen.append)
    return seen


def rename(engine: Engine, title: str) -> None:
    """Change all movies without telling the cache, as if a drop had been lost."""
    with transaction(engine) as connection:
        connection.execute(text("UPDATE movies SET title = :title"), {"title": title})


def titles(client: FlaskClient) -> list[str]:
    response = client.get("/api/movies")
    assert response.status_code == 200, response.text
    return [movie["title"] for movie in response.get_json()["movies"]]


def ok(response: Any, status: int) -> Any:
    assert response.status_code == status, response.text
    return response


def test_processes_share_what_one_has_read(
    client: FlaskClient, other: FlaskClient, engine: Engine, sources: list[str]
) -> None:
    movie, show = make_movie(engine), make_show(engine)
    paths = [
        "/api/movies",
        f"/api/movies/{movie}",
        "/api/halls",
        "/api/halls/1",
        "/api/shows?limit=7",
        f"/api/shows/{show}",
    ]
    first = [client.get(path) for path in paths]
    second = [other.get(path) for path in paths]

    assert [ok(each, 200).data for each in first] == [each.data for each in second]
    assert [each.headers["ETag"] for each in first] == [each.headers["ETag"] for each in second]
    # A single show without a card in Redis is always read from Postgres.
    assert sources == ["postgres"] * 6 + ["redis"] * 5 + ["postgres"]


CHANGES: list[tuple[str, str, str, Any]] = [
    ("/api/movies", "POST", "/api/movies", MOVIE),
    ("/api/movies", "PUT", "/api/movies/{movie}", MOVIE),
    ("/api/movies", "DELETE", "/api/movies/{spare}", None),
    ("/api/movies/{movie}", "PUT", "/api/movies/{movie}", MOVIE),
    ("/api/movies/{movie}", "POST", "/api/shows",
     {"movie_id": "{movie}", "hall_id": "{hall}", "starts_at": IN_2099, "prices": PRICES}),
    ("/api/halls", "POST", "/api/halls", {"name": "Attic", "plan": PLAN}),
    ("/api/halls", "POST", "/api/halls/import?name=Kino", b"row,number,category\nA,1,a\n"),
    ("/api/halls", "DELETE", "/api/halls/{hall}", None),
    ("/api/halls", "POST", "/api/shows", {"name": "A talk", "total_seats": 3, "starts_at": IN_2099}),
    ("/api/shows", "POST", "/api/shows", {"name": "A talk", "total_seats": 3, "starts_at": IN_2099}),
    ("/api/shows", "PUT", "/api/movies/{movie}", MOVIE),
    ("/api/shows", "DELETE", "/api/admin/shows/{show}", None),
]  # fmt: skip


@pytest.mark.parametrize(("path", "method", "changed", "body"), CHANGES, ids=lambda value: str(value)[:24])
def test_a_change_in_one_process_is_seen_in_the_other(
    app: Flask, client: FlaskClient, other: FlaskClient, engine: Engine, admin: dict[str, str], path: str,
    method: str, changed: str, body: Any,
) -> None:  # fmt: skip
    names: dict[str, Any] = {"movie": make_movie(engine, "Alpha"), "spare": make_movie(engine, "Beta")}
    names |= {"show": make_show(engine, movie_id=names["movie"]), "hall": make_hall(engine, name="Cellar")}
    path = path.format(**names)
    before = ok(client.get(path), 200).data
    if isinstance(body, dict):
        body = {key: names.get(str(value).strip("{}"), value) for key, value in body.items()}
    more = {"data": body, "content_type": "text/csv"} if isinstance(body, bytes) else {"json": body} if body else {}

    assert other.open(changed.format(**names), method=method, headers=admin, **more).status_code < 300

    if path == "/api/shows":  # a process's own pages remain for a second
        until(lambda: client.get(path).data != before, 2)
    else:
        assert ok(client.get(path), 200).data != before


def test_a_lost_drop_costs_no_more_than_the_ttl(
    make_app: Callable[[Settings], Flask], settings: Settings, engine: Engine, store: redis.Redis
) -> None:
    make_movie(engine, "Old")
    short = make_app(replace(settings, catalogue_cache_s=1)).test_client()
    assert titles(short) == ["Old"]

    rename(engine, "New")
    assert titles(short) == ["Old"]

    pages = list(store.scan_iter(keys.catalogue_page(0).removesuffix("0") + "*"))
    assert len(pages) == 1
    assert 0 < int(store.pttl(pages[0])) <= 1_000
    until(lambda: titles(short) == ["New"], 2)


def test_what_was_read_before_a_change_is_not_kept_after_it(app: Flask, other: FlaskClient) -> None:
    cache, elsewhere = app.extensions["onsale-catalogue"], other.application.extensions["onsale-catalogue"]
    page = catalogue_pages.page(Kind.MOVIES, ("a test",))

    def slow() -> dict[str, Any]:
        elsewhere.changed(Kind.MOVIES)
        return {"read": "before"}

    assert cache.read(page, slow).body == b'{"read":"before"}'
    assert cache.read(page, lambda: {"read": "after"}).body == b'{"read":"after"}'
    assert cache.read(page, lambda: {"read": "never"}).body == b'{"read":"after"}'


def test_a_show_is_current_as_soon_as_an_outcome_is_published(
    stage: Stage, client: FlaskClient, other: FlaskClient, sources: list[str]
) -> None:
    show = stage.show()
    assert client.get(f"/api/shows/{show}").get_json()["free"] == 10
    assert other.get(f"/api/shows/{show}").get_json()["free"] == 10
    listed = other.get("/api/shows").get_json()["shows"]
    assert (sources, listed[0]["free"]) == (["postgres", "redis", "postgres"], 10)

    stage.book(show, "A1", "A2")
    stage.drain(show)

    assert other.get(f"/api/shows/{show}").get_json()["free"] == 8
    until(lambda: client.get("/api/shows").get_json()["shows"][0]["free"] == 8, 2)


def test_while_postgres_is_unavailable_the_cache_serves_what_it_has(
    make_app: Callable[[Settings], Flask], settings: Settings, stage: Stage, client: FlaskClient, sources: list[str]
) -> None:
    show = stage.show()
    paths = ["/api/movies", "/api/halls", "/api/shows", f"/api/shows/{show}"]
    bodies = [client.get(path).data for path in paths]
    stage.book(show, "A1")
    stage.drain(show)  # the kept detail is not current any more, and better than none
    cut_off = make_app(replace(settings, database_url=f"postgresql+psycopg://nobody@{NOWHERE}/none")).test_client()

    assert [ok(cut_off.get(path), 200).data for path in paths] == bodies
    assert sources[-1] == "outage"
    refused(cut_off.get("/api/movies?q=x"), 503, "postgres_unavailable")
    assert sources[4:-1].count("redis") >= 2


def test_while_redis_is_unavailable_postgres_answers(
    make_app: Callable[[Settings], Flask], settings: Settings, engine: Engine, admin: dict[str, str],
    client: FlaskClient, sources: list[str],
) -> None:  # fmt: skip
    make_movie(engine, "Old")
    cut_off = make_app(replace(settings, redis_url=f"redis://{NOWHERE}/0")).test_client()

    assert titles(cut_off) == ["Old"]
    rename(engine, "New")
    assert titles(cut_off) == ["New"]
    assert sources == ["bypass", "bypass"]
    ok(client.delete("/api/admin/caches", headers=admin), 204)
    refused(cut_off.delete("/api/admin/caches", headers=admin), 503, "redis_unavailable")
    with transaction(engine) as connection:
        acts = connection.execute(text("SELECT outcome FROM audit_log WHERE action = 'caches.clear' ORDER BY id"))
        assert [act.outcome for act in acts] == ["INTENDED", "ACCEPTED", "INTENDED", "UNKNOWN"]


def test_a_drop_that_did_not_reach_redis_is_sent_before_the_next_read(
    client: FlaskClient, engine: Engine, admin: dict[str, str], monkeypatch: pytest.MonkeyPatch, app: Flask
) -> None:
    movie = make_movie(engine, "Old")
    assert titles(client) == ["Old"]
    cache = app.extensions["onsale-catalogue"]

    def unavailable(*_: object, **__: object) -> Any:
        raise RedisUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(cache, "_rounds", type("", (Rounds,), {"call": unavailable})("redis://localhost"))
        ok(client.put(f"/api/movies/{movie}", json=MOVIE, headers=admin), 200)
        assert titles(client) == ["Barrier"]

    until(lambda: cache.changed(), 3)  # Redis is asked again
    assert titles(client) == ["Barrier"]


def test_a_full_redis_keeps_nothing_new_and_drops_what_changes(
    client: FlaskClient, other: FlaskClient, engine: Engine, admin: dict[str, str], store: redis.Redis,
    sources: list[str],
) -> None:  # fmt: skip
    movie = make_movie(engine, "Old")
    assert titles(client) == ["Old"]
    store.config_set("maxmemory", "1")

    assert titles(other) == ["Old"]
    assert client.get("/api/halls").status_code == 200
    ok(other.put(f"/api/movies/{movie}", json=MOVIE, headers=admin), 200)
    assert titles(client) == ["Barrier"]
    assert sources == ["postgres", "redis", "bypass", "bypass"]


def test_an_administrator_clears_it(
    client: FlaskClient, other: FlaskClient, engine: Engine, admin: dict[str, str], app: Flask
) -> None:
    make_movie(engine, "Old")
    assert titles(client) == ["Old"]
    rename(engine, "New")
    assert titles(client) == ["Old"]

    refused(client.delete("/api/admin/caches", headers=headers_of(app)), 403, "not_allowed")
    assert titles(other) == ["Old"]
    ok(other.delete("/api/admin/caches", headers=admin), 204)
    ok(other.delete("/api/admin/caches", headers=admin), 204)
    assert titles(client) == ["New"]


def test_without_a_ttl_nothing_is_kept(
    make_app: Callable[[Settings], Flask], settings: Settings, engine: Engine, store: redis.Redis
) -> None:
    make_movie(engine, "Old")
    plain = make_app(replace(settings, catalogue_cache_s=0)).test_client()
    assert titles(plain) == ["Old"]
    rename(engine, "New")
    assert titles(plain) == ["New"]
    assert list(store.scan_iter("{onsale:catalogue}*")) == []
