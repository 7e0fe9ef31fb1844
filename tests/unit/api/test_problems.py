"""Every error is a problem: shape, code, headers, and no internals leak."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from flask import Flask, Response
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.app import MAX_BODY_BYTES
from api.shapes import answers
from api.web import problems
from core.errors import AcceptUnknown, LaneBusy, PostgresUnavailable, RedisUnavailable
from core.plans import BadPlan
from proof.kit.environment import offline_settings
from tests.support.factories import headers_of, opened_app

LOGIN = "/api/auth/login"
BOM = b"\xef\xbb\xbf"


@pytest.fixture
def app() -> Iterator[Flask]:
    with opened_app(offline_settings()) as made:
        yield made


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def problem_of(response: TestResponse) -> dict[str, Any]:
    """Return the problem in a response, checked for its form."""
    assert response.content_type == "application/problem+json"
    body: dict[str, Any] = response.get_json(force=True)
    answers.Problem().load(body)
    assert body["status"] == response.status_code
    assert body["type"] == f"/problems/{body['code']}"
    assert body["request_id"] == response.headers["X-Request-Id"]
    return body


def raising(app: Flask, error: Exception) -> TestResponse:
    """Return what a client gets when a view raises `error`."""

    def view() -> Response:
        raise error

    app.add_url_rule("/raises", view_func=view)
    return app.test_client().get("/raises")


def test_an_unknown_address_is_404(client: FlaskClient) -> None:
    assert problem_of(client.get("/api/nothing"))["code"] == "not_found"


def test_a_number_too_large_for_an_id_is_404(client: FlaskClient) -> None:
    assert client.get("/api/shows/2147483648").status_code == 404


def test_a_wrong_method_is_405_with_the_allowed_ones(client: FlaskClient) -> None:
    response = client.patch("/api/movies")

    assert problem_of(response)["code"] == "method_not_allowed"
    assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}


def test_a_body_not_declared_as_json_is_415(client: FlaskClient) -> None:
    response = client.post(LOGIN, data='{"email": "a"}', content_type="text/plain")

    assert response.status_code == 415
    assert problem_of(response)["code"] == "unsupported_media_type"


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b"NaN", b'{"a": Infinity}', b"[" * 10_000, "{}".encode("utf-16"), b"9" * 5_000]
)
def test_a_body_that_is_not_json_is_400(client: FlaskClient, body: bytes) -> None:
    response = client.post(LOGIN, data=body, content_type="application/json")

    assert response.status_code == 400
    assert problem_of(response)["code"] == "not_json"


def test_a_body_too_large_is_413(client: FlaskClient) -> None:
    response = client.post(LOGIN, data=b" " * (MAX_BODY_BYTES + 1), content_type="application/json")

    assert response.status_code == 413
    assert problem_of(response)["code"] == "body_too_large"


def test_a_chunked_body_is_411_if_the_server_does_not_decode_chunks(client: FlaskClient) -> None:
    response = client.post(LOGIN, headers={"Content-Type": "application/json", "Transfer-Encoding": "chunked"})

    assert response.status_code == 411
    assert problem_of(response)["code"] == "length_required"


@pytest.mark.parametrize(
    "media_type",
    ["application/json", "Application/JSON", "application/json; charset=utf-8", 'APPLICATION/JSON;Charset="UTF-8"',
     "application/json; charset=utf8; profile=x", "application/json;", "application/json ; version=1"],
)  # fmt: skip
def test_a_media_type_may_have_capitals_and_parameters(client: FlaskClient, media_type: str) -> None:
    assert client.post(LOGIN, data=b"{}", content_type=media_type).status_code == 422


@pytest.mark.parametrize(
    "media_type",
    ["application/json; charset=utf-16", "application/json; charset=iso-8859-1", "application/jsonx",
     "application/x-json", "text/json", "", "application/json, text/plain"],
)  # fmt: skip
def test_another_media_type_or_charset_is_415(client: FlaskClient, media_type: str) -> None:
    response = client.post(LOGIN, data=b"{}", content_type=media_type)

    assert response.status_code == 415
    assert problem_of(response)["code"] == "unsupported_media_type"


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate, gzip", "identity, gzip", "x"])
def test_a_compressed_body_is_415_and_told_what_is_read(client: FlaskClient, encoding: str) -> None:
    response = client.post(LOGIN, json={}, headers={"Content-Encoding": encoding})

    assert (response.status_code, response.headers["Accept-Encoding"]) == (415, "identity")
    assert problem_of(response)["code"] == "unsupported_content_encoding"


@pytest.mark.parametrize("encoding", ["identity", "Identity", ""])
def test_a_body_may_say_that_it_is_not_compressed(client: FlaskClient, encoding: str) -> None:
    assert client.post(LOGIN, json={}, headers={"Content-Encoding": encoding}).status_code == 422


def test_a_byte_order_mark_is_skipped_once(client: FlaskClient) -> None:
    marked = [client.post(LOGIN, data=mark + b"{}", content_type="application/json") for mark in (BOM, BOM + BOM)]

    assert [response.status_code for response in marked] == [422, 400]


def test_faults_are_named_by_pointer(client: FlaskClient) -> None:
    body = problem_of(client.post(LOGIN, json={"email": 3, "password": "x", "pass~/word": "x"}))

    assert body["code"] == "invalid_request"
    assert {fault["pointer"] for fault in body["errors"]} == {"/email", "/pass~0~1word"}


def test_faults_of_a_query_are_named_by_parameter(client: FlaskClient) -> None:
    body = problem_of(client.get("/api/shows?limit=0&movie_id=x"))

    assert {fault["parameter"] for fault in body["errors"]} == {"limit", "movie_id"}


QUERIES = ("/api/movies", "/api/halls", "/api/shows", "/api/auth/bookings", "/api/auth/export")
TRACKED = "?_=1&_=2&fbclid=x&fbclid=y&utm_source=a&page=1&%00=%ff"


@pytest.mark.parametrize(
    "path", [*QUERIES, "/api/movies/1", "/api/shows/1", "/api/shows/1/seats", "/api/auth/profile"]
)
def test_an_unknown_parameter_is_ignored(app: Flask, path: str) -> None:
    response = app.test_client().get(path + TRACKED, headers=headers_of(app))

    assert problem_of(response)["code"] == "postgres_unavailable"  # the query was accepted, and Postgres called


@pytest.mark.parametrize("path", QUERIES)
def test_known_parameters_are_validated_next_to_unknown_ones(app: Flask, path: str) -> None:
    client, own = app.test_client(), headers_of(app)
    wrong = problem_of(client.get(f"{path}{TRACKED}&limit=0", headers=own))
    twice = problem_of(client.get(f"{path}{TRACKED}&limit=1&limit=1", headers=own))

    assert [fault["parameter"] for fault in wrong["errors"]] == ["limit"]
    assert twice["errors"] == [{"parameter": "limit", "detail": "Given more than once."}]


def test_a_parameter_given_twice_is_refused(client: FlaskClient) -> None:
    body = problem_of(client.get("/api/movies?limit=1&limit=2"))

    assert body["errors"] == [{"parameter": "limit", "detail": "Given more than once."}]


@pytest.mark.parametrize(
    ("error", "status", "retry_after"),
    [
        (RedisUnavailable("socket /secret/path"), 503, "1"),
        (PostgresUnavailable("password for user secret"), 503, "1"),
        (AcceptUnknown("secret"), 503, None),
        (BadPlan("Row A has no blocks."), 422, None),
        (LaneBusy("secret"), 500, None),
        (ValueError("secret"), 500, None),
        (AssertionError("secret"), 500, None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_error_has_its_status(app: Flask, error: Exception, status: int, retry_after: str | None) -> None:
    response = raising(app, error)

    assert response.status_code == status
    assert response.headers.get("Retry-After") == retry_after
    assert problem_of(response)["code"] == getattr(error, "code", "internal") if status != 500 else "internal"


@pytest.mark.parametrize("error", [RedisUnavailable("secret"), PostgresUnavailable("secret"), KeyError("secret")])
def test_no_text_of_a_failure_reaches_the_client(app: Flask, error: Exception) -> None:
    response = raising(app, error)

    assert "secret" not in response.text
    assert "Traceback" not in response.text


def test_a_refusal_says_what_is_wrong(app: Flask) -> None:
    assert problem_of(raising(app, BadPlan("Row A has no blocks.")))["detail"] == "Row A has no blocks."


def test_a_bug_is_logged_with_its_traceback(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    bug = ZeroDivisionError("a bug")

    with structlog.testing.capture_logs() as lines:
        monkeypatch.setattr(problems, "log", structlog.get_logger())
        raising(app, bug)

    assert [line["exc_info"] for line in lines if line["log_level"] == "error"] == [bug]


def test_a_problem_may_say_more(app: Flask) -> None:
    with app.test_request_context():
        response = problems.problem(
            409, "sold_out", "No seats.", {"Retry-After": "5"}, [{"pointer": "/seats/0", "detail": "x"}], show_id=7
        )

    assert response.status_code == 409
    assert response.headers["Retry-After"] == "5"
    assert response.get_json(force=True)["show_id"] == 7


def test_a_problem_may_echo_a_lone_surrogate(app: Flask) -> None:
    """A client may send one in a member's name, escaped in JSON; UTF-8 cannot encode it."""
    with app.test_request_context():
        response = problems.problem(422, "invalid_request", "No.", errors=[{"pointer": "/\ud800", "detail": "x"}])

    assert response.get_json(force=True)["errors"][0]["pointer"] == "/\ud800"


def test_postgres_unavailable_is_503_quickly(client: FlaskClient) -> None:
    response = client.get("/api/movies")

    assert response.status_code == 503
    assert problem_of(response)["code"] == "postgres_unavailable"
