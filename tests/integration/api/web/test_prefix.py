"""Behind a proxy that strips a path prefix: the Location of a created resource includes the prefix."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import Engine

from api.app import close, create_app
from api.assembly import open_backend
from core.settings import Settings
from tests.support.factories import PLAN, PRICES, headers_of, make_admin


@pytest.fixture
def behind(settings: Settings) -> Iterator[Flask]:
    changed = replace(settings, trusted_proxies=1)
    app = create_app(changed, open_backend(changed))
    yield app
    close(app)


@pytest.mark.parametrize("prefix", ["", "/shop"])
def test_created_resources_are_found_below_the_prefix(behind: Flask, engine: Engine, prefix: str) -> None:
    client = behind.test_client()
    own = {**headers_of(behind, make_admin(engine), "admin"), "X-Forwarded-Prefix": prefix}
    show = {"movie_id": 1, "hall_id": 1, "starts_at": "2099-01-31T19:30:00.000Z", "prices": PRICES}

    for path, body in (
        ("/api/movies", {"title": "Row Lock", "duration_min": 90}),
        ("/api/halls", {"name": "Studio", "plan": PLAN}),
        ("/api/shows", show),
    ):
        made = client.post(path, json=body, headers=own)
        assert made.status_code == 201, made.data
        assert made.headers["Location"] == f"{prefix}{path}/{made.get_json()['id']}"
        assert client.get(made.headers["Location"].removeprefix(prefix)).get_json()["id"] == made.get_json()["id"]
