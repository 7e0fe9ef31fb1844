"""Copies a show for a rehearsal, and closes the copy when the rehearsal is over.

A copy has the original's hall, prices, limit and hold time. It is on sale at once, and until it is closed, or the
rehearsal's time limit is over: so it is not left on sale if the command is killed. No list shows it, and its title
begins with "Rehearsal of". It is never deleted: the lane's journal has its decisions, and replays only as a whole.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from time import sleep

from sqlalchemy import Engine

from core.errors import ConfigurationError, OnsaleError
from core.ids import lane_of
from core.operations import ChangeShow
from core.shows import SaleState, ShowSettings
from db import installation, rebuilt_cards
from db.kv import admission, cards, lanes
from db.kv.admission import Code
from db.kv.rounds import Rounds
from db.postgres import audit_log, halls, rehearsals, shows
from db.postgres.engine import make_engine, transaction
from db.postgres.shows import ShowRow
from ops.up.running import RunningSystem

#: Time until a copy's show starts: far longer than any rehearsal, ms.
STARTS_IN_MS = 7 * 24 * 3600 * 1000
#: Time for which a copy is on sale after the rehearsal's limit, ms.
SPARE_MS = 60_000
#: Shortest hold time of a copy, ms, however fast a replay is.
HOLD_MIN_MS = 100
#: Seconds in which a copy's close must be decided, and in which requests of other shows must leave their lanes.
CLOSED_S, EMPTY_S = 30.0, 2.0
TICK_S = 0.05
#: Of the lease that a close sets if its lane sleeps, ms: a sweeper finds the lane sooner.
LEASE_MS = 2_000
#: A close must get into a lane however full it is.
NO_CAP = 1 << 30


@dataclass(frozen=True, slots=True)
class Stores:
    """Postgres as its owner, Redis, and the number of lanes. For one command."""

    engine: Engine = field(repr=False)
    rounds: Rounds = field(repr=False)
    lanes: int

    def show(self, show_id: int) -> ShowRow:
        """Return a show as it is committed now. Raises: ConfigurationError: there is none."""
        with transaction(self.engine) as connection:
            row = shows.get(connection, show_id)
        if row is None:
            raise ConfigurationError(f"There is no show {show_id}.")
        return row

    def queued(self) -> dict[int, int]:
        """Return the lanes in which something waits, with how many entries. Raises: RedisUnavailable."""
        replies = self.rounds.call(lanes.overview_commands(self.lanes), writes=False)
        return {state.lane: state.depth for state in lanes.overview(replies) if state.depth}


@contextmanager
def opened(system: RunningSystem, statement_timeout_ms: int = 3_000) -> Iterator[Stores]:
    """Open the running system's stores. Raises: PostgresUnavailable."""
    engine = make_engine(system.database_url, pool_size=1, statement_timeout_ms=statement_timeout_ms)
    rounds = Rounds(system.redis_url)
    try:
        with transaction(engine) as connection:
            count = installation.get(connection).lanes
        yield Stores(engine, rounds, count)
    finally:
        rounds.close()
        engine.dispose()


def refuse_while_busy(stores: Stores, check: Callable[[], None] = lambda: None) -> None:
    """Raise ConfigurationError if requests wait in a lane, and still do EMPTY_S seconds later.

    Args: check: called while it waits; what it raises ends the wait.
    """
    deadline = time.monotonic() + EMPTY_S
    while queued := stores.queued():
        if time.monotonic() > deadline:
            listed = ", ".join(f"lane {lane}: {depth}" for lane, depth in queued.items())
            raise ConfigurationError(
                f"Requests of other shows are waiting ({listed}), and a rehearsal would make them wait longer. "
                "Use --force to rehearse all the same."
            )
        check()
        sleep(TICK_S)


@contextmanager
def copied(stores: Stores, show_id: int, *, limit_s: float, speed: float = 1.0) -> Iterator[ShowRow]:
    """Run the block with a copy of a show on sale, and close the copy at the end, whatever happens.

    Args:    limit_s: the crowd's max duration, seconds, after which the copy's sale ends in any case.
             speed: how many times faster than in reality the crowd is; holds end that much sooner.
    Raises:  ConfigurationError: there is no such show, or it is a copy itself.
             OnsaleError: the copy was not closed; the message says how to close it.
    """
    copy_id = _insert(stores, show_id, limit_s, speed)
    try:
        publish(stores, copy_id)
        yield stores.show(copy_id)
    finally:
        close(stores, copy_id)


def _insert(stores: Stores, show_id: int, limit_s: float, speed: float) -> int:
    with transaction(stores.engine) as connection:
        original = rehearsals.get_original(connection, show_id)
        if original is None:
            raise ConfigurationError(f"There is no show {show_id}.")
        if original.rehearsal_of is not None:
            raise ConfigurationError(
                f"Show {show_id} is itself a copy, of show {original.rehearsal_of}: rehearse that one."
            )
        settings = settings_of_copy(original.settings, int(time.time() * 1000), limit_s, speed)
        copy_id = rehearsals.insert_copy(connection, show_id, settings)
        audit_log.by_command(connection, "show.rehearse", f"show {show_id}", after={"copy": copy_id})
    return copy_id


def settings_of_copy(original: ShowSettings, now_ms: int, limit_s: float, speed: float) -> ShowSettings:
    """Return the settings of a show's copy: on sale from now on, and otherwise as the original's."""
    return replace(
        original,
        state=SaleState.ON_SALE,
        sales_open_ms=0,
        sales_close_ms=now_ms + min(round(limit_s * 1000) + SPARE_MS, STARTS_IN_MS),
        starts_ms=now_ms + STARTS_IN_MS,
        hold_ms=max(HOLD_MIN_MS, round(original.hold_ms / speed)),
        hold_extension_ms=round(original.hold_extension_ms / speed),
        offer_ms=max(HOLD_MIN_MS, round(original.offer_ms / speed)) if original.offer_ms else 0,
        cancelled=False,
    )


def publish(stores: Stores, show_id: int) -> None:
    """Publish a show's card and its hall's plan, so that its buyers need no Postgres. Repeat: safe."""
    row = stores.show(show_id)
    with transaction(stores.engine) as connection:
        card = rebuilt_cards.cards_of(connection, [row])[show_id]
        hall = halls.get_hall(connection, row.hall_id)
    assert hall is not None  # shows_hall_exists
    cards.publish_plan(stores.rounds, hall.id, hall.plan)
    cards.publish(stores.rounds, show_id, card.fields, stores.lanes, ttl_ms=card.ttl_ms)


def close(stores: Stores, show_id: int) -> None:
    """Close a copy through its lane, and wait until that is decided. Repeat: it is closed.

    Raises: OnsaleError: it was not decided within CLOSED_S, or a store is unavailable.
    """
    deadline = time.monotonic() + CLOSED_S
    operation = ChangeShow(show_id=show_id, changes={"state": SaleState.CLOSED.value})
    try:
        for _ in range(2):
            reply = admission.accept(stores.rounds, operation, lanes=stores.lanes, cap=NO_CAP, lease_ms=LEASE_MS)
            if reply.code is not Code.NO_CARD:
                break
            publish(stores, show_id)
        while stores.show(show_id).settings.state is not SaleState.CLOSED:
            if time.monotonic() > deadline:
                raise OnsaleError(f"lane {lane_of(show_id, stores.lanes)} has not decided it within {CLOSED_S:g} s")
            sleep(TICK_S)
        with transaction(stores.engine) as connection:
            audit_log.by_command(connection, "show.close", f"show {show_id}", after={"state": SaleState.CLOSED.value})
    except OnsaleError as error:
        raise OnsaleError(
            f"The copy, show {show_id}, is not closed ({error}): DELETE /api/shows/{show_id}."
        ) from error


def is_copy(stores: Stores, show_id: int) -> bool:
    """Return whether a show is a copy for a rehearsal. Raises: ConfigurationError: there is no such show."""
    with transaction(stores.engine) as connection:
        show = rehearsals.get_original(connection, show_id)
    if show is None:
        raise ConfigurationError(f"There is no show {show_id}.")
    return show.rehearsal_of is not None
