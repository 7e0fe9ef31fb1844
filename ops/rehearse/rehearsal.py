"""One rehearsal or replay from beginning to end: checks, workers, copy, crowd, verify, report; then all as before."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import ConfigurationError
from ops.rehearse import copies
from ops.rehearse.comparison import compare
from ops.rehearse.copies import Stores
from ops.rehearse.interrupts import Interrupts
from ops.rehearse.report import Report, Setting, Sold
from ops.rehearse.workers import scaled
from ops.rush.figures import Figures
from ops.up.running import RunningSystem
from ops.verify import verify

#: Sends a crowd to the show with this id; returns its figures, and for a replay the outcomes (crowd.Replayed).
Crowd = Callable[[int], Coroutine[Any, Any, tuple[Figures, Sequence[tuple[str, str]]]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is asked for. `copies`: the crowd gets a copy of the show, not the show itself.

    `limit_s`: the crowd's max duration, seconds.  `recorded`: seats sold in the recording; None: there is none.
    """

    show_id: int
    copies: bool = True
    workers: int | None = None
    eta_below_ms: int
    force: bool = False
    proves: bool = True
    limit_s: float
    crowd: str = "synthetic"
    speed: float = 1.0
    recorded: int | None = None


def rehearse(system: RunningSystem, home: Path, wish: Wish, crowd: Crowd) -> Report:
    """Run the crowd, and report. Interrupted or not, the copy is closed and the number of workers restored.

    Raises: ConfigurationError: no such show, requests wait (without `force`), or the workers are not ours.
            OnsaleError: a store or the api is unavailable, or the copy is not closed.
    """
    with Interrupts() as interrupts, copies.opened(system) as stores:
        _check(stores, wish, interrupts)
        with ExitStack() as stack:
            workers = stack.enter_context(scaled(home, stores.rounds, wish.workers, interrupts.check))
            show = stores.show(wish.show_id)
            if wish.copies:
                copied = copies.copied(stores, wish.show_id, limit_s=wish.limit_s, speed=wish.speed)
                show = stack.enter_context(copied)
            figures, outcomes = interrupts.run(crowd(show.id))
            after = stores.show(show.id)
        with interrupts.raising():
            violations = verify(system.database_url).violations if wish.proves else []
        figures.add_violations(f"verify: {text}" for text in violations)
    setting = Setting(
        show_id=wish.show_id,
        copy_id=show.id,
        workers=workers,
        eta_below_ms=wish.eta_below_ms,
        capacity=after.capacity,
        taken=after.held + after.sold,
        crowd=wish.crowd,
        speed=wish.speed,
    )
    sold = None
    if wish.recorded is not None:
        sold = Sold(recorded=wish.recorded, replayed=figures.seats_sold, differences=compare(outcomes))
    return Report.of(setting, figures, sold)


def _check(stores: Stores, wish: Wish, interrupts: Interrupts) -> None:
    if not wish.copies and not wish.force and not copies.is_copy(stores, wish.show_id):
        raise ConfigurationError(
            f"Show {wish.show_id} is no copy, so this crowd would buy its seats. Use --copy-of, or --force."
        )
    stores.show(wish.show_id)
    if not wish.force:
        copies.refuse_while_busy(stores, interrupts.check)
