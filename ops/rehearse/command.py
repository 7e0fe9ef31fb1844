"""The command `onsale rehearse`: would the sale of this show hold?"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from ops.rehearse import options
from ops.rehearse.crowd import ReplayPlan, replay
from ops.rehearse.recording import Recording
from ops.rehearse.rehearsal import Crowd, Wish, rehearse
from ops.rehearse.report import Report
from ops.rush.command import GroupType, MixType
from ops.rush.figures import Figures
from ops.rush.plan import GROUP_MAX, Plan, refuse_elsewhere
from ops.rush.run import Watch, run_rush
from ops.rush.screen import live_on
from ops.up.running import RunningSystem, find_running

BUYERS, TIMEOUT_S = 2500, 120.0
#: Max buyers, and max seconds of any crowd.
MOST_BUYERS, MOST_S = 200_000, 24 * 3600.0


@click.command()
@click.option("--show", "show_id", type=click.IntRange(1), required=True, help="The show whose sale is rehearsed.")
@click.option("--buyers", type=click.IntRange(1, MOST_BUYERS), help=f"Number of buyers.  [default: {BUYERS}]")
@click.option("--crowd", "crowd_file", type=click.Path(path_type=Path), help="A recorded crowd (onsale record).")
@click.option("--mix", type=MixType(), default="hot=50,random=30,best=20", show_default=True, help="Kinds of picks.")
@click.option(
    "--group", type=GroupType(), default="1-2", show_default=True, help=f"Seats per request, up to {GROUP_MAX}."
)
@click.option("--ramp", type=click.FloatRange(0, MOST_S), default=0.0, help="Seconds over which they arrive.")
@click.option("--holds", type=click.FloatRange(0, 1), default=0.0, help="Share of buyers that hold, then confirm.")
@click.option("--seed", type=click.IntRange(0), help="Repeat the choices of an earlier rehearsal.")
@click.option(
    "--timeout", type=click.FloatRange(0, MOST_S, min_open=True), help="Seconds after which the crowd ends."
)
@options.shared
@click.pass_context
def command(ctx: click.Context, /, crowd_file: Path | None, as_json: bool, home: Path | None, **given: Any) -> None:
    """Copy a show, storm the copy with a crowd, verify, close the copy, and report whether the sale will hold.

    The copy is in no list. Exits with 0 if the sale will hold, with 1 if not. Shows in other lanes are affected, too:
    the machine is the same.
    """
    if crowd_file is not None and given["buyers"] is not None:
        raise click.UsageError("--crowd and --buyers exclude each other.")
    system, watch = find_running(home), watching()
    if crowd_file is not None:
        recording = options.read(crowd_file)
        limit_s = given["timeout"] or limit_of(recording, 1.0)
        crowd = recorded_crowd(system, recording, 1.0, limit_s, given, watch)
        wish = wish_of(system, given, limit_s=limit_s, crowd=crowd_file.name, recorded=recording.header.sold)
    else:
        limit_s = given["timeout"] or given["ramp"] + TIMEOUT_S
        crowd = _synthetic_crowd(system, limit_s, given, watch)
        wish = wish_of(system, given, limit_s=limit_s)
    options.finish(ctx, lambda: _told(system, options.home_of(home), wish, crowd), as_json=as_json)


def wish_of(system: RunningSystem, given: dict[str, Any], **more: Any) -> Wish:
    """Return what the options ask for. Raises: ConfigurationError: the api is elsewhere, without --anywhere."""
    refuse_elsewhere(system.base_url, anywhere=given["anywhere"])
    return Wish(
        show_id=given["show_id"],
        workers=given["workers"],
        eta_below_ms=round(given["eta_below"] * 1000),
        force=given["force"],
        proves=given["proves"],
        **more,
    )


def limit_of(recording: Recording, speed: float) -> float:
    """Return the max duration of a replay, seconds: the recording's at this speed, and as long as any crowd more."""
    return recording.span_ms / 1000 / speed + TIMEOUT_S


def watching() -> Watch | None:
    """Return the live line, if standard error is a terminal."""
    console = Console(stderr=True)
    return live_on(console) if console.is_terminal else None


def recorded_crowd(
    system: RunningSystem,
    recording: Recording,
    speed: float,
    limit_s: float,
    given: dict[str, Any],
    watch: Watch | None,
) -> Crowd:
    """Return a crowd that sends the recording."""

    async def crowd(show_id: int) -> tuple[Figures, Sequence[tuple[str, str]]]:
        plan = ReplayPlan(
            base_url=system.base_url,
            jwt_secret=system.jwt_secret,
            show_id=show_id,
            recording=recording,
            speed=speed,
            timeout_s=limit_s,
            connections=given["connections"],
            anywhere=given["anywhere"],
        )
        done = await replay(plan, watch)
        return done.figures, done.outcomes

    return crowd


def _synthetic_crowd(system: RunningSystem, limit_s: float, given: dict[str, Any], watch: Watch | None) -> Crowd:
    seed = secrets.randbelow(2**32) if given["seed"] is None else given["seed"]

    async def crowd(show_id: int) -> tuple[Figures, Sequence[tuple[str, str]]]:
        plan = Plan(
            base_url=system.base_url,
            jwt_secret=system.jwt_secret,
            show_id=show_id,
            buyers=given["buyers"] or BUYERS,
            mix=given["mix"],
            group=given["group"],
            ramp_s=given["ramp"],
            holds=given["holds"],
            connections=given["connections"],
            seed=seed,
            timeout_s=limit_s,
            anywhere=given["anywhere"],
        )
        return await run_rush(plan, watch), ()

    return crowd


def _told(system: RunningSystem, home: Path, wish: Wish, crowd: Crowd) -> Report:
    click.echo("All shows of this installation share its machine: they are slower meanwhile.", err=True)
    return rehearse(system, home, wish, crowd)
