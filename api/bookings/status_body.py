"""The status answer: a booking's published body, and its place in line while something about it is undecided.

Polls are the most frequent requests: a decided body is sent as it was published, with four fields put in.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from api.replies import Reply
from core.bookings import Booking, Status
from core.ids import reference, show_of
from core.line import Meter, place, poll_of_hold
from core.times import iso
from db import statuses

#: The body of a queued booking. A dict and its encoding would cost a fifth of an accept.
_QUEUED = (
    '{"id":"%s","reference":"%s","show_id":%d,"status":"PENDING","stage":"QUEUED","reason":null,"seats":[],'
    '"amount_cents":null,"accepted_at":"%s","decided_at":null,"expires_at":null,"confirmed_at":null,"version":0,'
    '"last_operation":null,"replaced_by":null,"position":%d,"eta_ms":%s,"poll_after_ms":%d,"delayed":%s,'
    '"pending_operation":%s}'
)
#: Seconds after its deadline in which a hold is usually expired; and how often Postgres is asked for one that is not.
OVERDUE_S = 5
CHECK_S = 60

_SETTLED_TAIL = ',"position":null,"eta_ms":null,"poll_after_ms":null,"delayed":false,"pending_operation":null}'
#: In an ETag: the answer says `delayed`.
_DELAYED = "-late"


@dataclass(frozen=True, slots=True)
class Seen:
    """A status answer in the making. `waits`: something is undecided. `poll_after_ms` None: all is said."""

    body: str
    etag: str
    poll_after_ms: int | None
    waits: bool

    def reply(self, status: int, location: str | None = None) -> Reply:
        """The reply to whoever does not have this version yet."""
        headers = [("ETag", f'"{self.etag}"')]
        if self.poll_after_ms is not None:
            headers.append(("Retry-After", str(-(-self.poll_after_ms // 1000))))
        if location:
            headers.append(("Location", location))
        return Reply(status, self.body, headers, etag=self.etag)


def of_fields(booking_id: UUID, fields: dict[str, str], meter: Meter) -> Seen:
    """The answer from a booking's status hash."""
    if fields["v"] == "0":
        return _queued(booking_id, fields, meter)
    pending = statuses.pending(fields)
    if pending is None:
        return _decided(fields["b"], fields["v"], fields["s"], meter.now_ms)
    here = place(pending.ticket, meter)
    body: dict[str, Any] = orjson.loads(fields["b"])
    body |= {
        "position": here.position,
        "eta_ms": here.eta_ms,
        "poll_after_ms": here.poll_after_ms,
        "delayed": here.delayed,
        "pending_operation": {"kind": pending.kind, "accepted_at": iso(pending.id.ms)},
    }
    etag = f"v{fields['v']}-{pending.ticket}-{meter.served}{_DELAYED * here.delayed}"
    return Seen(_text(body), etag, here.poll_after_ms, True)


def of_booking(booking: Booking) -> Seen:
    """The answer from Postgres."""
    return _decided(statuses.body(booking), str(booking.version), booking.status.value, int(time.time() * 1000))


def passed(fields: dict[str, str], meter: Meter) -> bool:
    """Whether the turn of what is undecided has come and gone without a publication: Postgres knows more."""
    if fields["v"] == "0":
        return fields["e"] != meter.epoch or meter.served >= int(fields["t"])
    pending = statuses.pending(fields)
    return pending is not None and meter.served >= pending.ticket


def overdue(fields: dict[str, str]) -> bool:
    """Whether a published hold has passed its deadline and Postgres has not been asked for it lately.

    After a failover to a replica that lacked the last publications Redis may say HELD of what has long been decided.
    """
    if fields["v"] == "0" or fields["s"] != Status.PENDING.value or statuses.pending(fields) is not None:
        return False
    now_ms = int(time.time() * 1000)
    if now_ms - int(fields.get("checked", 0)) < CHECK_S * 1000:
        return False
    return now_ms > statuses.expires_ms(orjson.loads(fields["b"])) + OVERDUE_S * 1000


def _queued(booking_id: UUID, fields: dict[str, str], meter: Meter) -> Seen:
    pending = statuses.pending(fields)
    here = place(int(fields["t"]), meter)
    waiting = f'{{"kind":"{pending.kind}","accepted_at":"{iso(pending.id.ms)}"}}' if pending else "null"
    eta = "null" if here.eta_ms is None else str(here.eta_ms)
    body = _QUEUED % (
        booking_id, reference(booking_id), show_of(booking_id), iso(int(fields["a"])),
        here.position, eta, here.poll_after_ms, "true" if here.delayed else "false", waiting,
    )  # fmt: skip
    etag = f"q{fields['t']}-{meter.served}-{pending.ticket if pending else ''}{_DELAYED * here.delayed}"
    return Seen(body, etag, here.poll_after_ms, True)


def _decided(body: str, version: str, status: str, now_ms: int) -> Seen:
    if status != Status.PENDING.value:
        return Seen(body[:-1] + _SETTLED_TAIL, f"v{version}", None, False)
    held: dict[str, Any] = orjson.loads(body)
    expires_ms = statuses.expires_ms(held)
    poll_after_ms = poll_of_hold(expires_ms, now_ms)
    held |= {
        "position": None,
        "eta_ms": None,
        "poll_after_ms": poll_after_ms,
        "delayed": False,
        "pending_operation": None,
    }
    return Seen(_text(held), f"v{version}", poll_after_ms, False)


def _text(body: dict[str, Any]) -> str:
    return orjson.dumps(body).decode()
