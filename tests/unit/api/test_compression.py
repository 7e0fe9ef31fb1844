"""gzip: for large answers to clients that accept it; never for bookings, HEAD, or answers without a body."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.app import create_app
from api.assembly import open_backend
from api.web import compression
from api.web.compression import twofold, wants_gzip
from proof.kit.environment import offline_settings

LARGE = json.dumps({"rows": ["a seat"] * 1_000}).encode()
SMALL = b"x" * compression.SMALLEST


@pytest.fixture
def app() -> Flask:
    settings = offline_settings()
    return create_app(settings, open_backend(settings))


def get(
    app: Flask, view: Callable[[], Any], accepts: str = "gzip", path: str = "/sample", **how: Any
) -> TestResponse:
    """Return the answer of a view at a path."""
    app.add_url_rule(path, view_func=view, methods=["GET", "POST"])
    return app.test_client().open(path, headers={"Accept-Encoding": accepts, **how.pop("headers", {})}, **how)


@pytest.mark.parametrize(
    ("accepted", "wanted"),
    [("gzip", True), ("GZIP", True), ("gzip, deflate, br, zstd", True), ("*", True), ("gzip;q=0.5", True),
     ("br;q=1, gzip;q=0.1", True), ("gzip;q=0.5, identity;q=0.5", True), (None, False), ("", False), ("br", False),
     ("gzip;q=0", False), ("*;q=0", False), ("identity", False), ("gzip;q=0.3, identity;q=0.9", False),
      ("gzip;q=0, *", False), ("gzip," + "x" * 200, False)],
)  # fmt: skip
def test_accept_encoding_is_parsed(accepted: str | None, wanted: bool) -> None:
    assert wants_gzip(accepted) is wanted


@pytest.mark.parametrize(
    "media_type",
    ["application/json", "text/html; charset=utf-8", "text/javascript", "text/css", "application/problem+json"],
)
def test_a_large_answer_is_compressed(app: Flask, media_type: str) -> None:
    response = get(app, lambda: Response(LARGE, content_type=media_type, headers={"ETag": '"5"'}))

    assert (response.headers["Content-Encoding"], response.headers["Vary"]) == ("gzip", "Accept-Encoding")
    assert gzip.decompress(response.data) == LARGE
    assert int(response.headers["Content-Length"]) == len(response.data) < len(LARGE) / 10
    assert response.headers["ETag"] == 'W/"5"'


def test_a_client_without_gzip_gets_the_plain_form_and_vary(app: Flask) -> None:
    response = get(app, lambda: Response(LARGE, content_type="application/json", headers={"ETag": '"5"'}), "identity")

    assert "Content-Encoding" not in response.headers
    assert (response.data, response.headers["ETag"], response.headers["Vary"]) == (LARGE, '"5"', "Accept-Encoding")


@pytest.mark.parametrize(
    ("view", "how"),
    [
        (lambda: Response(SMALL, content_type="application/json"), {}),
        (lambda: Response(LARGE, content_type="image/png"), {}),
        (lambda: Response(LARGE, content_type="application/json"), {"path": "/api/bookings/sample"}),
        (lambda: Response(LARGE, content_type="application/json"), {"method": "POST"}),
        (lambda: Response(status=304, headers={"ETag": '"5"'}), {}),
        (lambda: Response((LARGE for _ in "ab"), content_type="application/json"), {}),
    ],
    ids=["small", "image", "booking", "write", "304", "stream"],
)
def test_all_other_answers_are_not_compressed(app: Flask, view: Callable[[], Any], how: dict[str, Any]) -> None:
    response = get(app, view, **how)

    assert "Content-Encoding" not in response.headers
    assert "Vary" not in response.headers
    assert response.headers.get("ETag", '"5"') == '"5"'


def test_a_head_has_no_body_and_varies_as_its_get_does(app: Flask) -> None:
    response = get(app, lambda: Response(LARGE, content_type="application/json"), method="HEAD")

    assert (response.data, response.headers["Vary"]) == (b"", "Accept-Encoding")
    assert "Content-Encoding" not in response.headers


def test_a_compressed_body_is_not_compressed_again(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    ready = twofold(LARGE)
    monkeypatch.setattr(compression, "compressed", None)

    def view() -> Response:
        return compression.respond(ready, "application/json", etag="5")

    packed = get(app, view)
    plain = app.test_client().get("/sample")
    same = [app.test_client().get("/sample", headers={"If-None-Match": tag}) for tag in ('"5"', 'W/"5"')]

    assert (packed.data, packed.headers["ETag"]) == (ready.gzipped, 'W/"5"')
    assert (plain.data, plain.headers["ETag"]) == (LARGE, '"5"')
    assert {(each.status_code, each.data) for each in same} == {(304, b"")}
    assert {each.headers["Vary"] for each in (packed, plain, *same)} == {"Accept-Encoding"}


@pytest.mark.parametrize("path", ["/openapi.json", "/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css"])
def test_the_documentation_is_compressed_once(app: Flask, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    client: FlaskClient = app.test_client()
    plain = client.get(path)
    with monkeypatch.context() as patch:
        patch.setattr("gzip.compress", None)
        packed = client.get(path, headers={"Accept-Encoding": "gzip"})

    assert gzip.decompress(packed.data) == plain.data
    assert len(packed.data) < len(plain.data) / 3
    assert "Accept-Encoding" in packed.headers["Vary"]
