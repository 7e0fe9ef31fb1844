"""The command `onsale`. Each command's module is imported only when the command runs: `--help` stays fast.

What is wrong with the configuration or the system is one line on standard error and exit code 2.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from core.errors import ConfigurationError, OnsaleError

#: Commands of other modules: name -> module, its click command there, one line of help.
ELSEWHERE = {
    "rush": ("ops.rush.command", "rush", "Send a crowd of buyers at once and count what becomes of them."),
    "bench": ("proof.bench.command", "command", "Measure Onsale beside other designs."),
    "crash": (
        "proof.crash.command",
        "command",
        "Let processes fail at every crash point, and check that nothing is lost.",
    ),
    "chaos": (
        "proof.chaos.command",
        "command",
        "Run everything under load and faults, and look for broken promises.",
    ),
    "clock": ("ops.clock", "command", "Compare the servers' clocks; reset lanes that a wrong one has left ahead."),
    "password": ("ops.password", "command", "Set an account's password: an administrator's is set nowhere else."),
    "verify": (
        "ops.verify",
        "command",
        "Prove from Postgres that no seat was sold twice and no decision is wrong.",
    ),
}

HOME = click.option("--home", type=click.Path(path_type=Path), help="The home's folder. [env: ONSALE_HOME]")


class LazyGroup(click.Group):
    """A group whose commands may live in modules that are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order of use."""
        return [*super().list_commands(ctx), *ELSEWHERE]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of a command that lives elsewhere. Raises ConfigurationError if it is not there."""
        if cmd_name not in ELSEWHERE:
            return super().get_command(ctx, cmd_name)
        module, attribute, _ = ELSEWHERE[cmd_name]
        try:
            found = getattr(import_module(module), attribute)
        except ModuleNotFoundError as error:
            if error.name not in (module, module.partition(".")[0]):
                raise
            raise ConfigurationError(f"The command {cmd_name} is not installed ({module}).") from error
        if not isinstance(found, click.Command):
            raise ConfigurationError(f"{module}.{attribute} is no click command.")
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing any module for it."""
        rows = [(name, command.get_short_help_str(80)) for name, command in sorted(self.commands.items())]
        rows += [(name, line) for name, (_, _, line) in ELSEWHERE.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run a command. An OnsaleError is one line and exit code 2, not a traceback."""
        try:
            return super().main(*args, **kwargs)
        except OnsaleError as error:
            click.echo(f"onsale: {error}", err=True)
            sys.exit(2)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Onsale sells seats while everybody wants them at once."""


@main.command()
@click.option("--workers", type=click.IntRange(0, 64), help="How many workers. [env: WORKERS, else 2]")
@click.option("--port", type=click.IntRange(0, 65_535), help="The api's port, 0: any. [env: PORT, else 8000]")
@HOME
@click.option("--fresh", is_flag=True, default=None, help="Empty the data first. [env: FRESH=1]")
def up(**given: Any) -> None:
    """Start everything on this machine and stay; Ctrl-C stops it all."""
    from core.local_settings import LocalSettings
    from core.logs import configure
    from ops.up.command import up as run

    chosen = {name: value for name, value in given.items() if value is not None}
    settings = replace(LocalSettings.from_env(), **chosen)
    configure(process="supervisor", json=settings.log_json, level="INFO")
    run(settings)


@main.command()
@click.argument("counts", nargs=-1, required=True, metavar="worker=N")
@HOME
def scale(counts: tuple[str, ...], home: Path | None) -> None:
    """Change the number of workers of a running system: onsale scale worker=4."""
    from ops.up.control import ask

    name, _, count = counts[-1].partition("=")
    if len(counts) > 1 or name != "worker" or not count.isdigit():
        raise ConfigurationError("Only workers can be scaled: onsale scale worker=4")
    ask(_home(home), {"do": "scale", "worker": int(count)})
    click.echo(f"worker={count}")


@main.command()
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@HOME
def status(as_json: bool, home: Path | None) -> None:
    """Show processes, lanes and bookings of the running system."""
    from ops.status import show

    show(_home(home), as_json=as_json)


@main.command()
@click.option("--demo", is_flag=True, help="Also load the demo catalogue, if there are no movies.")
def migrate(demo: bool) -> None:
    """Bring the schema up to date, from DATABASE_URL and REDIS_URL, and make the admin."""
    from core.local_settings import LocalSettings
    from ops.migrate import apply
    from ops.up.welcome import admin

    prepared = apply(LocalSettings.from_env(), demo=demo)
    if prepared.admin_password:
        click.echo(admin(prepared.admin_email, prepared.admin_password))


def _home(given: Path | None) -> Path:
    from core.local_settings import LocalSettings

    return (LocalSettings.from_env().home if given is None else given).resolve()


if __name__ == "__main__":
    main()
