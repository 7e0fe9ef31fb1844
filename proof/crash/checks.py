"""The checks after a case: the run's own record against the apis, Postgres and Redis."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

import redis

from core.bookings import Booking, Stage, Status
from db.kv import keys
from db.kv.rounds import connection_pool
from db.postgres import bookings
from db.postgres.engine import make_engine, transaction
from ops.verify import verify
from proof.crash.client import Unanswered
from proof.crash.load import Load
from proof.crash.system import LANES
from proof.kit.waiting import within

#: Seconds within which every lane is empty once every booking has an outcome.
EMPTY_S = 5.0


def outcomes(load: Load) -> Iterator[str]:
    """Yield bookings without a right outcome, and contested seats that not exactly one booking has."""
    for asked in load.asked:
        yield from asked.wrong
        if asked.ended not in asked.may_end:
            yield f"{asked} ended as {asked.ended or 'nothing'}, after {' > '.join(asked.seen)}"
    winners = Counter(asked.contested for asked in load.asked if asked.contested and asked.ended == "CONFIRMED")
    for seat in {asked.contested for asked in load.asked if asked.contested}:
        if winners[seat] != 1:
            yield f"{winners[seat]} of the bookings that requested {seat} have it"


def repetition(load: Load) -> Iterator[str]:
    """Yield keys that do not give the same booking again, and bookings whose state is another when read again."""
    same: dict[tuple[object, str], set[str]] = defaultdict(set)
    for asked in load.asked:
        if not asked.id:
            continue
        before = asked.ended, len(asked.wrong)
        try:
            load.get(asked)
            if asked.key:
                load.post(asked)
                same[asked.user, asked.key].add(asked.id)
        except Unanswered as error:
            yield f"not answered in the end: {error}"
        if (asked.ended, len(asked.wrong)) != before:
            yield f"{asked} was {before[0]}, and read again it is {asked.ended} {asked.wrong[before[1] :]}"
    yield from (f"{user} with {key} has {sorted(ids)}" for (user, key), ids in same.items() if len(ids) > 1)


def record(load: Load, database_url: str) -> Iterator[str]:
    """Yield differences between Postgres and what the clients saw."""
    engine = make_engine(database_url, pool_size=1)
    try:
        with transaction(engine) as connection:
            stored = {str(each.id): each for each in bookings.all_bookings(connection)}
    finally:
        engine.dispose()
    requested = {asked.id: asked for asked in load.asked if asked.id}
    for id_, asked in requested.items():
        if id_ not in stored:
            yield f"{asked} is not in Postgres, though its client saw {' > '.join(asked.seen)}"
        elif _state(stored[id_]) != asked.ended:
            yield f"{asked} is {_state(stored[id_])} in Postgres, and {asked.ended or 'undecided'} for its client"
    ours = {load.shows.long, load.shows.short}
    for id_, booking in stored.items():
        if booking.show_id in ours and id_ not in requested:
            yield f"booking {id_} is in Postgres, but no client requested it"


def emptied(redis_url: str) -> list[str]:
    """Return the lanes that are not empty after EMPTY_S seconds."""
    client = redis.Redis(connection_pool=connection_pool(redis_url, socket_timeout_s=2))

    def left() -> dict[int, int]:
        return {lane: depth for lane in range(LANES) if (depth := client.xlen(keys.lane(lane)))}

    try:
        if within(lambda: not left(), EMPTY_S):
            return []
        return [f"lane {lane} has {depth} entries left" for lane, depth in left().items()]
    finally:
        client.close()


def proven(database_url: str, known: set[str]) -> list[str]:
    """Run `onsale verify` (seats, counters, journal and its replay); return what no earlier case has found."""
    found = [violation for violation in verify(database_url).violations if violation not in known]
    known.update(found)
    return found


def _state(booking: Booking) -> str:
    if booking.status is Status.PENDING:
        return Stage.HELD.value
    return f"{booking.status} {booking.reason}" if booking.status is Status.FAILED else booking.status.value
