"""Large seat maps: compressed when they are built, once per version, and sent to clients that accept gzip."""

from __future__ import annotations

import gzip

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from api.catalogue.seat_map_cache import SeatMapCache
from tests.support.factories import make_show, sell

LARGE_PLAN = {
    "rows": [{"label": label, "blocks": [{"first": 1, "last": 20, "category": "standard"}]} for label in "ABC"]
}


def test_a_large_map_is_compressed_once_a_version(
    app: Flask, client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.catalogue.seat_maps.BELIEVED_S", -1.0)  # these seats are sold without a card in Redis
    made: list[int] = []
    compress = gzip.compress
    monkeypatch.setattr(
        gzip, "compress", lambda body, *how, **more: made.append(len(body)) or compress(body, *how, **more)
    )
    show_id = make_show(engine, plan=LARGE_PLAN, prices={"standard": 1200})
    path, wanted = f"/api/shows/{show_id}/seats", {"Accept-Encoding": "gzip"}
    plain, packed = client.get(path), client.get(path, headers=wanted)
    again = client.get(path, headers={**wanted, "If-None-Match": packed.headers["ETag"]})
    head = client.head(path, headers=wanted)
    sell(engine, show_id, "A1")
    changed = client.get(path, headers={**wanted, "If-None-Match": packed.headers["ETag"]})

    assert (packed.headers["Content-Encoding"], packed.headers["ETag"]) == ("gzip", 'W/"1"')
    assert gzip.decompress(packed.data) == plain.data
    assert (plain.headers["ETag"], plain.headers.get("Content-Encoding")) == ('"1"', None)
    assert (again.status_code, again.headers["ETag"]) == (304, 'W/"1"')
    assert (head.status_code, head.headers.get("Content-Encoding"), head.data) == (200, None, b"")
    assert changed.headers["ETag"] == 'W/"2"'
    assert {each.headers["Vary"] for each in (plain, packed, again, head, changed)} == {"Accept-Encoding"}
    assert made == [len(plain.data), len(gzip.decompress(changed.data))]


def test_both_forms_of_a_map_count_against_the_limit(engine: Engine) -> None:
    maps = SeatMapCache(engine)
    made = maps.at_least(make_show(engine, plan=LARGE_PLAN, prices={"standard": 1200}), 1)

    assert made.gzipped
    assert maps._maps._weight == len(made.body) + len(made.gzipped)
