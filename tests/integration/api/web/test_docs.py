"""The API's description: valid, complete, and served without any other server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from api.web.compression import Twofold
from api.web.docs import FILES
from core.recent import Recent
from proof.kit.environment import offline_settings
from tests.support.factories import opened_app

METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}
PUBLIC_WRITES = {(f"/api/auth/{name}", "post") for name in ("signup", "login", "refresh", "session")}


@pytest.fixture(scope="module")
def described() -> Iterator[Flask]:
    with opened_app(offline_settings()) as app:
        yield app


@pytest.fixture(scope="module")
def behind_proxy() -> Iterator[FlaskClient]:
    with opened_app(offline_settings(TRUSTED_PROXIES="1")) as app:
        yield app.test_client()


@pytest.fixture
def client(described: Flask) -> FlaskClient:
    return described.test_client()


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    body: dict[str, Any] = client.get("/openapi.json").get_json()
    return body


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every (path, method, operation)."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method.upper() in METHODS:
                yield path, method, operation


def test_the_document_is_valid_openapi(document: dict[str, Any]) -> None:
    validate(document)
    assert document["openapi"].startswith("3.1")


def test_the_document_is_valid_by_its_own_schema(document: dict[str, Any]) -> None:
    told = document["paths"]["/openapi.json"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]

    assert Draft202012Validator(told).is_valid(document)


def test_every_route_is_described_and_nothing_else(described: Flask, document: dict[str, Any]) -> None:
    routes = {
        (re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule), method)
        for rule in described.url_map.iter_rules()
        for method in (rule.methods or set()) & METHODS
    }

    assert {(path, method.upper()) for path, method, _ in operations(document)} == routes


def test_every_operation_has_a_name_of_its_own_and_a_summary(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]

    assert len(set(names)) == len(names)
    assert all(operation["summary"] for _, _, operation in operations(document))


def test_every_error_is_described_as_a_problem(document: dict[str, Any]) -> None:
    used = {
        response["$ref"].rsplit("/", 1)[1]
        for _, _, operation in operations(document)
        for response in operation["responses"].values()
        if "$ref" in response
    }

    for name in used:
        assert list(document["components"]["responses"][name]["content"]) == ["application/problem+json"]


def test_every_change_needs_a_token_except_to_get_one(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        if method != "get" and (path, method) not in PUBLIC_WRITES:
            assert operation["security"] == [{"bearer": []}], path
            assert "401" in operation["responses"], path
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"


def test_the_document_states_that_unknown_fields_are_refused(document: dict[str, Any]) -> None:
    for name, schema in document["components"]["schemas"].items():
        if name not in ("Problem", "PaginationMetadata"):
            assert schema["additionalProperties"] is False, name


def test_the_document_states_the_rules_of_bodies(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    booking = Draft202012Validator(schemas["BookingRequest"])
    for good in ({"quantity": 1}, {"quantity": 1, "category": "a"}, {"seats": ["A1"], "give_up_after_ms": 1}):
        assert booking.is_valid({"show_id": 1, **good}), good
    twice = {"seats": ["A1", "A1"]}
    for bad in (
        {},
        twice,
        {"seats": ["A1"], "quantity": 1},
        {"seats": ["A1"], "category": "a"},
        {"seats": ["A1"], "quantity": 1, "category": "a"},
        {"category": "a"},
        {"quantity": 1, "give_up_after_ms": 0},
    ):
        assert not booking.is_valid({"show_id": 1, **bad}), bad
    change = Draft202012Validator(schemas["ShowChange"])
    assert change.is_valid({"prices": {"standard": 0}})
    for bad in ({}, {"prices": {}}, {"prices": {"Standard": 1}}, {"prices": {"standard": -1}}):
        assert not change.is_valid(bad), bad


def test_links_lead_from_fields_of_answers_to_parameters(document: dict[str, Any]) -> None:
    targets = {operation["operationId"]: (path, operation) for path, _, operation in operations(document)}
    sources = set()
    for _, _, operation in operations(document):
        for response in operation["responses"].values():
            for link in response.get("links", {}).values():
                shape = response["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
                told = set(document["components"]["schemas"][shape]["required"])
                taken = {**link.get("parameters", {}), **link.get("requestBody", {})}
                assert {value.removeprefix("$response.body#/") for value in taken.values()} <= told
                assert taken.keys() <= asked(document, *targets[link["operationId"]]), link
                sources.add(operation["operationId"])

    assert sources >= {"create", "create_movie", "create_hall", "create_show", "signup", "login", "refresh"}


def asked(document: dict[str, Any], path: str, operation: dict[str, Any]) -> set[str]:
    """Return the names of an operation's parameters and of its body's fields."""
    found = {
        each["name"] for each in (*operation.get("parameters", ()), *document["paths"][path].get("parameters", ()))
    }
    if "requestBody" in operation:
        shape = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        found |= document["components"]["schemas"][shape]["properties"].keys()
    return found


def test_patterns_end_as_in_ecmascript(document: dict[str, Any]) -> None:
    assert r"\Z" not in str(document).replace(r"\\", "\\")
    assert document["components"]["schemas"]["PlanRow"]["properties"]["label"]["pattern"] == "^[A-Z0-9]{1,6}$"


def test_the_documented_key_matches_the_parser(document: dict[str, Any]) -> None:
    parameters = document["paths"]["/api/bookings"]["post"]["parameters"]
    key = Draft202012Validator(next(each["schema"] for each in parameters if each.get("name") == "Idempotency-Key"))
    assert key.is_valid("a key of 20 letters.")
    assert not any(key.is_valid(bad) for bad in ("", "\u00e9", "a\tb", "k" * 256))


def test_numbers_in_a_query_have_no_sign(document: dict[str, Any]) -> None:
    parameters = document["paths"]["/api/bookings/{booking_id}"]["get"]["parameters"]
    wait = next(each["schema"] for each in parameters if each.get("name") == "wait")
    assert (wait["minimum"], wait["maximum"]) == (0, 3_600)


@pytest.mark.parametrize("prefix", ["", "/shop", "/a/b"])
@pytest.mark.parametrize("path", ["/docs", "/docs/"])
def test_the_page_loads_nothing_from_other_servers(behind_proxy: FlaskClient, path: str, prefix: str) -> None:
    """Nor from above its prefix, which the proxy strips from the path and states in a header."""

    def ask(address: str) -> Any:
        assert address.startswith(prefix + "/")
        return behind_proxy.get(address.removeprefix(prefix), headers={"X-Forwarded-Prefix": prefix})

    page = ask(prefix + path)

    assert page.content_type == "text/html; charset=utf-8"
    assert "//" not in page.text.replace("<!doctype html>", "")
    assert "script-src 'self';" in page.headers["Content-Security-Policy"]
    addresses = [urljoin(prefix + path, each) for each in re.findall(r'(?:src|href)="([^"]+)"', page.text)]
    for address in addresses:
        answer = ask(address)
        assert answer.status_code == 200, address
        assert answer.headers["Cache-Control"] == "public, max-age=3600"
    [script] = [address for address in addresses if address.endswith("/start.js")]
    [document] = re.findall(r'url: new URL\("(.+)", document.currentScript.src\)', ask(script).text)
    told = ask(urljoin(script, document))
    assert told.get_json()["servers"] == [{"url": prefix or "/"}]
    assert told.headers["Vary"] == "Accept-Encoding, X-Forwarded-Prefix"


def test_only_a_trusted_proxy_sets_the_prefix(client: FlaskClient) -> None:
    told = client.get("/openapi.json", headers={"X-Forwarded-Prefix": "/evil"})

    assert told.get_json()["servers"] == [{"url": "/"}]


def test_documents_of_made_up_prefixes_do_not_fill_the_memory(behind_proxy: FlaskClient) -> None:
    for number in range(40):
        behind_proxy.get("/openapi.json", headers={"X-Forwarded-Prefix": f"/p{number}"})

    kept: Recent[str, Twofold] = behind_proxy.application.extensions["onsale-openapi"]
    assert kept.get("/p39") is not None
    assert kept.get("/p0") is None


def test_a_file_that_the_browser_has_is_304(client: FlaskClient) -> None:
    for name in (*FILES, "start.js"):
        tag = client.get(f"/docs/{name}").headers["ETag"]
        for has in (tag, f"W/{tag}", f'"x", W/{tag}', "*"):
            assert client.get(f"/docs/{name}", headers={"If-None-Match": has}).status_code == 304
        assert client.get(f"/docs/{name}", headers={"If-None-Match": '"x"'}).status_code == 200


def test_the_pages_files_have_their_types(client: FlaskClient) -> None:
    types = {"css": "text/css", "js": "text/javascript", "png": "image/png"}
    for name in FILES:
        with client.get(f"/docs/{name}") as answer:
            assert answer.mimetype == types[name.rsplit(".", 1)[1]]


@pytest.mark.parametrize("name", ["index.html", "VERSION", "..%2f__init__.py", "swagger-ui.js"])
def test_other_files_are_not_served(client: FlaskClient, name: str) -> None:
    assert client.get(f"/docs/{name}").status_code == 404
