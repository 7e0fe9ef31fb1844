"""The status answer: a booking's published body, and its place in line while something about it is undecided.

Polls are the most frequent requests: a decided body is sent as it was published, with four fields put in.
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
from core.queue_position import Meter, Place, place, poll_of_hold
from core.times import iso
from db.kv import statuses
from db.kv.statuses import Pending

#: Seconds after its deadline in which a hold is usually expired; and how often Postgres is asked for one that is not.
OVERDUE_S = 5
CHECK_S = 60

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
    etag = f"v{fields['v']}-{pending.ticket}-{meter.served}{_DELAYED * here.delayed}"
    return Seen(fields["b"][:-1] + _moment(here, here.poll_after_ms, pending), etag, here.poll_after_ms, True)


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


def listed(booking: Booking) -> dict[str, Any]:
    """A decided booking as a list shows it, which nobody polls."""
    at_rest: dict[str, Any] = orjson.loads("{" + _AT_REST[1:])
    return statuses.to_json(booking) | at_rest


def _queued(booking_id: UUID, fields: dict[str, str], meter: Meter) -> Seen:
    pending = statuses.pending(fields)
    here = place(int(fields["t"]), meter)
    stored = _QUEUED % (booking_id, reference(booking_id), show_of(booking_id), iso(int(fields["a"])))
    etag = f"q{fields['t']}-{meter.served}-{pending.ticket if pending else ''}{_DELAYED * here.delayed}"
    return Seen(stored + _moment(here, here.poll_after_ms, pending), etag, here.poll_after_ms, True)


def _decided(body: str, version: str, status: str, now_ms: int) -> Seen:
    if status != Status.PENDING.value:
        return Seen(body[:-1] + _AT_REST, f"v{version}", None, False)
    poll_after_ms = poll_of_hold(statuses.expires_ms(orjson.loads(body)), now_ms)
    return Seen(body[:-1] + _moment(None, poll_after_ms), f"v{version}", poll_after_ms, False)


def _moment(here: Place | None, poll_after_ms: int | None, pending: Pending | None = None) -> str:
    """The end of a body: what changes from one poll to the next. `here`: None while nothing waits in the lane."""
    return _MOMENT % (
        here.position if here else "null",
        "null" if here is None or here.eta_ms is None else here.eta_ms,
        "null" if poll_after_ms is None else poll_after_ms,
        "true" if here and here.delayed else "false",
        f'{{"kind":"{pending.kind}","accepted_at":"{iso(pending.id.ms)}"}}' if pending else "null",
    )


def _queued_template() -> str:
    """The body of a queued booking up to what `_moment` adds. A dict and its encoding cost a fifth of an accept."""
    nobody = UUID(int=0)
    sample = Booking(nobody, 0, nobody, Status.PENDING, None, "", (), 0, 0, _NOTHING_YET, 0, 0)
    body = dict.fromkeys(statuses.to_json(sample))
    body |= {"id": "%s", "reference": "%s", "show_id": "%d", "accepted_at": "%s"}
    body |= {"status": Status.PENDING.value, "stage": Stage.QUEUED.value, "seats": [], "version": 0}
    return orjson.dumps(body).decode().replace('"%d"', "%d")[:-1]


_NOTHING_YET = {"kind": "", "accepted_ms": 0, "outcome": "", "reason": None}
_QUEUED = _queued_template()
_MOMENT = ',"position":%s,"eta_ms":%s,"poll_after_ms":%s,"delayed":%s,"pending_operation":%s}'
_AT_REST = _moment(None, None)
