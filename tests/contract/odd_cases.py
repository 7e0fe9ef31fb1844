"""Odd requests: the answer is unspecified, but sound, and the same on every transport."""

from __future__ import annotations

from api.shapes.requests import MAX_ID
from tests.contract import scenes
from tests.contract.case import Case, Chunks


def odd(name, method, path, **more):
    scene = scenes.confirmed if "ooking}" in path.lower() else scenes.show if "{show}" in path else scenes.nothing
    return Case(**{"name": f"odd: {name}", "method": method, "path": path, "scene": scene, "who": "token"} | more)


def body(name, data, **more):
    return odd(f"body {name}", "POST", **{"path": "/api/bookings", "body": data, "scene": scenes.show} | more)


A1 = {"show_id": "{show}", "seats": ["A1"]}
CASES = (
    body("of a booking, with a query", A1, path="/api/bookings?wait=5"),
    body("with a name twice", b'{"show_id": 1, "show_id": 2000000000, "seats": ["A1"]}'),
    body("with a number beyond all bounds", b'{"show_id": 1e400, "seats": ["A1"]}'),
    body("with a long number", b'{"show_id": ' + b"9" * 400 + b', "seats": ["A1"]}'),
    body("with a fraction", b'{"show_id": 1.0, "seats": ["A1"]}'),
    body("with half a character", b'{"show_id": 1, "seats": ["\\ud800"]}'),
    body("with a zero", b'{"show_id": 1, "seats": ["A\\u0000"]}'),
    body("with white space around", b' \r\n\t{"show_id": 2000000000, "quantity": 1}\n '),
    body("with more behind it", b'{"show_id": 1, "quantity": 1} {}'),
    body("with a comment", b'{"show_id": 1, /* */ "quantity": 1}'),
    body("with a show of zero", {**A1, "show_id": 0}),
    body("with a show below zero", {**A1, "show_id": -1}),
    body("with the last show", {**A1, "show_id": MAX_ID}),
    body("with a show too far", {**A1, "show_id": MAX_ID + 1}),
    body("with true for a show", {**A1, "show_id": True}),
    body("with null for a switch", {**A1, "hold": None}),
    body("with null for seats", {"show_id": "{show}", "seats": None, "quantity": 1}),
    body("with eleven seats", {**A1, "seats": [f"A{n}" for n in range(1, 12)]}),
    body("with a line feed in a seat", {**A1, "seats": ["A1\n"]}),
    body("with digits of another script", {**A1, "seats": ["A\u0663"]}),
    body("with a category and seats", {**A1, "category": "standard"}),
    body("of two media types", A1, headers=(("Accept", "text/html"),), media="application/json, text/plain"),
    body("of a kind of JSON", A1, media="application/problem+json"),
    body("with an odd charset", A1, media="application/json; charset=latin-1"),
    body("that overrides its method", A1, headers=(("X-HTTP-Method-Override", "DELETE"),)),
    body("with a slash behind the path", A1, path="/api/bookings/"),
    body("with a slash encoded", A1, path="/api%2Fbookings"),
    body("with a long key", A1, headers=(("Idempotency-Key", "k" * 4000),)),
    body("with a key of a tab", A1, headers=(("Idempotency-Key", "a\tb"),)),
    body("with two keys", A1, headers=(("Idempotency-Key", "a"), ("Idempotency-Key", "b"))),
    body("with a length of letters", A1, headers=(("X-Content-Length", "x"),)),
    body("with two request ids", A1, headers=(("X-Request-Id", "a"), ("X-Request-Id", "b"))),
    body("without a token and without JSON", b"{", who=""),
    body("too large and without a token", b" " * 20_000, who=""),
    body("of another media type and without a token", A1, who="", media="text/plain"),
    body("without a token, in chunks", A1, who="", chunks=Chunks(5)),
    odd("tag without quotes", "GET", "/api/bookings/{booking}", headers=(("If-None-Match", "v1"),)),
    odd("empty tag", "GET", "/api/bookings/{booking}", headers=(("If-None-Match", ""),)),
    odd("tag without an end", "GET", "/api/bookings/{booking}", headers=(("If-None-Match", '"v1'),)),
    odd("tag in a small w", "GET", "/api/bookings/{booking}", headers=(("If-None-Match", 'w/"v1"'),)),
    odd("tag of stars", "GET", "/api/bookings/{booking}", headers=(("If-None-Match", '*, "a"'),)),
    odd("tag that must match", "GET", "/api/bookings/{booking}", headers=(("If-Match", '"a"'),)),
    odd("a date", "GET", "/api/bookings/{booking}",
        headers=(("If-Modified-Since", "Fri, 01 Jan 2100 00:00:00 GMT"),)),
    odd("a range", "GET", "/api/bookings/{booking}", headers=(("Range", "bytes=0-3"),)),
    odd("a range of a file", "GET", "/docs/favicon-32x32.png", headers=(("Range", "bytes=0-3"),)),
    odd("a body with GET", "GET", "/api/bookings/{booking}", body={}),
    odd("a wait in capitals", "GET", "/api/bookings/{booking}?WAIT=x"),
    odd("a wait with a plus", "GET", "/api/bookings/{booking}?wait=+1"),
    odd("a wait in brackets", "GET", "/api/bookings/{booking}?wait[]=1"),
    odd("a wait with a semicolon", "GET", "/api/bookings/{booking}?wait=0;wait=x"),
    odd("a wait, encoded", "GET", "/api/bookings/{booking}?%77ait=0"),
    odd("a path encoded", "GET", "/api/bookings%2F{booking}"),
    odd("a path with parameters", "GET", "/api/bookings/{booking};v=1"),
    odd("a path with a slash behind", "GET", "/api/bookings/{booking}/"),
    odd("a path with dots", "GET", "/api/movies/../bookings/{booking}"),
    odd("braces", "GET", "/api/bookings/%7B{booking}%7D"),
    odd("an encoded byte that is no UTF-8", "GET", "/api/movies?q=%FF"),
    odd("a zero in a query", "GET", "/api/movies?q=%00"),
    odd("a fragment of a percent sign", "GET", "/api/movies?q=%2"),
    odd("a seat map, two tags in two lines", "GET", "/api/shows/{show}/seats",
        headers=(("If-None-Match", '"a"'), ("If-None-Match", '"b"'))),
    odd("a seat map with a token that is none", "GET", "/api/shows/{show}/seats", who="",
        headers=(("Authorization", "Bearer x"),)),
    odd("a show with zeros", "GET", "/api/shows/007"),
    odd("a show below zero", "GET", "/api/shows/-1"),
    odd("a show of other digits", "GET", "/api/shows/%D9%A3"),
    odd("OPTIONS of everything", "OPTIONS", "/"),
    odd("OPTIONS with a body", "OPTIONS", "/api/bookings", body={}),
    odd("HEAD of what is only posted", "HEAD", "/api/bookings"),
    odd("HEAD of nothing", "HEAD", "/nothing"),
    odd("HEAD without a token", "HEAD", "/api/bookings/{booking}", who=""),
    odd("TRACE", "TRACE", "/healthz"),
    odd("small letters for a method", "get", "/healthz"),
    odd("a confirm that waits", "PATCH", "/api/bookings/{booking}/confirm?wait=5"),
    odd("a confirm of no uuid", "PATCH", "/api/bookings/x/confirm"),
    odd("a confirm in capitals", "PATCH", "/api/bookings/{BOOKING}/confirm"),
    odd("a confirm with GET", "GET", "/api/bookings/{booking}/confirm"),
    odd("a cancel with text", "DELETE", "/api/bookings/{booking}", body=b"x", media="text/plain"),
    odd("origin twice", "GET", "/api/movies?limit=1",
        headers=(("Origin", "https://shop.example"), ("Origin", "https://evil.example"))),
    odd("origin in capitals", "GET", "/api/movies?limit=1", headers=(("Origin", "https://SHOP.example"),)),
    odd("TLS in capitals", "GET", "/healthz", headers=(("X-Forwarded-Proto", "HTTPS"),)),
    odd("TLS in two lines", "GET", "/healthz",
        headers=(("X-Forwarded-Proto", "http"), ("X-Forwarded-Proto", "https"))),
)  # fmt: skip
