"""The drain alone: a lane is filled by the real accept script, then one process empties it while the clock runs.

`python -m proof.bench.drain MODE SHOW SEATS` is that process; its output is one number, the seconds. Modes:
rows       the transactions of workers.batch without the journal: the rows that pgbench's transaction writes
recorded   the same with the journal, nothing published
published  workers.drain, from the lane to the published status
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from contextlib import nullcontext
from unittest.mock import patch
from uuid import UUID

from core import gc_tuning, ids, logs
from core.ids import lane_of
from core.local_settings import LocalSettings
from core.operations import Book
from core.settings import Settings
from db.kv import admission, cards, keys
from db.postgres import shows
from db.postgres.engine import transaction
from ops.up import programs
from ops.up.home import metrics_folder
from ops.up.process import Launch
from proof.bench.halls import label
from proof.bench.servers import Servers
from workers.batch import run_batch
from workers.drain import drain
from workers.stores import Stores, open_stores

#: The cap of a lane here, in entries; operations accepted per round trip.
CAP, CHUNK = 2_000_000, 500
TIMEOUT_S = 180.0


def drain_alone(servers: Servers, template: str, mode: str, count: int) -> float:
    """Return the bookings per second of one drain, on a fresh copy of the template with `count` entries in a lane."""
    servers.fresh(template)
    settings = LocalSettings.from_env()
    env = programs.environment(settings, servers.running, metrics_folder(servers.home))
    arguments = (mode, str(servers.shows[template][0]), str(count))
    launch = Launch(
        name="drain", command=(sys.executable, "-m", "proof.bench.drain", *arguments), cwd=programs.PROJECT, env=env
    )
    return count / float(servers.step(launch, TIMEOUT_S))


def fill(stores: Stores, picks: Iterable[tuple[int, str]], *, first: int = 0) -> None:
    """Accept a booking per pick, of one seat by a new buyer. The shows' cards are published first."""
    settings, commands, known = stores.settings, [], set[int]()
    for number, (show_id, seat) in enumerate(picks, first + 1):
        if show_id not in known:
            publish_card(stores, show_id)
            known.add(show_id)
        user = UUID(int=number + (8 << 76) + (2 << 62))
        operation = Book(
            booking_id=ids.booking_id(b"b" * 32, show_id, user, str(number)), show_id=show_id, user_id=user,
            seats=(seat,), fingerprint="f" * 32,
        )  # fmt: skip
        commands.append(
            admission.command(operation, lanes=settings.lanes, cap=CAP, lease_ms=settings.lease_ms, request_id="")
        )
        if len(commands) == CHUNK:
            stores.rounds.call(commands, writes=True)
            commands = []
    if commands:
        stores.rounds.call(commands, writes=True)


def publish_card(stores: Stores, show_id: int) -> None:
    """Publish a show's card, so that it can be booked."""
    with transaction(stores.engine) as connection:
        row = shows.get(connection, show_id)
    assert row is not None
    card = cards.card(row.settings, version=row.version, hall_id=row.hall_id, sold_out_until_ms=0, forgets_at_ms=None)
    cards.publish(stores.rounds, show_id, card, stores.settings.lanes)


def empty(stores: Stores, lane: int, mode: str) -> None:
    """Decide all entries of a lane."""
    while stores.client.xlen(keys.lane(lane)):
        if mode == "published":
            stores.client.delete(keys.lease(lane))
            drain(stores, lane, lambda _lane: None, for_s=0)
        else:
            batch = run_batch(stores, lane, stores.settings.batch)
            assert batch is not None
            after = f"{batch.upto.ms}-{batch.upto.seq + 1}"
            stores.client.xtrim(keys.lane(lane), minid=after, approximate=False)


def main(mode: str, show_id: int, count: int) -> None:
    """Fill a lane, empty it while the clock runs, and print the seconds."""
    settings = Settings.from_env()
    # Nothing but the one number may be printed, and a log line per decision would fill the pipe.
    logs.configure(process="drain", json=False, level="WARNING")
    gc_tuning.settle()
    stores = open_stores(settings)
    fill(stores, ((show_id, label(number)) for number in range(count)))
    lane = lane_of(show_id, stores.settings.lanes)
    with patch("db.postgres.journal.append", lambda *_: None) if mode == "rows" else nullcontext():
        begun = time.perf_counter()
        empty(stores, lane, mode)
        seconds = time.perf_counter() - begun
    with transaction(stores.engine) as connection:
        row = shows.get(connection, show_id)
    assert row is not None
    assert row.sold == count, f"{row.sold} seats are sold, not {count}"
    stores.close()
    print(seconds)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
