"""Cases of POST /api/bookings, the most important request, as clients, proxies and libraries really send it."""

from __future__ import annotations

import gzip
from dataclasses import replace

from api.shapes.answers import BOOKING_STATUS
from tests.contract import scenes
from tests.contract.case import JSON, Case, Chunks
from tests.contract.world import ORIGIN

PATH = "/api/bookings"
A1 = {"show_id": "{show}", "seats": ["A1"]}
A1_ONLY = {"seats": ["A1"]}
RATE = {"RateLimit": r'"user";r=\d+;t=\d+', "RateLimit-Policy": r'"user";q=40;w=\d+'}
ACCEPTED = {
    "Content-Type": JSON,
    "Content-Length": r"\d+",
    "Location": "/api/bookings/[0-9a-f-]{36}",
    "Retry-After": r"\d+",
    "ETag": '"q.+"',
    "Cache-Control": "no-store",
    **RATE,
}
INVALID = {"WWW-Authenticate": 'Bearer error="invalid_token"'}


def post(name, **more):
    """A booking of A1, sent as most are, except for what `more` says."""
    return Case(**{"name": f"post: {name}", "method": "POST", "path": PATH, "scene": scenes.show, "who": "token",
                   "body": A1} | more)  # fmt: skip


def accepted(name, **more):
    """The same, and it is accepted."""
    says = {"status": "PENDING", "stage": "QUEUED", "show_id": "{show}", "version": 0}
    return post(name, **{"status": 202, "shape": BOOKING_STATUS, "has": ACCEPTED, "says": says} | more)


def refused(name, status, code, **more):
    """The same, and it is refused."""
    return post(name, **{"status": status, "code": code} | more)


PLAIN = (
    accepted("named seats"),
    accepted("the best available", body={"show_id": "{show}", "quantity": 2}),
    accepted("of a category", body={"show_id": "{show}", "quantity": 2, "category": "standard"}),
    accepted("a hold", body={**A1, "hold": True}),
    accepted("with an end to its patience", body={**A1, "give_up_after_ms": 5000}),
    accepted("to wait for its seats", body={**A1, "waiting_list": True}),
    accepted("to wait, at a sold-out show", scene=scenes.sold_out, body={**A1, "waiting_list": True}),
    accepted("to wait, for a seat that is taken", scene=scenes.taken, body={**A1, "waiting_list": True}),
    accepted("with an expected amount", body={**A1, "expected_amount_cents": 1000}),
    accepted("with wishes", body={"show_id": "{show}", "wishes": [
        A1_ONLY, {"quantity": 2, "category": "standard", "together": True},
        {"quantity": 2, "min_price_cents": 0, "max_price_cents": 1500, "expected_amount_cents": 0},
        {"quantity": 1, "accessible": True}, {"quantity": 2}], "hold": True, "expected_amount_cents": 2000}),
    accepted("its own request id", headers=(("X-Request-Id", "mine-1"),), has={**ACCEPTED, "X-Request-Id": "mine-1"}),
    accepted("a request id that is none", headers=(("X-Request-Id", "no id"),), has={"X-Request-Id": "[a-z0-9]+"}),
    accepted("a query that says nothing", path=PATH + "?utm_source=mail"),
    accepted("from a page", headers=(("Origin", ORIGIN),), has={**ACCEPTED, "Access-Control-Allow-Origin": ORIGIN}),
    accepted("from another page", headers=(("Origin", "https://evil.example"),)),
    accepted("over TLS", headers=(("X-Forwarded-Proto", "https"),),
             has={**ACCEPTED, "Strict-Transport-Security": "max-age=63072000; includeSubDomains"}),
)  # fmt: skip

UNUSUAL = (
    accepted("charset", media="application/json; charset=utf-8"),
    accepted("charset in capitals", media='application/json;charset="UTF-8"'),
    accepted("capitals", media="Application/JSON"),
    accepted("two Via", headers=(("Via", "1.1 a"), ("Via", "1.1 b"))),
    accepted("two X-Forwarded-For", headers=(("X-Forwarded-For", "10.1.2.3"), ("X-Forwarded-For", "10.1.2.4"))),
    accepted("two Cookie", headers=(("Cookie", "a=1"), ("Cookie", "b=2"))),
    accepted("one chunk", chunks=Chunks()),
    accepted("two chunks", chunks=Chunks(20)),
    accepted("a chunk for each byte", chunks=Chunks(1)),
    accepted("chunks with charset", chunks=Chunks(10), media="application/json; charset=utf-8"),
    accepted("chunk extensions", chunks=Chunks(16, b";name=value"), only="front"),
    accepted("trailers", chunks=Chunks(16, trailers=b"X-Checksum: 1\r\n"), only="front"),
    accepted("a key and doubled lines", headers=(("Via", "a"), ("Via", "b"), ("Idempotency-Key", "{key}"))),
    accepted("byte order mark", body='\ufeff{"show_id": {show}, "seats": ["A1"]}'),
    accepted("byte order mark, in chunks", body='\ufeff{"show_id": {show}, "seats": ["A1"]}', chunks=Chunks(2)),
    accepted("Expect", headers=(("Expect", "100-continue"),)),
)

KEYS = (
    accepted("repeated key", scene=scenes.queued, headers=(("Idempotency-Key", "{key}"),), says={"id": "{booking}"}),
    accepted("quoted key", scene=scenes.queued, headers=(("Idempotency-Key", '"{key}"'),), says={"id": "{booking}"}),
    accepted("repeated key, doubled lines", scene=scenes.queued, says={"id": "{booking}"},
             headers=(("Idempotency-Key", "{key}"), ("Via", "a"), ("Via", "b"))),
    accepted("repeated key in chunks", scene=scenes.queued, headers=(("Idempotency-Key", "{key}"),), chunks=Chunks(7),
             says={"id": "{booking}"}),
    post("repeated key, decided", scene=scenes.confirmed, headers=(("Idempotency-Key", "{key}"),), status=200,
         shape=BOOKING_STATUS, says={"id": "{booking}", "status": "CONFIRMED"},
         has={"ETag": "{etag}", "Location": "/api/bookings/{booking}", "Retry-After": "", **RATE}),
    post("repeated key, waiting", scene=scenes.waiting, headers=(("Idempotency-Key", "{key}"),), status=200,
         shape=BOOKING_STATUS, body={**A1, "waiting_list": True},
         says={"id": "{booking}", "status": "PENDING", "stage": "WAITING", "waiting_position": 1},
         has={"ETag": r'"v1-w1"', "Location": "/api/bookings/{booking}", "Retry-After": "10", **RATE}),
    refused("key of another body", 422, "idempotency_key_reused", scene=scenes.queued, body={**A1, "seats": ["A2"]},
            headers=(("Idempotency-Key", "{key}"),)),
    refused("key of another body, decided", 422, "idempotency_key_reused", scene=scenes.confirmed,
            body={**A1, "hold": True}, headers=(("Idempotency-Key", "{key}"),)),
    refused("empty key", 422, "bad_idempotency_key", headers=(("Idempotency-Key", ""),)),
    refused("quotes for a key", 422, "bad_idempotency_key", headers=(("Idempotency-Key", '""'),)),
    refused("long key", 422, "bad_idempotency_key", headers=(("Idempotency-Key", "k" * 256),)),
    refused("key beyond ASCII", 422, "bad_idempotency_key", headers=(("Idempotency-Key", "k\xe9"),)),
    accepted("longest key", headers=(("Idempotency-Key", "k" * 255),)),
)  # fmt: skip

BODIES = (
    refused("not JSON", 400, "not_json", body=b'{"show_id": 1,'),
    refused("not JSON, in chunks", 400, "not_json", body=b'{"show_id": 1,', chunks=Chunks(3)),
    refused("not UTF-8", 400, "not_json", body=b'{"show_id": 1, "seats": ["\xff"]}'),
    refused("UTF-16", 400, "not_json", body='{"show_id": 1}'.encode("utf-16")),
    refused("NaN", 400, "not_json", body=b'{"show_id": NaN, "seats": ["A1"]}'),
    refused("empty", 400, "not_json", body=b""),
    refused("empty, in chunks", 400, "not_json", body=b"", chunks=Chunks()),
    refused("nothing at all", 415, "unsupported_media_type", body=None),
    refused("no length", 400, "not_json", body=None, headers=(("Content-Type", JSON),)),
    refused("deep", 400, "not_json", body=b"[" * 8000),
    refused("gzip", 415, "unsupported_content_encoding", body=gzip.compress(b"{}"),
            headers=(("Content-Encoding", "gzip"),), has={"Accept-Encoding": ".+"}),
    refused("an encoding nobody knows", 415, "unsupported_content_encoding",
            headers=(("Content-Encoding", "x-mine"),), has={"Accept-Encoding": ".+"}),
    accepted("identity", headers=(("Content-Encoding", "identity"),)),
    refused("text", 415, "unsupported_media_type", media="text/plain"),
    refused("a form", 415, "unsupported_media_type", body=b"show_id=1", media="application/x-www-form-urlencoded"),
    refused("no media type", 415, "unsupported_media_type", media=""),
    refused("too large", 413, "body_too_large", body=b" " * 20_000),
    refused("too large, in chunks", 413, "body_too_large", body=b" " * 20_000, chunks=Chunks(4096)),
    refused("too large, one chunk", 413, "body_too_large", body=b" " * 20_000, chunks=Chunks()),
    refused("said to be too large", 413, "body_too_large", body=b"{}", headers=(("Content-Length", "16385"),)),
    post("largest", status=400, code="not_json", body=b" " * 16_384),
    post("largest, in chunks", status=400, code="not_json", body=b" " * 16_384, chunks=Chunks(1000)),
)  # fmt: skip

TOKENS = (
    refused("no token", 401, "token_missing", who="", has={"WWW-Authenticate": "Bearer", "RateLimit": ""}),
    refused("another scheme", 401, "token_missing", who="", headers=(("Authorization", "Basic eDp5"),)),
    refused("no scheme", 401, "token_missing", who="", headers=(("Authorization", "{token}"),)),
    refused("a token that is none", 401, "token_invalid", who="", headers=(("Authorization", "Bearer x.y.z"),),
            has=INVALID),
    refused("a changed token", 401, "token_invalid", who="", headers=(("Authorization", "Bearer {token}x"),),
            has=INVALID),
    refused("expired", 401, "token_expired", scene=scenes.old_token, has=INVALID),
    refused("revoked", 401, "token_revoked", scene=scenes.revoked, has=INVALID),
    refused("no token, doubled lines", 401, "token_missing", who="", headers=(("Via", "a"), ("Via", "b"))),
    accepted("scheme in small letters", who="", headers=(("Authorization", "bearer {token}"),)),
)  # fmt: skip


def faulty(name, body, *faults):
    return refused(name, 422, "invalid_request", body=body, faults=frozenset(faults), scene=scenes.known)


def wish(*wishes):
    return {"show_id": "{show}", "wishes": list(wishes)}


SHAPES = (
    faulty("no show", {"seats": ["A1"]}, "/show_id"),
    faulty("neither seats nor quantity", {"show_id": "{show}"}, ""),
    faulty("both", {**A1, "quantity": 1}, ""),
    faulty("a seat twice", {**A1, "seats": ["A1", "A2", "A1"]}, "/seats/2"),
    faulty("seats that look wrong", {**A1, "seats": ["A1", "a2", "A"]}, "/seats/1", "/seats/2"),
    faulty("seats that the hall lacks", {**A1, "seats": ["A1", "Z9"]}, "/seats/1"),
    faulty("a category that the hall lacks", {"show_id": "{show}", "quantity": 1, "category": "vip"}, "/category"),
    faulty("no seats", {**A1, "seats": []}, "/seats"),
    faulty("a field too many", {**A1, "price": 1}, "/price"),
    faulty("a field with a slash", {**A1, "a/b~c": 1}, "/a~1b~0c"),
    faulty("text for a number", {**A1, "show_id": "1"}, "/show_id"),
    faulty("text for a switch", {**A1, "hold": "yes"}, "/hold"),
    faulty("too many", {"show_id": "{show}", "quantity": 11}, "/quantity"),
    faulty("a negative amount", {**A1, "expected_amount_cents": -1}, "/expected_amount_cents"),
    faulty("wishes and seats", {**A1, "wishes": [A1_ONLY]}, "/seats"),
    faulty("no wishes", {"show_id": "{show}", "wishes": []}, "/wishes"),
    faulty("six wishes", {"show_id": "{show}", "wishes": [A1_ONLY] * 6}, "/wishes"),
    faulty("an empty wish", wish({}), "/wishes/0"),
    faulty("a wish for seats together", wish({**A1_ONLY, "together": True}), "/wishes/0/together"),
    faulty("a wish with a seat twice", wish({"seats": ["A1", "A1"]}), "/wishes/0/seats/1"),
    faulty("a wish for a seat that the hall lacks", wish(A1_ONLY, {"seats": ["A1", "Z9"]}), "/wishes/1/seats/1"),
    faulty(
        "a wish for no price",
        wish({"quantity": 1, "min_price_cents": 5, "max_price_cents": 4}),
        "/wishes/0/max_price_cents",
    ),
    faulty("a wish with a field too many", wish({"quantity": 1, "near": "A1"}), "/wishes/0/near"),
    faulty("a list", [1], ""),
    faulty("null", b"null", ""),
)

DOOR = (
    refused("no such show", 404, "no_such_show", scene=scenes.nothing),
    refused("sold out", 409, "sold_out", scene=scenes.sold_out, has={"Retry-After": r"\d+"}),
    refused("seat taken", 409, "seat_taken", scene=scenes.taken, says={"seats": ["A1"]}, has={"Retry-After": ""}),
    refused("seat taken, in chunks", 409, "seat_taken", scene=scenes.taken, chunks=Chunks(9), says={"seats": ["A1"]}),
    refused("paused", 409, "show_paused", scene=scenes.paused, has={"Retry-After": r"\d+"}),
    refused("closed", 409, "show_closed", scene=scenes.closed, has={"Retry-After": ""}),
    refused("more than one person may have", 409, "limit_reached", scene=scenes.one_each,
            body={"show_id": "{show}", "quantity": 3}),
    refused("too many undecided", 429, "too_many_bookings", scene=scenes.busy, body={**A1, "seats": ["A5"]},
            has={"Retry-After": r"\d+"}),
    refused("not open", 409, "show_not_open", scene=scenes.not_open),
)  # fmt: skip

#: The answer must not depend on what the process already knows of a show.
KNOWN = [replace(case, name=f"{case.name}, known show", scene=scenes.known) for case in (*PLAIN, *UNUSUAL)]

CASES = (*PLAIN, *UNUSUAL, *KNOWN, *KEYS, *BODIES, *TOKENS, *SHAPES, *DOOR)
