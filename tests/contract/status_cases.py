"""Cases of a booking's status, of confirms and of cancels."""

from __future__ import annotations

from api.shapes.answers import BOOKING_STATUS
from tests.contract import scenes
from tests.contract.booking_cases import RATE
from tests.contract.case import JSON, Case, Chunks
from tests.contract.world import ORIGIN

PATH = "/api/bookings/{booking}"
SHOWN = {"Content-Type": JSON, "Content-Length": r"\d+", "Cache-Control": "no-store", **RATE}
FINAL = {**SHOWN, "ETag": r'"v\d+"', "Retry-After": "", "Location": ""}
SOON = {**SHOWN, "ETag": '".+"', "Retry-After": r"\d+", "Location": ""}
UNCHANGED = {"ETag": "{etag}", "Content-Type": "", "Cache-Control": "no-store", **RATE}
MISSING = {"WWW-Authenticate": "Bearer"}


def get(name, scene=scenes.confirmed, **more):
    """A read of a booking that succeeds."""
    usual = {"path": PATH, "who": "token", "status": 200, "shape": BOOKING_STATUS, "says": {"id": "{booking}"}}
    return Case(**{"name": f"status: {name}", "method": "GET", "scene": scene} | usual | more)


def unseen(name, status, code, **more):
    """A read that is refused."""
    return get(name, **{"status": status, "code": code, "shape": None, "says": {}} | more)


def same(name, value, **more):
    """A read by a client that has this version."""
    more = {"status": 304, "shape": None, "says": {}, "has": UNCHANGED} | more
    return get(name, headers=(("If-None-Match", value),), **more)


STAGES = (
    get("queued", scenes.queued, has=SOON, says={"status": "PENDING", "stage": "QUEUED", "position": 1}),
    get("held", scenes.held, has=SOON, says={"status": "PENDING", "stage": "HELD", "seats": ["A1"]}),
    get("waiting", scenes.waiting, has={**SOON, "ETag": '"v1-w1"'},
        says={"status": "PENDING", "stage": "WAITING", "waiting_number": 1, "waiting_position": 1, "position": None}),
    get("confirmed", has=FINAL, says={"status": "CONFIRMED", "stage": None, "seats": ["A1"], "amount_cents": 1000}),
    get("failed", scenes.failed, has=FINAL, says={"status": "FAILED", "reason": "SEAT_TAKEN", "seats": []}),
    get("cancelled", scenes.cancelled, has=FINAL, says={"status": "CANCELLED"}),
    get("from a page", has={**FINAL, "Access-Control-Allow-Origin": ORIGIN}, headers=(("Origin", ORIGIN),)),
    get("two Via", headers=(("Via", "a"), ("Via", "b")), has=FINAL),
    get("over TLS", headers=(("X-Forwarded-Proto", "https"),),
        has={**FINAL, "Strict-Transport-Security": "max-age=63072000; includeSubDomains"}),
    get("what a client says of TLS itself", headers=(("X-Forwarded-Proto", "https, http"),), has=FINAL),
    get("by its reference", path="/api/bookings/reference/{reference}", has=FINAL),
    unseen("by no reference", 404, "no_such_booking", path="/api/bookings/reference/X"),
    unseen("by the reference of somebody else", 404, "no_such_booking", path="/api/bookings/reference/{reference}",
           who="stranger"),
    get("in capitals", path="/api/bookings/{BOOKING}", has=FINAL),
    get("percent-encoded", path="/api/%62ookings/{booking}", has=FINAL),
    get("HEAD", method="HEAD", shape=None, says={}, has=FINAL),
    unseen("of somebody else", 404, "no_such_booking", who="stranger"),
    unseen("of nobody", 404, "no_such_booking", scene=scenes.nothing),
    unseen("of a show that cannot be", 404, "no_such_booking",
           path="/api/bookings/ffffffff-0000-8000-8000-000000000000"),
    unseen("no uuid", 404, "not_found", path="/api/bookings/12345"),
    unseen("no dashes", 404, "not_found", path="/api/bookings/" + "0" * 32),
    unseen("without a token", 401, "token_missing", who="", has=MISSING),
    unseen("with an expired token", 401, "token_expired", scene=scenes.old_token, path="/api/bookings/" + "0" * 8
           + "-0000-0000-0000-" + "0" * 12, has={"WWW-Authenticate": 'Bearer error="invalid_token"'}),
)  # fmt: skip

CONDITIONS = (
    same("has it", "{etag}"),
    same("has it, weakly", "W/{etag}"),
    same("has one of these", '"a", {etag}, W/"b"'),
    same("has one of these, weakly", '"a" , W/{etag}'),
    same("has any", "*"),
    same("has it, and waits", "{etag}", path=PATH + "?wait=5"),
    get("has another", headers=(("If-None-Match", '"other", W/"v9"'),), has=FINAL),
    get("has it in two lines", headers=(("If-None-Match", '"a"'), ("If-None-Match", "{etag}")), status=304,
        shape=None, says={}, has=UNCHANGED),
    same("by its reference, has it weakly", "W/{etag}", path="/api/bookings/reference/{reference}"),
    same("HEAD, has it", "{etag}", method="HEAD"),
)  # fmt: skip


def odd_wait(query):
    return unseen(f"?{query}", 422, "invalid_request", path=f"{PATH}?{query}", faults=frozenset({"wait"}))


WAITS = (
    get("?wait=0", scenes.queued, path=PATH + "?wait=0", has=SOON),
    get("?wait=5, decided", path=PATH + "?wait=5", has=FINAL),
    get("?wait=05, decided", path=PATH + "?wait=05", has=FINAL),
    *map(odd_wait, ("wait=abc", "wait=", "wait=-1", "wait=1.5", "wait=99999", "wait=1&wait=2", "wait=%C3%A9")),
    get("?_", path=PATH + "?_=1732000000", has=FINAL),
    get("?fbclid", path=PATH + "?fbclid=abc&wait=0", has=FINAL),
    get("?fbclid twice", path=PATH + "?fbclid=a&fbclid=b", has=FINAL),
    get("a query of bytes beyond ASCII", path=PATH + "?x=\xc3\xa9", has=FINAL),
    get("an empty query", path=PATH + "?", has=FINAL),
)


def change(name, scene, method="PATCH", **more):
    """A confirm, or with DELETE a cancel or a release."""
    path = PATH + ("/confirm" if method == "PATCH" else "")
    says = {"id": "{booking}"} if more["status"] < 300 else {}
    more = {"path": path, "who": "token", "says": says} | more
    kind = "confirm" if method == "PATCH" else "cancel"
    return Case(**{"name": f"{kind}: {name}", "method": method, "scene": scene} | more)


WAITING = {**SHOWN, "ETag": '".+"', "Retry-After": r"\d+", "Location": "/api/bookings/{booking}"}
ACCEPTED = {"status": 202, "has": WAITING, "shape": BOOKING_STATUS}
SO = {"status": 200, "has": FINAL, "shape": BOOKING_STATUS}
NO = {"status": 404, "code": "no_such_booking"}

CHANGES = (
    change("held", scenes.held, **ACCEPTED),
    change("queued", scenes.queued, **ACCEPTED),
    change("confirmed", scenes.confirmed, **SO),
    change("cancelled", scenes.cancelled, status=409, code="booking_final", says={"booking_status": "CANCELLED"}),
    change("failed", scenes.failed, status=409, code="booking_final",
           says={"booking_status": "FAILED", "reason": "SEAT_TAKEN"}),
    change("of somebody else", scenes.held, who="stranger", **NO),
    change("of nobody", scenes.nothing, **NO),
    change("without a token", scenes.held, who="", status=401, code="token_missing", has=MISSING),
    change("with a body", scenes.held, body={}, **ACCEPTED),
    change("with a body in chunks", scenes.held, body={}, chunks=Chunks(1), **ACCEPTED),
    change("two Via", scenes.held, headers=(("Via", "a"), ("Via", "b")), **ACCEPTED),
    change("held", scenes.held, "DELETE", **ACCEPTED),
    change("queued", scenes.queued, "DELETE", **ACCEPTED),
    change("confirmed", scenes.confirmed, "DELETE", **ACCEPTED),
    change("cancelled", scenes.cancelled, "DELETE", **SO),
    change("failed", scenes.failed, "DELETE", status=409, code="booking_final"),
    change("of somebody else", scenes.confirmed, "DELETE", who="stranger", **NO),
    change("of nobody", scenes.nothing, "DELETE", **NO),
    change("from a page", scenes.confirmed, "DELETE", headers=(("Origin", ORIGIN),), status=202,
           has={**WAITING, "Access-Control-Allow-Origin": ORIGIN}),
)  # fmt: skip


def extend(name, scene, **more):
    return change(f"extend: {name}", scene, path=PATH + "/extend", **more)


def release(name, scene, body, **more):
    return change(f"release: {name}", scene, "DELETE", body=body, **more)


PARTS = (
    extend("held", scenes.held, **ACCEPTED),
    extend("queued", scenes.queued, **ACCEPTED),
    extend("confirmed", scenes.confirmed, status=409, code="booking_final", says={"booking_status": "CONFIRMED"}),
    extend("of somebody else", scenes.held, who="stranger", **NO),
    extend("without a token", scenes.held, who="", status=401, code="token_missing", has=MISSING),
    release("held", scenes.held, {"seats": ["A1"]}, **ACCEPTED),
    release("in chunks", scenes.held, {"seats": ["A1"]}, chunks=Chunks(1), **ACCEPTED),
    release("no body, in chunks", scenes.held, b"", chunks=Chunks(), **ACCEPTED),
    release("an empty body", scenes.held, b"", media="", **ACCEPTED),
    release("cancelled", scenes.cancelled, {"seats": ["A1"]}, **SO),
    release("queued", scenes.queued, {"seats": ["A1"]}, status=409, code="booking_queued"),
    release("failed", scenes.failed, {"seats": ["A1"]}, status=409, code="booking_final"),
    release("of somebody else", scenes.held, {"seats": ["A1"]}, who="stranger", **NO),
    release("no seats", scenes.held, {"seats": []}, status=422, code="invalid_request", faults=frozenset({"/seats"})),
    release("an empty object", scenes.held, {}, status=422, code="invalid_request", faults=frozenset({"/seats"})),
    release("a seat twice", scenes.held, {"seats": ["A1", "A1"]}, status=422, code="invalid_request",
            faults=frozenset({"/seats/1"})),
    release("a field too many", scenes.held, {"seats": ["A1"], "refund": True}, status=422, code="invalid_request",
            faults=frozenset({"/refund"})),
    release("not JSON", scenes.held, b"A1", status=400, code="not_json"),
    release("text", scenes.held, b"A1", media="text/plain", status=415, code="unsupported_media_type"),
    release("too large", scenes.held, b" " * 20_000, status=413, code="body_too_large"),
)  # fmt: skip

CASES = (*STAGES, *CONDITIONS, *WAITS, *CHANGES, *PARTS)
