"""The command `onsale rush`: reads the options, finds the running system, runs the plan, verifies, prints.

Figures go to stdout, everything else (the live line too) to stderr, so that `--json` can be piped.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from core.errors import OnsaleError
from ops.rush.figures import Figures
from ops.rush.plan import DEFAULT_SEATS, GROUP_MAX, Mix, Plan, parse_group
from ops.rush.run import run_rush
from ops.rush.screen import final_table, live_on


class MixType(click.ParamType[Mix]):
    """Shares of the kinds of picks, such as hot=50,random=30,best=20."""

    name = "shares"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Mix:
        """Parse the shares; report a wrong one as a usage error."""
        try:
            return value if isinstance(value, Mix) else Mix.parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class GroupType(click.ParamType[tuple[int, int]]):
    """A number of seats, or a range of it such as 1-4."""

    name = "seats"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """Parse the range; report a wrong one as a usage error."""
        try:
            return value if isinstance(value, tuple) else parse_group(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.command()
@click.option("--buyers", type=click.IntRange(1), default=2500, show_default=True, help="Number of buyers.")
@click.option("--show", "show_id", type=click.IntRange(0), help="Use the existing show with this id.")
@click.option("--seats", type=click.IntRange(1, 200_000), help="Make a new show with N seats.  [default: 1000]")
@click.option("--mix", type=MixType(), default="hot=50,random=30,best=20", show_default=True, help="Kinds of picks.")
@click.option(
    "--group",
    type=GroupType(),
    default="1-2",
    show_default=True,
    help=f"Seats per request, up to {GROUP_MAX}.",
)
@click.option("--ramp", type=click.FloatRange(0), default=0.0, help="Seconds over which they arrive; 0: all at once.")
@click.option("--holds", type=click.FloatRange(0, 1), default=0.0, help="Share of buyers that hold, then confirm.")
@click.option("--connections", type=click.IntRange(1, 10_000), default=64, show_default=True, help="Max connections.")
@click.option("--seed", type=click.IntRange(0), help="Repeat the choices of an earlier rush.")
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    default=120.0,
    show_default=True,
    help="Seconds after which the rush ends.",
)
@click.option("--verify/--no-verify", default=True, show_default=True, help="Run onsale verify at the end.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the table.")
@click.option("--home", type=click.Path(path_type=Path), help="The home folder. [env: ONSALE_HOME]")
@click.option("--anywhere", is_flag=True, help="Allow an api on another machine.")
@click.pass_context
def rush(ctx: click.Context, /, home: Path | None, verify: bool, as_json: bool, **options: Any) -> None:
    """Send a crowd of buyers to one show, and check every answer they get.

    Exits with 1 if a booking rule was violated, or a request was left unanswered or undecided.
    """
    if options["show_id"] is not None and options["seats"] is not None:
        raise click.UsageError("--show and --seats exclude each other.")
    try:
        plan, database_url = _plan(home, options)
        figures = _run(plan)
        if verify:
            _verify(figures, database_url)
    except OnsaleError as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps(figures.as_json()))
    else:
        Console().print(final_table(figures))
    ctx.exit(0 if figures.good else 1)


def _plan(home: Path | None, options: dict[str, Any]) -> tuple[Plan, str]:
    """Return the plan for the system that runs in this home, and its database's URL."""
    from ops.up.running import find_running

    system = find_running(home)
    plan = Plan(
        base_url=system.base_url,
        jwt_secret=system.jwt_secret,
        database_url=system.database_url,
        buyers=options["buyers"],
        show_id=options["show_id"],
        seats=options["seats"] or DEFAULT_SEATS,
        mix=options["mix"],
        group=options["group"],
        ramp_s=options["ramp"],
        holds=options["holds"],
        connections=options["connections"],
        seed=secrets.randbelow(2**32) if options["seed"] is None else options["seed"],
        timeout_s=options["timeout"],
        anywhere=options["anywhere"],
    )
    return plan, system.database_url


def _run(plan: Plan) -> Figures:
    console = Console(stderr=True)
    if not console.is_terminal:
        return asyncio.run(run_rush(plan))
    console.print(f"{plan.buyers:,} buyers against {plan.base_url}, seed {plan.seed}")
    return asyncio.run(run_rush(plan, live_on(console)))


def _verify(figures: Figures, database_url: str) -> None:
    from ops.verify import verify

    figures.add_violations(f"verify: {text}" for text in verify(database_url).violations)
