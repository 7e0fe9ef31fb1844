"""The cases: good requests of every kind, each spoilt in one or two ways that the seed chooses."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

Header = tuple[bytes, bytes]


@dataclass
class Case:
    """A request in the making. `whole`: the server has all that it can expect."""

    name: str
    method: bytes = b"GET"
    target: bytes = b"/healthz"
    version: bytes = b"HTTP/1.1"
    headers: list[Header] = field(default_factory=list)
    body: bytes = b""
    length: bytes | None = None
    whole: bool = True
    raw: bytes | None = None

    def data(self) -> bytes:
        """The bytes to send."""
        if self.raw is not None:
            return self.raw
        headers = [(b"Host", b"localhost"), (b"Connection", b"close"), *self.headers]
        length = b"%d" % len(self.body) if self.length is None else self.length
        if length and (self.body or self.length):
            headers.append((b"Content-Length", length))
        lines = [b" ".join((self.method, self.target, self.version)), *(b": ".join(pair) for pair in headers)]
        return b"\r\n".join(lines) + b"\r\n\r\n" + self.body


class Cases:
    """Makes cases for a system that has `show_id`, people with `tokens`, and `bookings` of theirs."""

    def __init__(self, seed: int, show_id: int, tokens: list[str], bookings: list[str]) -> None:
        self.rng = Random(seed)
        self._show_id, self._tokens, self._bookings = show_id, tokens, bookings

    def next(self) -> Case:
        """A good request, spoilt."""
        case = self._good()
        for spoil in self.rng.sample(SPOILS, self.rng.choice((1, 1, 1, 2))):
            if case.raw is None:
                spoil(case, self.rng)
                case.name += f", {spoil.__name__}"
        return case

    def _good(self) -> Case:
        rng, show = self.rng, b"%d" % self._show_id
        booking = rng.choice(self._bookings).encode()
        asked: dict[str, Any] = {"show_id": self._show_id, "seats": [f"A{rng.randint(1, 9)}"]}
        if rng.random() < 0.5:
            asked = {"show_id": self._show_id, "quantity": rng.randint(1, 3), "hold": True}
        entry = {"email": f"p{rng.randint(1, 9)}@example.com", "password": "correct horse battery"}
        method, target, body = rng.choice(
            [
                *[(b"POST", b"/api/bookings", asked)] * 8,
                *[(b"GET", b"/api/bookings/" + booking, None)] * 3,
                (b"GET", b"/api/bookings/" + booking + b"?wait=1", None),
                (b"PATCH", b"/api/bookings/" + booking + b"/confirm", None),
                (b"DELETE", b"/api/bookings/" + booking, None),
                (b"GET", b"/api/bookings/reference/1-ABCDE-FGHJK", None),
                (b"GET", b"/api/shows?limit=5", None),
                (b"GET", b"/api/shows/" + show + b"/seats", None),
                (b"GET", b"/api/movies?search=a&genre=drama", None),
                (b"POST", b"/api/movies", {"title": "t", "description": "", "genre": "", "duration_min": 90}),
                (b"GET", b"/api/auth/profile", None),
                (b"PUT", b"/api/auth/profile", {"name": "n"}),
                (b"POST", b"/api/auth/login", entry),
                (b"GET", b"/api/auth/bookings", None),
                (b"GET", b"/openapi.json", None),
            ]
        )
        case = Case(f"{method.decode()} {target.decode()}", method, target)
        case.headers.append((b"Authorization", b"Bearer " + rng.choice(self._tokens).encode()))
        if body is not None:
            case.body = json.dumps(body).encode()
            case.headers.append((b"Content-Type", b"application/json"))
        if target == b"/api/bookings" and rng.random() < 0.7:
            case.headers.append((b"Idempotency-Key", b"fuzz %d" % rng.randint(1, 200)))
        return case


# -- ways to spoil a request --------------------------------------------------------------------------------

VALUES = (
    *("null", "true", "-1", "0", "1e999", "-0", "NaN", "Infinity", "1.5", "9" * 400, "9" * 5_000, '""', '"\\u0000"'),
    *('"\\ud800"', '"\\udfff\\ud800"', "[]", "{}", '[["A1"]]', '["A1","A1"]', "[null]", "[" * 3_000, '{"a":' * 900),
    *('"' + "x" * 9_000 + '"', "2147483648", "4294967296", "18446744073709551616", '"\u0660\u0661"', "[1e400]"),
)
ODD_BYTES = (
    b"\x00",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\xc3\x28",
    b"\xf0\x9f\x8e\xad",
    b"\xef\xbb\xbf",
    b"\x1b[2J",
    b"'\"<>",
)
ODD_HEADERS = (
    *(b"Idempotency-Key", b"X-Request-Id", b"If-None-Match", b"Origin", b"Accept", b"Authorization", b"Cookie"),
    *(b"X-Forwarded-For", b"Content-Encoding", b"Content-Type", b"Range", b"Expect", b"Upgrade", b"Accept-Encoding"),
)
ODD_VALUES = (
    *(
        b"",
        b" ",
        b"\x01",
        b"\xff\xfe",
        b"a" * 300,
        b"a" * 9_000,
        b'"',
        b'W/"v1", *',
        b"*",
        b"," * 500,
        b"\xe9",
        b"gzip",
    ),
    *(b"bytes=0-0,-1", b"100-continue", b"h2c", b"Bearer", b"text/html;q=2;;", b"application/json; charset=utf-16"),
    *(b"application/xml", b"multipart/form-data; boundary=", b"null", b"http://[::1", b"256.256.256.256, ::::"),
)


def other_value(case: Case, rng: Random) -> None:
    """One value of the body is another, also such as no encoder would write."""
    try:
        asked = json.loads(case.body)
        name = rng.choice(list(asked))
    except (ValueError, IndexError, TypeError):
        return
    asked[name] = "@"
    case.body = json.dumps(asked).replace('"@"', rng.choice(VALUES)).encode()


def other_body(case: Case, rng: Random) -> None:
    text = rng.choice(VALUES)
    encoding = rng.choice(("utf-8", "utf-16", "utf-32", "utf-8-sig"))
    case.body = rng.choice((text.encode(encoding), rng.randbytes(rng.choice((1, 40, 2_000))), b" " * 5_000))


def name_twice(case: Case, rng: Random) -> None:
    case.body = case.body.replace(b"{", b'{"show_id": 1, "seats": [], "__proto__": {}, ', 1)


def odd_bytes(case: Case, rng: Random) -> None:
    at = rng.randint(0, len(case.body))
    case.body = case.body[:at] + rng.choice(ODD_BYTES) + case.body[at:]


def longer_than_said(case: Case, rng: Random) -> None:
    case.body = case.body or b"{}"
    case.length = b"%d" % max(0, len(case.body) - rng.randint(1, 20))
    case.whole = False


def shorter_than_said(case: Case, rng: Random) -> None:
    case.length = b"%d" % (len(case.body) + rng.choice((1, 100, 15_000, 10**9, 10**25)))
    case.whole = False


def odd_length(case: Case, rng: Random) -> None:
    case.length = rng.choice((b"-1", b"+2", b"0x10", b"1e1", b"\xb2", b"", b"two", b"2, 2", b"9" * 5_000, b" 2 3"))
    case.whole = False


def two_lengths(case: Case, rng: Random) -> None:
    case.headers.append((b"Content-Length", b"%d" % rng.randint(0, 100)))
    case.whole = False


def chunked(case: Case, rng: Random) -> None:
    """In chunks, right and wrong; also beside a length."""
    size = rng.choice((b"%x" % len(case.body), b"0", b"ffffffffffffffff", b"-1", b"g", b"5;a=b", b""))
    case.headers.append(
        (b"Transfer-Encoding", rng.choice((b"chunked", b"chunked, chunked", b"xchunked", b"gzip, chunked")))
    )
    case.length = rng.choice((b"", b"5", b"0"))
    case.body = size + b"\r\n" + case.body + rng.choice((b"\r\n0\r\n\r\n", b"\r\n", b"", b"\r\n0\r\nX: y\r\n\r\n"))
    case.whole = False


def odd_header(case: Case, rng: Random) -> None:
    case.headers.append((rng.choice(ODD_HEADERS), rng.choice(ODD_VALUES)))
    case.whole = False


def broken_header(case: Case, rng: Random) -> None:
    name, value = rng.choice(
        ((b"X y", b"1"), (b"", b"1"), (b"X", b"1\r\n folded"), (b"X", b"1\nY: 2"), (b"X\x00", b"1"))
    )
    case.headers.append((name, value))
    case.whole = False


def many_headers(case: Case, rng: Random) -> None:
    case.headers += [(b"X-%d" % number, b"y" * rng.choice((1, 500))) for number in range(rng.choice((90, 300)))]
    case.whole = False


def odd_method(case: Case, rng: Random) -> None:
    case.method = rng.choice(
        (b"get", b"FOO", b"HEAD", b"OPTIONS", b"TRACE", b"CONNECT", b"PRI", b"A" * 300, b"G\xffT", b"")
    )
    case.whole = False


def odd_version(case: Case, rng: Random) -> None:
    case.version = rng.choice(
        (b"HTTP/1.0", b"HTTP/0.9", b"HTTP/2.0", b"HTTP/9.9", b"HTTP", b"", b"SIP/2.0", b"HTTP/1.1 x")
    )
    case.whole = False


def odd_target(case: Case, rng: Random) -> None:
    odd = (
        b"%00",
        b"%ff",
        b"%ed%a0%80",
        b"%",
        b"%zz",
        b"/../../etc/passwd",
        b"//",
        b"/.",
        b"\xe9",
        b"\xff",
        b";a=b",
        b"#x",
    )
    long = (b"a" * 9_000, b"/" * 900, b"%41" * 3_000)
    case.target = rng.choice(
        (case.target + rng.choice((*odd, *long)), b"*", b"http://evil.example/api", b"/api/%2e%2e")
    )
    case.whole = False


def odd_query(case: Case, rng: Random) -> None:
    name = rng.choice((b"wait", b"limit", b"before", b"search", b"genre", b"page", b"from", b"x[]", b"%ff", b""))
    value = rng.choice(
        (b"-1", b"abc", b"1e9", b"9" * 40, b"%00", b"%ff%fe", b"%ed%a0%80", b"'--", b"", b"a" * 4_000, b"999")
    )
    case.target = (
        case.target.partition(b"?")[0] + b"?" + b"&".join([name + b"=" + value] * rng.choice((1, 1, 2, 200)))
    )
    case.whole = False


def odd_id(case: Case, rng: Random) -> None:
    ids = [
        str(UUID(int=rng.getrandbits(128))),
        str(UUID(int=0)),
        str(UUID(int=2**128 - 1)),
        "9" * 30,
        "-1",
        "0",
        "1.0",
    ]
    head, _, _ = case.target.rpartition(b"/")
    case.target = head + b"/" + rng.choice(ids).encode()


def flipped(case: Case, rng: Random) -> None:
    """Some bytes of the whole are others."""
    data = bytearray(case.data())
    for _ in range(rng.choice((1, 1, 2, 5, 50))):
        data[rng.randrange(len(data))] = rng.randrange(256)
    case.raw, case.whole = bytes(data), False


def cut(case: Case, rng: Random) -> None:
    data = case.data()
    case.raw, case.whole = data[: rng.randrange(len(data))], False


def doubled(case: Case, rng: Random) -> None:
    """Two requests in one breath."""
    data = case.data().replace(b"Connection: close", b"Connection: keep-alive")
    case.raw, case.whole = data + case.data(), False


SPOILS: list[Callable[[Case, Random], None]] = [
    *[other_value] * 4,
    *(other_body, name_twice, odd_bytes, longer_than_said, shorter_than_said, odd_length, two_lengths, chunked),
    *(odd_header, odd_header, broken_header, many_headers, odd_method, odd_version, odd_target, odd_query, odd_query),
    *(odd_id, odd_id, flipped, flipped, cut, doubled),
]
