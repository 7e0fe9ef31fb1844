"""What a client is told when an operation is not accepted: accept.lua's codes as problems."""

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
from db.kv.lanes import Accepted

#: Instead of a number of seconds: as the lane's depth and rate say.
BY_THE_LINE = 0
#: A show may open in a year; whoever asks once a day learns of a sale that was moved forward.
DAY_S = 86_400
#: Refusals at the door: accept.lua's code -> status, code, detail, seconds until asking again makes sense.
REFUSALS: dict[str, tuple[int, str, str, int | None]] = {
    "NOT_OPEN": (409, "show_not_open", "The show is not on sale yet.", None),
    "PAUSED": (409, "show_paused", "The sale of this show is paused.", 30),
    "CLOSED": (409, "show_closed", "The show is not on sale any more.", None),
    "SOLD_OUT": (409, "sold_out", "Every seat of the show is held or sold.", 5),
    "SEAT_TAKEN": (409, "seat_taken", "Seats that were asked for are held or sold.", None),
    "LIMIT_REACHED": (409, "limit_reached", "These would be more seats of the show than one person may have.", None),
    "FULL": (503, "lane_full", "Too many requests are waiting. Nothing new was accepted.", BY_THE_LINE),
    "SHOW_FULL": (503, "show_full", "Too many requests wait for this show. Nothing new was accepted.", BY_THE_LINE),
    "TOO_MANY": (
        429,
        "too_many_bookings",
        "Too many of your bookings are undecided, or were made lately.",
        BY_THE_LINE,
    ),
}


def refuse(accepted: Accepted, request_id: str, operation: Book | None = None) -> Reply:
    """The reply to what accept.lua refused; of a Book with the seats that are taken."""
    status, name, detail, retry_after_s = REFUSALS[accepted.code]
    metrics.refused(name)
    if retry_after_s == BY_THE_LINE:
        retry_after_s = come_again_s(accepted.meter)
    extra: dict[str, Any] = {}
    if accepted.code == "NOT_OPEN":
        opens_ms = int(accepted.status["opens"])
        extra["opens_at"] = iso(opens_ms)
        retry_after_s = min(max(1, -(-(opens_ms - accepted.meter.now_ms) // 1000)), DAY_S)
    headers = {"Retry-After": str(retry_after_s)} if retry_after_s else None
    if operation is not None and (taken := accepted.status.get("seats", "").split()):
        extra["seats"] = [operation.seats[int(index)] for index in taken]
    return reply(status, name, detail, headers, request_id=request_id, **extra)


def unknown(operation: Book, request_id: str) -> Reply:
    """The reply when accept's answer was lost: the client learns under which id to look."""
    detail = "The answer of the queue was lost: the booking may have been accepted. Look, or repeat the key."
    headers = {"Location": location(operation.booking_id), "Retry-After": "1"}
    id_ = str(operation.booking_id)
    return reply(503, AcceptUnknown.code, detail, headers, request_id=request_id, id=id_)


def mismatch(request_id: str) -> Reply:
    """The reply to an Idempotency-Key that stands for another request."""
    detail = "This Idempotency-Key was used with another body."
    return reply(422, "idempotency_key_reused", detail, request_id=request_id)


def location(booking_id: UUID) -> str:
    """Where a booking is found."""
    return f"/api/bookings/{booking_id}"
