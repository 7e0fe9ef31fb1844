"""The hooks around every request: ids, headers, log lines, CORS, proxies."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import structlog
from flask import Flask, request
from flask.testing import FlaskClient

from api.web import hooks
from api.web.headers import HSTS
from core.settings import Settings
from proof.kit.environment import offline_settings
from tests.support.factories import headers_of
from tests.support.paths import filled

Apps = Callable[..., Flask]


@pytest.fixture
def app_with(make_app: Callable[[Settings], Flask]) -> Apps:
    """Applications with other settings, whose servers are unavailable."""
    return lambda **environment: make_app(offline_settings(**environment))


@pytest.fixture
def client(app_with: Apps) -> FlaskClient:
    return app_with(CORS_ORIGIN="https://shop.example,https://desk.example").test_client()


def test_a_well_formed_request_id_is_echoed(client: FlaskClient) -> None:
    response = client.get("/healthz", headers={"X-Request-Id": "client-7_a.b"})

    assert response.headers["X-Request-Id"] == "client-7_a.b"


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "a;b", "\u00e9"])
def test_any_other_request_id_is_replaced(client: FlaskClient, given: str) -> None:
    made = client.get("/healthz", headers={"X-Request-Id": given}).headers["X-Request-Id"]

    assert made != given
    assert hooks.REQUEST_ID.fullmatch(made)


def test_every_answer_has_security_headers(client: FlaskClient) -> None:
    for path in ("/healthz", "/nowhere"):
        headers = client.get(path).headers

        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"


def test_changes_are_logged_and_reads_are_not(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    with structlog.testing.capture_logs() as lines:
        monkeypatch.setattr(hooks, "log", structlog.get_logger())
        client.get("/healthz")
        client.post("/nowhere/%0Aforged=1")

    (line,) = [line for line in lines if line["event"] == "request"]
    assert (line["method"], line["path"], line["status"]) == ("POST", "/nowhere/%0Aforged%3D1", 404)


def test_unknown_methods_share_one_label(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    with structlog.testing.capture_logs() as lines:
        monkeypatch.setattr(hooks, "log", structlog.get_logger())
        client.open("/healthz", method="INVENTED")

    assert lines[-1]["method"] == "other"


def test_a_request_leaves_no_id_on_later_lines(client: FlaskClient) -> None:
    client.get("/healthz", headers={"X-Request-Id": "one"})

    assert structlog.contextvars.get_contextvars() == {}


def test_a_known_origin_may_read_the_headers_it_needs(client: FlaskClient) -> None:
    headers = client.get("/api/health", headers={"Origin": "https://desk.example"}).headers

    assert headers["Access-Control-Allow-Origin"] == "https://desk.example"
    assert "Access-Control-Allow-Credentials" not in headers
    exposed = {name.strip() for name in headers["Access-Control-Expose-Headers"].split(",")}
    assert exposed == {
        *("Location", "Retry-After", "ETag", "X-Request-Id", "RateLimit-Policy", "RateLimit", "Date"),
        "Preference-Applied",
    }


def test_a_preflight_from_a_known_origin_is_answered(client: FlaskClient) -> None:
    headers = client.options(
        "/api/shows",
        headers={
            "Origin": "https://shop.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization, content-type, idempotency-key",
        },
    ).headers

    assert headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert "idempotency-key" in headers["Access-Control-Allow-Headers"].lower()


@pytest.mark.parametrize("asked", ["traceparent", "Baggage", "sentry-trace", "authorization"])
def test_a_setting_allows_further_request_headers(app_with: Apps, asked: str) -> None:
    def allowed(headers: str) -> set[str]:
        client = app_with(CORS_ORIGIN="https://shop.example", CORS_HEADERS=headers).test_client()
        asking = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": asked}
        response = client.options("/api/shows", headers={"Origin": "https://shop.example", **asking})
        return set(response.headers.get("Access-Control-Allow-Headers", "").lower().split(", "))

    assert asked.lower() in allowed("traceparent, baggage,Sentry-Trace")
    assert (asked.lower() in allowed("")) is (asked == "authorization")


@pytest.mark.parametrize(
    ("origins", "origin"),
    [("https://shop.example", "https://evil.example"), ("", "https://shop.example")],
)
def test_other_origins_are_told_nothing(app_with: Apps, origins: str, origin: str) -> None:
    response = app_with(CORS_ORIGIN=origins).test_client().get("/api/health", headers={"Origin": origin})

    assert "Access-Control-Allow-Origin" not in response.headers


@pytest.mark.parametrize("origin", ["https://shop.example", "https://evil.example", None])
@pytest.mark.parametrize("origins", ["https://shop.example", "https://shop.example,https://desk.example"])
def test_no_cache_gives_one_origin_the_answer_to_another(app_with: Apps, origins: str, origin: str | None) -> None:
    client = app_with(CORS_ORIGIN=origins).test_client()
    response = client.get("/api/health", headers={"Origin": origin} if origin else {})

    assert [name.strip() for name in response.headers["Vary"].split(",")].count("Origin") == 1


@pytest.mark.parametrize(
    "origin",
    ["https://shop.example.evil.example", "https://evilshop.example", "http://shop.example", "null", "https://SHOP.example.",
     "https://shop.example:444", "https://shopxexample"],
)  # fmt: skip
def test_a_similar_origin_gets_no_headers(client: FlaskClient, origin: str) -> None:
    response = client.get("/api/health", headers={"Origin": origin})

    assert "Access-Control-Allow-Origin" not in response.headers


def test_only_answers_over_tls_have_hsts(app_with: Apps) -> None:
    client = app_with(TRUSTED_PROXIES="1").test_client()

    secure = client.get("/healthz", headers={"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.1"})
    plain = client.get("/healthz")
    untrusted = app_with().test_client().get("/healthz", headers={"X-Forwarded-Proto": "https"})

    assert secure.headers["Strict-Transport-Security"] == HSTS
    assert "Strict-Transport-Security" not in plain.headers
    assert "Strict-Transport-Security" not in untrusted.headers


def test_every_page_has_a_content_security_policy_and_no_inline_script(client: FlaskClient) -> None:
    for path in ("/docs", "/docs/start.js", "/docs/swagger-ui.css", "/openapi.json", "/nowhere"):
        with client.get(path) as response:
            policy = response.headers["Content-Security-Policy"]

        assert policy.startswith("default-src 'none'")
        assert "frame-ancestors 'none'" in policy
        assert "script-src 'unsafe" not in policy


def test_a_large_body_is_refused_wherever_one_is_read(app_with: Apps) -> None:
    app = app_with(RATE_LIMIT_PER_S="0", LOGINS_PER_ADDRESS="0", LOGINS_PER_ACCOUNT="0")
    client, spec = app.test_client(), app.extensions["onsale-document"]()
    own = headers_of(app, role="user")
    body = b'{"x": "' + b"x" * (256 * 1024 + 10) + b'"}'
    looked = []
    for path, operations in spec["paths"].items():
        for method, operation in operations.items():
            if "requestBody" not in operation:
                continue
            response = client.open(
                filled(path),
                method=method.upper(),
                content_type="application/json",
                headers=own,
                data=body,
            )
            looked.append((method, path, response.status_code))

    assert len(looked) > 8
    # An administrator's role is checked before the body is read.
    assert [one for one in looked if one[2] not in (413, 403)] == []
    assert sum(one[2] == 413 for one in looked) > 4


@pytest.mark.parametrize(("proxies", "seen"), [("0", "127.0.0.1"), ("1", "203.0.113.9"), ("2", "198.51.100.1")])
def test_only_as_many_proxies_are_believed_as_there_are(app_with: Apps, proxies: str, seen: str) -> None:
    app = app_with(TRUSTED_PROXIES=proxies)
    addresses: list[str | None] = []
    app.before_request(lambda: addresses.append(request.remote_addr))

    app.test_client().get("/healthz", headers={"X-Forwarded-For": "192.0.2.1, 198.51.100.1, 203.0.113.9"})

    assert addresses == [seen]
