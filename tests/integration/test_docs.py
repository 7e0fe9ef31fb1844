"""The API's description: valid, complete, and served without any other server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import validate

from api.app import create_app
from api.docs import FILES
from api.stores import open_stores
from tests.factories import offline_settings

METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}
PUBLIC_WRITES = {(f"/api/auth/{name}", "post") for name in ("signup", "login", "refresh")}


@pytest.fixture(scope="module")
def described() -> Flask:
    settings = offline_settings()
    return create_app(settings, open_stores(settings))


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


def test_unknown_fields_are_refused_in_writing_too(document: dict[str, Any]) -> None:
    for name, schema in document["components"]["schemas"].items():
        if name not in ("Problem", "PaginationMetadata"):
            assert schema["additionalProperties"] is False, name


@pytest.mark.parametrize("path", ["/docs", "/docs/"])
def test_the_page_needs_nothing_from_elsewhere(client: FlaskClient, path: str) -> None:
    page = client.get(path)

    assert page.content_type == "text/html; charset=utf-8"
    assert "//" not in page.text.replace("<!doctype html>", "")
    assert "script-src 'self';" in page.headers["Content-Security-Policy"]
    for reference in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        with client.get(reference) as answer:
            assert answer.status_code == 200, reference
            assert answer.headers["Cache-Control"] == "public, max-age=3600"


def test_the_pages_files_have_their_types(client: FlaskClient) -> None:
    types = {"css": "text/css", "js": "text/javascript", "png": "image/png"}
    for name in FILES:
        with client.get(f"/docs/{name}") as answer:
            assert answer.mimetype == types[name.rsplit(".", 1)[1]]


@pytest.mark.parametrize("name", ["index.html", "VERSION", "..%2f__init__.py", "swagger-ui.js"])
def test_no_other_file_is_served(client: FlaskClient, name: str) -> None:
    assert client.get(f"/docs/{name}").status_code == 404
