"""Bodies in chunks, as streams of Go, Java, Node and .NET send them, through real WSGI servers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from api.app import MAX_BODY_BYTES
from tests.support.factories import headers_of
from tests.support.paths import filled
from tests.support.wsgi import chunked, offline_app, on_granian, on_werkzeug

LOGIN = "/api/auth/login"


@pytest.fixture(scope="module", params=["werkzeug", "granian"])
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    with on_granian() if request.param == "granian" else on_werkzeug(offline_app()) as port:
        yield port


def split(body: bytes, size: int) -> list[bytes]:
    return [body[first : first + size] for first in range(0, len(body), size)]


@pytest.mark.parametrize("size", [1, 7, 1_000])
def test_a_chunked_body_is_read_like_any_other(port: int, size: int) -> None:
    answer = chunked(port, LOGIN, split(b'{"email": 3, "password": "x"}', size))

    assert answer.status == 422, answer.body
    assert [fault["pointer"] for fault in answer.json["errors"]] == ["/email"]


def test_an_empty_chunked_body_is_not_json(port: int) -> None:
    answer = chunked(port, LOGIN, [])

    assert (answer.status, answer.json["code"]) == (400, "not_json")


@pytest.mark.parametrize(
    ("length", "status"), [(MAX_BODY_BYTES, 422), (MAX_BODY_BYTES + 1, 413), (16 * MAX_BODY_BYTES, 413)]
)
def test_a_body_in_chunks_has_the_same_limit(port: int, length: int, status: int) -> None:
    answer = chunked(port, LOGIN, split(b"{}".ljust(length), 4_000))

    assert answer.status == status, answer.body


def test_a_large_body_in_chunks_is_refused_wherever_one_is_read(port: int) -> None:
    app = offline_app()
    own, spec = headers_of(app, role="user"), app.extensions["onsale-document"]()
    body = split(b'{"x": "' + b"x" * (32 * MAX_BODY_BYTES) + b'"}', 10_000)
    looked = [
        (
            method,
            path,
            chunked(port, filled(path), body, own, method.upper()),
        )
        for path, operations in spec["paths"].items()
        for method, operation in operations.items()
        if "requestBody" in operation
    ]

    assert len(looked) > 8
    # An administrator's role is checked before the body is read.
    assert [(*place, answer.body) for *place, answer in looked if answer.status not in (413, 403)] == []
    assert sum(answer.status == 413 for *_, answer in looked) > 4
