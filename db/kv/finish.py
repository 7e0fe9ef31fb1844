"""Finish: publish a committed batch and trim its entries from the lane, in one atomic step (lua/finish.lua).

The script declares its records (BATCH, STATUS, CARD, EXPIRE) as lists of field names. They are read from its source
here, so the order of its arguments is written down once, there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import redis

from core.bookings import Booking
from core.operations import StreamId
from db.kv import keys, scripts
from db.kv.statuses import body, ttl_ms

_TABLE = re.compile(r"^local ([A-Z]+) = \{(.*?)\}", re.MULTILINE | re.DOTALL)
_NAME = re.compile(r"'([a-z_]+)'")
_COMMENT = re.compile(r"--.*")
#: Record -> its fields, in the order in which finish.lua reads them.
RECORDS: dict[str, list[str]] = {
    name: _NAME.findall(_COMMENT.sub("", fields)) for name, fields in _TABLE.findall(scripts.FINISH.source)
}


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a batch was decided, entries per second. `large`: it was large, so the time since the batch before it
    counts as well (finish.lua makes the lane's rate of both)."""

    per_s: float
    large: bool


@dataclass(frozen=True, slots=True)
class CardChange:
    """What a batch publishes about one show.

    `card`: its fields (db/kv/cards.py). `before`: the show's version before the batch. `taken`: the seats that have
    changed, number in the plan -> until when they are taken, seconds (core/taken_seats.py); `all_taken`: all taken
    seats, empty if they were not read. `books`: user -> how many Books leave the lane. `limits`: user -> (until when,
    ms, this is known; how many more seats the user may take), or (0, 0): nothing is known any more.
    """

    show_id: int
    card: Mapping[str, Any]
    before: int
    new_settings: bool
    taken: Mapping[int, int]
    all_taken: bytes
    books: Mapping[UUID, int]
    limits: Mapping[UUID, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Publication:
    """A committed batch, ready for finish.lua.

    `upto`, `ticket`: of its last entry. `seq`: the lane's last number in the journal. `newest`: booking -> the
    batch's last operation on it. `expired`: (show, Expire) that were decided. `withdrawals_over`: bookings that no
    Cancel in the lane withdraws any more.
    """

    lane: int
    epoch: str
    upto: StreamId
    ticket: int
    seq: int
    bookings: Sequence[Booking]
    newest: Mapping[UUID, StreamId]
    cards: Sequence[CardChange]
    expires: Sequence[tuple[int, StreamId]]
    withdrawals_over: Sequence[UUID]


def finish(
    client: redis.Redis, batch: Publication, *, token: str, lease_ms: int, pace: Pace | None, final_ttl_s: int
) -> list[int] | None:
    """Publish a committed batch and trim its entries (docs/locking.md rules 6 and 7).

    Returns the shows of the batch whose taken seats accept.lua does not know; None: another drain was first, or Redis
    is in another life (finish.lua).   Raises: redis-py's errors.
    Repeat:  safe, also by a drain that resumes late.
    """
    records = [_batch(batch, token, lease_ms, pace)]
    records += [_status(booking, batch.newest.get(booking.id), final_ttl_s) for booking in batch.bookings]
    records += [_card(change) for change in batch.cards]
    records += [encode("EXPIRE", {"id": str(entry_id)}) for _, entry_id in batch.expires]
    arguments = [argument for record in records for argument in record]
    reply: Any = scripts.FINISH.run(client, _keys(batch), arguments)
    done, *known = reply
    return [change.show_id for change, one in zip(batch.cards, known, strict=True) if not one] if done else None


def encode(record: str, values: Mapping[str, Any]) -> list[Any]:
    """Return a record's values in the script's order.

    Raises KeyError or ValueError if the fields are not the same.
    """
    names = RECORDS[record]
    if len(values) != len(names):
        raise ValueError(f"{record} has other fields in finish.lua: {sorted(set(names) ^ set(values))}")
    return [values[name] for name in names]


def _keys(batch: Publication) -> list[str]:
    lane = batch.lane
    found = [keys.lane(lane), keys.lease(lane), keys.meter(lane), keys.withdrawn(lane)]
    found += [keys.status(lane, booking.id) for booking in batch.bookings]
    for change in batch.cards:
        found += [make(lane, change.show_id) for make in (keys.card, keys.taken, keys.undecided)]
    return found + [keys.expiring(lane, show_id) for show_id, _ in batch.expires]


def _batch(batch: Publication, token: str, lease_ms: int, pace: Pace | None) -> list[Any]:
    return encode(
        "BATCH",
        {
            "epoch": batch.epoch,
            "keep_from": f"{batch.upto.ms}-{batch.upto.seq + 1}",
            "ticket": batch.ticket,
            "seq": batch.seq,
            "token": token,
            "lease_ms": lease_ms,
            "pace": "" if pace is None else f"{pace.per_s:.1f} {pace.large:d}",
            "statuses": len(batch.bookings),
            "cards": len(batch.cards),
            "expires": len(batch.expires),
            "channel": keys.DECIDED,
            "decided": " ".join(booking.id.hex for booking in batch.bookings),
            "withdrawals_over": " ".join(id_.hex for id_ in batch.withdrawals_over),
        },
    )


def _status(booking: Booking, newest: StreamId | None, final_ttl_s: int) -> list[Any]:
    return encode(
        "STATUS",
        {
            "version": booking.version,
            "status": booking.status.value,
            "user": str(booking.user_id),
            "fingerprint": booking.fingerprint,
            "body": body(booking),
            "ttl_ms": ttl_ms(booking, final_ttl_s),
            "newest": str(newest or ""),
        },
    )


def _card(change: CardChange) -> list[Any]:
    books = [f"{user} {number}" for user, number in change.books.items()]
    if books:
        books.append(f"all {sum(change.books.values())}")
    return encode(
        "CARD",
        {
            **change.card,
            "before": change.before,
            "new_settings": int(change.new_settings),
            "taken": " ".join(f"{number} {until_s}" for number, until_s in change.taken.items()),
            "all_taken": change.all_taken,
            "books": " ".join(books),
            "limits": " ".join(f"{user} {until_ms} {left}" for user, (until_ms, left) in change.limits.items()),
            "followers": keys.seats(change.show_id),
        },
    )
