"""The OpenAPI document and the answers agree: all operations are tried, and need a token if it says so."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.contract import (
    account_cases,
    admin_cases,
    catalogue_cases,
    plain_cases,
    poster_cases,
    second_factor_cases,
    status_cases,
)
from tests.contract.booking_cases import CASES as BOOKING_CASES
from tests.contract.case import Case
from tests.contract.world import World
from tests.support.paths import filled

CASES: list[Case] = [
    *BOOKING_CASES,
    *status_cases.CASES,
    *catalogue_cases.CASES,
    *account_cases.CASES,
    *second_factor_cases.CASES,
    *admin_cases.CASES,
    *plain_cases.CASES,
    *poster_cases.CASES,
]
#: Tried by test_events.py: an answer that stays open is no case.
STREAMS = {"/api/shows/{show_id}/events", "/api/bookings/{booking_id}/events"}
METHODS = ("get", "post", "put", "patch", "delete")


def document(world: World) -> dict[str, dict[str, Any]]:
    """The document's paths: path -> method -> operation."""
    found = world.ask("GET", "/openapi.json").json["paths"]
    return {path: {method: of for method, of in at.items() if method in METHODS} for path, at in found.items()}


def test_each_operation_has_a_case_that_succeeds(front: World) -> None:
    tried = [(case.method.lower(), re.sub(r"\{\w+\}", "1", case.path.partition("?")[0])) for case in CASES
             if 200 <= case.status < 300]  # fmt: skip
    untried = [
        f"{method} {path}"
        for path, methods in document(front).items()
        for method in methods
        if path not in STREAMS
        and not any(each == method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", path), at) for each, at in tried)
    ]

    assert untried == []


def test_every_operation_that_needs_a_token_is_documented_so(world: World) -> None:
    guarded = [(method, path) for path, methods in document(world).items()
               for method, operation in methods.items() if operation.get("security")]  # fmt: skip
    assert len(guarded) > 20

    for method, path in guarded:
        body = {} if method in ("post", "put", "patch") else None
        answer = world.ask(method.upper(), filled(path), body=body)
        assert (answer.status, answer.json["code"]) == (401, "token_missing"), f"{method} {path}"
        assert answer.one("www-authenticate") == "Bearer"


def test_other_methods_are_refused_with_the_allowed_ones(world: World) -> None:
    paths = document(world)
    assert len(paths) > 20

    for path, methods in paths.items():
        there = {method.upper() for method in methods} | {"OPTIONS"} | ({"HEAD"} if "get" in methods else set())
        other = next(method for method in ("put", "patch", "delete", "post") if method not in methods)
        answer = world.ask(other.upper(), filled(path))
        assert (answer.status, answer.json["code"]) == (405, "method_not_allowed"), path
        assert set(re.split(r",\s*", answer.one("allow"))) == there, path


@pytest.mark.parametrize(
    "path", ["/api/movies?limit=1", "/docs", "/openapi.json", "/healthz", "/api/movies/2000000000"]
)
def test_head_has_the_headers_of_get(world: World, path: str) -> None:
    got, told = world.ask("GET", path), world.ask("HEAD", path)

    assert (told.status, told.body) == (got.status, b"")
    for name in ("content-type", "content-length", "etag", "cache-control", "vary"):
        assert told.all(name) == got.all(name), name
