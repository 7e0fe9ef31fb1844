"""A case: one request, and the answer that every transport must give."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from marshmallow import Schema

from api.shapes.answers import Problem
from tests.contract import wire
from tests.contract.scenes import Names, Scene, nothing
from tests.contract.wire import Answer
from tests.contract.world import ORIGIN, World, address

Headers = tuple[tuple[str, str], ...]
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Chunks:
    """How a body is chunked: bytes per chunk, an extension for each, and trailers after the last."""

    size: int = 1 << 20
    extension: bytes = b""
    trailers: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A request and its answer. In path, headers, body and `says`, "{name}" is the scene's value of that name.

    `who`: the name of the token that is sent, "" for none.    `media`: the Content-Type, "" for none.
    `body`: bytes unchanged, a text with its names filled in, all else as JSON.
    `chunks`: the body goes without a Content-Length, in pieces.
    `status`: 0 for a request for which transports only have to agree.
    `code`: of a problem.            `faults`: the locations it names.            `shape`: of the body.
    `has`: header -> pattern of the whole value; "" for a header that must be absent.
    `says`: members of the body.     `only`: the transport whose own code reads such a request.
    """

    name: str
    method: str
    path: str
    scene: Scene = nothing
    who: str = ""
    headers: Headers = ()
    body: Any = None
    media: str = JSON
    chunks: Chunks | None = None
    status: int = 0
    code: str = ""
    faults: frozenset[str] | None = None
    shape: Schema | None = None
    has: Mapping[str, str] = field(default_factory=dict)
    says: Mapping[str, Any] = field(default_factory=dict)
    only: str = ""

    def request(self, names: Names) -> bytes:
        """Return the request as bytes, for a new connection."""
        given = [(name, filled(value, names)) for name, value in self.headers]
        lines = [("Connection", "close"), *given]
        if not any(name == "X-Forwarded-For" for name, _ in given):
            lines.append(("X-Forwarded-For", address()))
        if self.who:
            lines.append(("Authorization", f"Bearer {names[self.who]}"))
        data = b""
        if self.body is not None:
            data = self._data(names)
            lines += [("Content-Type", self.media)] if self.media else []
            if self.chunks:
                lines.append(("Transfer-Encoding", "chunked"))
                data = wire.chunked(data, self.chunks.size, self.chunks.extension, self.chunks.trailers)
            elif not any(name == "Content-Length" for name, _ in given):
                lines.append(("Content-Length", str(len(data))))
        return wire.head(self.method, filled(self.path, names), *lines) + data

    def _data(self, names: Names) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        body = filled(self.body, names)
        return (body if isinstance(body, str) else json.dumps(body)).encode()

    def answer(self, world: World, names: Names) -> Answer:
        """Send the request to a transport and return its answer."""
        return wire.ask(world.address, self.request(names), self.method)


def filled(value: Any, names: Names) -> Any:
    """Return the value with the scene's names filled in. A text that is one name alone becomes the named value."""
    if isinstance(value, Mapping):
        return {key: filled(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, names) for inner in value]
    if not isinstance(value, str):
        return value
    alone = re.fullmatch(r"\{([A-Za-z]\w*)\}", value)
    return names[alone[1]] if alone else re.sub(r"\{([A-Za-z]\w*)\}", lambda found: str(names[found[1]]), value)


def check(case: Case, answer: Answer, names: Names) -> None:
    """Check that an answer is what the case expects, and sound. Raises: AssertionError."""
    sound(answer, case.method)
    assert bool(answer.all("set-cookie")) == ("Set-Cookie" in case.has)
    if not case.status:
        return
    assert answer.status == case.status, answer
    wanted = {name.lower(): pattern for name, pattern in case.has.items()}
    for name, pattern in {"strict-transport-security": "", "access-control-allow-origin": "", **wanted}.items():
        value = answer.one(name)
        assert re.fullmatch(filled(pattern, names), value), f"{name}: {value!r}, not {pattern}"
    if case.code:
        assert answer.json["code"] == case.code, answer.json
    if case.faults is not None:
        faults = {fault.get("pointer", fault.get("parameter")) for fault in answer.json["errors"]}
        assert faults == case.faults, answer.json
    if case.shape:
        assert answer.one("content-type") == JSON
        assert case.shape.validate(answer.json) == {}, answer.json
    for member, value in filled(dict(case.says), names).items():
        assert answer.json[member] == value, f"{member}: {answer.json}"


def sound(answer: Answer, method: str) -> None:
    """Check what must hold for every answer of the API. Raises: AssertionError."""
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,64}", answer.one("x-request-id")), answer
    assert answer.one("x-content-type-options") == "nosniff"
    assert answer.one("content-security-policy").startswith("default-src 'none'")
    assert answer.one("cache-control")
    assert "Origin" in re.split(r",\s*", ", ".join(answer.all("vary")))
    assert answer.one("access-control-allow-origin").lower() in ("", ORIGIN)
    for name in ("content-type", "etag", "location", "retry-after", "ratelimit", "allow", "www-authenticate"):
        assert len(answer.all(name)) < 2, f"{name} twice: {answer}"
    if answer.status in (204, 304):
        assert not answer.all("content-length") or (answer.one("content-length") == "0" and answer.status == 304)
        assert not answer.all("transfer-encoding")
    elif method != "HEAD":
        assert answer.one("content-length") == str(len(answer.body)) or answer.one("transfer-encoding") == "chunked"
    if answer.status >= 400 and method != "HEAD":
        _problem(answer)


def _problem(answer: Answer) -> None:
    body = answer.json
    assert answer.one("content-type") == "application/problem+json"
    assert answer.one("cache-control") == "no-store"
    assert Problem().validate(body) == {}, body
    assert (body["status"], body["request_id"]) == (answer.status, answer.one("x-request-id"))
    assert answer.one("retry-after") if answer.status == 429 else True
    assert answer.one("www-authenticate").startswith("Bearer") == (answer.status == 401)
