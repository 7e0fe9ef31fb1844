"""`onsale rush`: the command. Reads the options, finds the running system, runs the plan, prints, verifies.

Figures go to stdout, the live picture and everything else to stderr, so that `--json` can be piped.
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
    """hot=50,random=30,best=20"""

    name = "shares"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Mix:
        """Read the shares; a wrong one is a usage error."""
        try:
            return value if isinstance(value, Mix) else Mix.parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class GroupType(click.ParamType[tuple[int, int]]):
    """1-4"""

    name = "seats"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """Read least and most; a wrong range is a usage error."""
        try:
            return value if isinstance(value, tuple) else parse_group(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.command()
@click.option("--buyers", type=click.IntRange(1), default=2500, show_default=True, help="How many people come.")
@click.option("--show", "show_id", type=click.IntRange(0), help="A show that is there.")
@click.option("--seats", type=click.IntRange(1, 200_000), help="Make a show of so many seats.  [default: 1000]")
@click.option("--mix", type=MixType(), default="hot=50,random=30,best=20", show_default=True, help="Kinds of picks.")
@click.option(
    "--group",
    type=GroupType(),
    default="1-2",
    show_default=True,
    help=f"Seats per request, up to {GROUP_MAX}.",
)
@click.option("--ramp", type=click.FloatRange(0), default=0.0, help="Seconds over which they come; 0: all at once.")
@click.option("--holds", type=click.FloatRange(0, 1), default=0.0, help="Share that holds, then confirms.")
@click.option("--connections", type=click.IntRange(1, 10_000), default=64, show_default=True, help="Open at most.")
@click.option("--seed", type=click.IntRange(0), help="Repeats the choices of an earlier rush.")
@click.option("--timeout", type=click.FloatRange(0, min_open=True), default=120.0, show_default=True, help="Seconds.")
@click.option("--verify/--no-verify", default=True, show_default=True, help="Verify the stores at the end.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of the table.")
@click.option("--home", type=click.Path(path_type=Path), help="The home of the running system.")
@click.option("--anywhere", is_flag=True, help="Allow an address that is not this machine's.")
@click.pass_context
def rush(ctx: click.Context, /, home: Path | None, verify: bool, as_json: bool, **options: Any) -> None:
    """Let many buyers storm one show, and check every answer they get.

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
    """The plan for the system that runs in this home, and where its Postgres is."""
    from ops.up.running import running

    system = running(home)
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
