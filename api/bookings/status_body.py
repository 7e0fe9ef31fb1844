"""The status answer: a booking's published body, and its position in the queue while something is undecided.

Polls are the most frequent requests, so a published body is sent as it is, with the fields of _MOMENT appended.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from api.web.reply import Reply
from core.bookings import Booking, Stage, Status
from core.ids import reference, show_of
from core.queue_position import POLL_MAX_MS, Meter, QueuePosition, locate, poll_of_hold
from core.times import iso
from db.kv import statuses
from db.kv.statuses import UndecidedOperation

#: Seconds after its deadline by which a hold is usually expired; seconds between two reads of one that is not, from
#: Postgres.
OVERDUE_S = 5
CHECK_S = 60

#: The suffix of an ETag whose body has `delayed`: true.
_DELAYED = "-late"


@dataclass(frozen=True, slots=True)
class Seen:
    """A status answer before it becomes a reply.

    `poll_after_ms`: when to poll again; None: the booking is final.   `waits`: an operation is undecided.
    `fields`: its status hash while it is queued, from which `of_fields` builds the answer at a later meter.
    """

    body: str
    etag: str
    poll_after_ms: int | None
    waits: bool
    fields: dict[str, str] | None = None

    def reply(self, status: int, location: str | None = None) -> Reply:
        """Return the reply with its ETag, Retry-After and, if given, Location."""
        headers = [("ETag", f'"{self.etag}"')]
        if self.poll_after_ms is not None:
            headers.append(("Retry-After", str(-(-self.poll_after_ms // 1000))))
        if location:
            headers.append(("Location", location))
        return Reply(status, self.body, headers, etag=self.etag)


def of_fields(booking_id: UUID, fields: dict[str, str], meter: Meter, place: int | None = None) -> Seen:
    """Build the answer from a booking's status hash in Redis. `place`: in the waiting list, if it is known."""
    if fields["v"] == "0":
        return _queued(booking_id, fields, meter)
    pending = statuses.undecided_operation(fields)
    if pending is None:
        return _decided(fields["b"], fields["v"], fields["s"], meter.now_ms, place)
    here = locate(pending.ticket, meter)
    etag = f"v{fields['v']}-{pending.ticket}-{meter.served}{_DELAYED * here.delayed}{_place_tag(place)}"
    left_ms = None if fields["s"] != Status.PENDING.value else _left_ms(_deadline_ms(fields["b"]), meter.now_ms)
    return Seen(
        fields["b"][:-1] + _moment(here, here.poll_after_ms, pending, left_ms, place), etag, here.poll_after_ms, True
    )


def of_booking(booking: Booking, place: int | None = None) -> Seen:
    """Build the answer from a booking in Postgres. `place`: as in `of_fields`."""
    now_ms = int(time.time() * 1000)
    return _decided(statuses.body(booking), str(booking.version), booking.status.value, now_ms, place)


def waiting_number(fields: dict[str, str]) -> int | None:
    """Return the number of a booking in the waiting list, from its status hash; None if it does not wait."""
    return orjson.loads(fields["b"])["waiting_number"] if fields["s"] == Status.WAITING.value else None


def passed(fields: dict[str, str], meter: Meter) -> bool:
    """Return whether Postgres may know more: the lane is past this ticket, or was wiped, without a publication."""
    if fields["v"] == "0":
        return fields["e"] != meter.epoch or meter.served >= int(fields["t"])
    pending = statuses.undecided_operation(fields)
    return pending is not None and meter.served >= pending.ticket


def overdue(fields: dict[str, str]) -> bool:
    """Return whether a published hold is past its deadline, and was not read from Postgres in the last CHECK_S.

    After a failover to a replica that lacked the last publications, Redis may show HELD for a booking decided since.
    """
    if fields["v"] == "0" or fields["s"] != Status.PENDING.value or statuses.undecided_operation(fields) is not None:
        return False
    now_ms = int(time.time() * 1000)
    if now_ms - int(fields.get("checked", 0)) < CHECK_S * 1000:
        return False
    return now_ms > statuses.expires_ms(orjson.loads(fields["b"])) + OVERDUE_S * 1000


def listed(booking: Booking) -> dict[str, Any]:
    """Return a decided booking as a member of a list, which is not polled."""
    at_rest: dict[str, Any] = orjson.loads("{" + _AT_REST[1:])
    return statuses.to_json(booking) | at_rest


def _queued(booking_id: UUID, fields: dict[str, str], meter: Meter) -> Seen:
    pending = statuses.undecided_operation(fields)
    here = locate(int(fields["t"]), meter)
    stored = _QUEUED % (booking_id, reference(booking_id), show_of(booking_id), iso(int(fields["a"])))
    etag = f"q{fields['t']}-{meter.served}-{pending.ticket if pending else ''}{_DELAYED * here.delayed}"
    return Seen(stored + _moment(here, here.poll_after_ms, pending), etag, here.poll_after_ms, True, fields)


def _decided(body: str, version: str, status: str, now_ms: int, place: int | None = None) -> Seen:
    if status == Status.WAITING.value:
        moment = _moment(None, POLL_MAX_MS, place=place)
        return Seen(body[:-1] + moment, f"v{version}{_place_tag(place)}", POLL_MAX_MS, False)
    if status != Status.PENDING.value:
        return Seen(body[:-1] + _AT_REST, f"v{version}", None, False)
    deadline_ms = _deadline_ms(body)
    poll_after_ms = poll_of_hold(deadline_ms, now_ms)
    moment = _moment(None, poll_after_ms, left_ms=_left_ms(deadline_ms, now_ms))
    return Seen(body[:-1] + moment, f"v{version}", poll_after_ms, False)


def _place_tag(place: int | None) -> str:
    return f"-w{place}" if place else ""


def _deadline_ms(body: str) -> int:
    """Return the deadline of a hold, ms, from its published body."""
    return statuses.expires_ms(orjson.loads(body))


def _left_ms(deadline_ms: int, now_ms: int) -> int:
    return max(0, deadline_ms - now_ms)


def _moment(
    here: QueuePosition | None,
    poll_after_ms: int | None,
    pending: UndecidedOperation | None = None,
    left_ms: int | None = None,
    place: int | None = None,
) -> str:
    """Return the end of a body: the fields that change between polls.

    Args: here: None if nothing waits in the lane.   left_ms: until a hold's deadline; None: it is no hold.
          place: in the waiting list; None: it is in none, or unknown.
    """
    return _MOMENT % (
        here.position if here else "null",
        "null" if here is None or here.eta_ms is None else here.eta_ms,
        "null" if poll_after_ms is None else poll_after_ms,
        "null" if left_ms is None else left_ms,
        place or "null",
        "true" if here and here.delayed else "false",
        f'{{"kind":"{pending.kind}","accepted_at":"{iso(pending.id.ms)}"}}' if pending else "null",
    )


def _queued_template() -> str:
    """Return the body of a queued booking up to `_moment`. Encoding a dict instead costs a fifth of an accept."""
    nobody = UUID(int=0)
    sample = Booking(nobody, 0, nobody, Status.PENDING, None, "", (), 0, 0, _NOTHING_YET, 0, 0)
    body = dict.fromkeys(statuses.to_json(sample))
    body |= {"id": "%s", "reference": "%s", "show_id": "%d", "accepted_at": "%s"}
    body |= {
        "status": Status.PENDING.value,
        "stage": Stage.QUEUED.value,
        "seats": [],
        "version": 0,
        "released": [],
        "extended": False,
    }
    return orjson.dumps(body).decode().replace('"%d"', "%d")[:-1]


_NOTHING_YET = {"kind": "", "accepted_ms": 0, "outcome": "", "reason": None}
_QUEUED = _queued_template()
_MOMENT = (
    ',"position":%s,"eta_ms":%s,"poll_after_ms":%s,"expires_in_ms":%s,"waiting_position":%s,"delayed":%s,'
    '"pending_operation":%s}'
)
_AT_REST = _moment(None, None)
