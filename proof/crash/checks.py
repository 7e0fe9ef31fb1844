"""What must hold when a case is over: the run's own record against the apis, Postgres and Redis."""

from __future__ import annotations

import time
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
from proof.crash.ground import LANES, LOOK_S
from proof.crash.load import Load

#: Seconds within which every lane is empty once everybody has an outcome.
EMPTY_S = 5.0


def outcomes(load: Load) -> Iterator[str]:
    """Every accepted request has one outcome, a right one; of those who want one seat, one has it."""
    for asked in load.asked:
        yield from asked.wrong
        if asked.ended not in asked.may_end:
            yield f"{asked} ended as {asked.ended or 'nothing'}, having been {' > '.join(asked.seen)}"
    winners = Counter(asked.contested for asked in load.asked if asked.contested and asked.ended == "CONFIRMED")
    for seat in {asked.contested for asked in load.asked if asked.contested}:
        if winners[seat] != 1:
            yield f"{winners[seat]} of those who wanted {seat} have it"


def repetition(load: Load) -> Iterator[str]:
    """The same key is the same booking, and a booking shown again is what it was."""
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
            yield f"{asked} was {before[0]}, and asked again it is {asked.ended} {asked.wrong[before[1] :]}"
    yield from (f"{user} with {key} has {sorted(ids)}" for (user, key), ids in same.items() if len(ids) > 1)


def record(load: Load, database_url: str) -> Iterator[str]:
    """Postgres has what the clients saw, and nothing that nobody asked for."""
    engine = make_engine(database_url, pool_size=1)
    try:
        with transaction(engine) as connection:
            stored = {str(each.id): each for each in bookings.all_bookings(connection)}
    finally:
        engine.dispose()
    asked_for = {asked.id: asked for asked in load.asked if asked.id}
    for id_, asked in asked_for.items():
        if id_ not in stored:
            yield f"{asked} is not in Postgres, though its client saw {' > '.join(asked.seen)}"
        elif _says(stored[id_]) != asked.ended:
            yield f"{asked} is {_says(stored[id_])} in Postgres, and {asked.ended or 'undecided'} for its client"
    ours = {load.shows.long, load.shows.short}
    for id_, booking in stored.items():
        if booking.show_id in ours and id_ not in asked_for:
            yield f"booking {id_} is in Postgres, and nobody knows its id"


def emptied(redis_url: str) -> list[str]:
    """Every lane is empty, at the latest after EMPTY_S seconds."""
    client = redis.Redis(connection_pool=connection_pool(redis_url, socket_timeout_s=2))
    deadline = time.monotonic() + EMPTY_S
    try:
        while left := {lane: depth for lane in range(LANES) if (depth := client.xlen(keys.lane(lane)))}:
            if time.monotonic() > deadline:
                return [f"lane {lane} has {depth} entries left" for lane, depth in left.items()]
            time.sleep(LOOK_S)
    finally:
        client.close()
    return []


def proven(database_url: str, known: set[str]) -> list[str]:
    """`onsale verify`: seats, counters, journal and its replay. Only what no earlier case has found."""
    found = [violation for violation in verify(database_url).violations if violation not in known]
    known.update(found)
    return found


def _says(booking: Booking) -> str:
    if booking.status is Status.PENDING:
        return Stage.HELD.value
    return f"{booking.status} {booking.reason}" if booking.status is Status.FAILED else booking.status.value
