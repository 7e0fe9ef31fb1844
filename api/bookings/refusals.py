"""Refusals: accept.lua's codes as problems (RFC 9457)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from api.web import metrics
from api.web.problems import reply
from api.web.reply import Reply
from core.errors import AcceptUnknown
from core.operations import Book
from core.queue_position import come_again_s
from core.times import iso
from db.kv.admission import AcceptReply, Code

#: Instead of a number of seconds: derived from the lane's depth and rate.
BY_THE_QUEUE = 0
#: The longest Retry-After of a show that is not open: clients that poll daily notice a sale that was moved forward.
DAY_S = 86_400
#: accept.lua's code -> HTTP status, problem code, detail, Retry-After in seconds.
REFUSALS: dict[Code, tuple[int, str, str, int | None]] = {
    Code.NOT_OPEN: (409, "show_not_open", "The show is not on sale yet.", None),
    Code.PAUSED: (409, "show_paused", "The sale of this show is paused.", 30),
    Code.CLOSED: (409, "show_closed", "The show is no longer on sale.", None),
    Code.SOLD_OUT: (409, "sold_out", "Every seat of the show is held or sold.", 5),
    Code.SEAT_TAKEN: (409, "seat_taken", "Some of the requested seats are held or sold.", None),
    Code.LIMIT_REACHED: (409, "limit_reached", "This exceeds the seats that one person may have of this show.", None),
    Code.QUEUED: (409, "booking_queued", "The booking is queued: it has no seats yet. It can be cancelled.", None),
    Code.FULL: (503, "lane_full", "Too many requests are waiting. Nothing new was accepted.", BY_THE_QUEUE),
    Code.SHOW_FULL: (
        503,
        "show_full",
        "Too many requests wait for this show. Nothing new was accepted.",
        BY_THE_QUEUE,
    ),
    Code.TOO_MANY: (
        429,
        "too_many_bookings",
        "Too many of your bookings are undecided, or were made recently.",
        BY_THE_QUEUE,
    ),
}


def refuse(accepted: AcceptReply, request_id: str, operation: Book | None = None) -> Reply:
    """Return the reply to a refusal; that to a Book lists the seats that are taken."""
    status, name, detail, retry_after_s = REFUSALS[accepted.code]
    metrics.refused(name, operation.show_id if operation else 0)
    if retry_after_s == BY_THE_QUEUE:
        retry_after_s = come_again_s(accepted.meter)
    extra: dict[str, Any] = {}
    if accepted.code is Code.NOT_OPEN:
        opens_ms = int(accepted.status["opens"])
        extra["opens_at"] = iso(opens_ms)
        retry_after_s = min(max(1, -(-(opens_ms - accepted.meter.now_ms) // 1000)), DAY_S)
    headers = {"Retry-After": str(retry_after_s)} if retry_after_s else None
    if operation is not None and (taken := accepted.status.get("seats", "").split()):
        extra["seats"] = [operation.needed[int(index)] for index in taken]
    return reply(status, name, detail, headers, request_id=request_id, **extra)


def unknown(operation: Book, request_id: str) -> Reply:
    """Return the reply for a lost answer of accept.lua: the client gets the id under which to look."""
    detail = "The answer of the queue was lost: the booking may have been accepted. Look it up, or repeat the key."
    headers = {"Location": location(operation.booking_id), "Retry-After": "1"}
    id_ = str(operation.booking_id)
    return reply(503, AcceptUnknown.code, detail, headers, request_id=request_id, id=id_)


def mismatch(request_id: str) -> Reply:
    """Return the reply to an Idempotency-Key that was used for another request."""
    detail = "This Idempotency-Key was used with another body."
    return reply(422, "idempotency_key_reused", detail, request_id=request_id)


def location(booking_id: UUID) -> str:
    """Return the path of a booking."""
    return f"/api/bookings/{booking_id}"
