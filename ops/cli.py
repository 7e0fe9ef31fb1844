"""The command `onsale`. Each command's module is imported only when the command runs: `--help` stays fast.

Errors in the configuration or the system are reported as one line on standard error, with exit code 2.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from core.errors import ConfigurationError, OnsaleError

#: Commands that live in other modules: name -> module, its click command there, one line of help.
LAZY = {
    "rush": ("ops.rush.command", "rush", "Send a crowd of buyers to one show, and check every answer they get."),
    "tokens": ("ops.tokens", "command", "Create accounts and access tokens for a load test, or remove them."),
    "rehearse": ("ops.rehearse.command", "command", "Storm a copy of a show, and report whether its sale will hold."),
    "record": ("ops.rehearse.record_command", "command", "Record the requests of a sale, without personal data."),
    "replay": ("ops.rehearse.replay_command", "command", "Send a recorded sale again, and compare the outcomes."),
    "verify": ("ops.verify", "command", "Prove from Postgres that no seat was sold twice and no decision is wrong."),
    "password": ("ops.password", "command", "Set an account's password; the only way to set an administrator's."),
    "hall": ("ops.hall", "command", "Add a hall from a file: a pretix seating plan, or CSV."),
    "admin": ("ops.admin", "command", "Say who is an administrator: grant, revoke, list."),
    "clock": ("ops.clock", "command", "Compare the servers' clocks; reset lanes whose ids are ahead."),
    "bench": ("proof.bench.command", "command", "Measure Onsale against other designs. (repository only)"),
    "crash": ("proof.crash.command", "command", "Make processes fail at every crash point. (repository only)"),
    "chaos": ("proof.chaos.command", "command", "Run the whole system under load and faults. (repository only)"),
}

HOME = click.option("--home", type=click.Path(path_type=Path), help="The home folder. [env: ONSALE_HOME]")


class LazyGroup(click.Group):
    """A group that imports the modules of the commands in LAZY only when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return all names: our own first, then those in LAZY."""
        return [*super().list_commands(ctx), *LAZY]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of a command in LAZY. Raises ConfigurationError if it is not installed."""
        if cmd_name not in LAZY:
            return super().get_command(ctx, cmd_name)
        module, attribute, _ = LAZY[cmd_name]
        try:
            found = getattr(import_module(module), attribute)
        except ModuleNotFoundError as error:
            if error.name not in (module, module.partition(".")[0]):
                raise
            raise ConfigurationError(
                f"onsale {cmd_name} is not part of this installation; run it from a clone of the repository."
            ) from error
        if not isinstance(found, click.Command):
            raise ConfigurationError(f"{module}.{attribute} is not a click command.")
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing their modules."""
        rows = [(name, command.get_short_help_str(80)) for name, command in sorted(self.commands.items())]
        rows += [(name, line) for name, (_, _, line) in LAZY.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run a command. Report an OnsaleError as one line with exit code 2, not as a traceback."""
        try:
            return super().main(*args, **kwargs)
        except OnsaleError as error:
            click.echo(f"onsale: {error}", err=True)
            sys.exit(2)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Onsale sells seats, also when everybody wants them at once."""


@main.command()
@click.option("--workers", type=click.IntRange(0, 64), help="Number of workers. [env: WORKERS, else 2]")
@click.option(
    "--port", type=click.IntRange(0, 65_535), help="The api's port; 0: any free one. [env: PORT, else 8000]"
)
@HOME
@click.option("--fresh", is_flag=True, default=None, help="Delete the data first. [env: FRESH=1]")
def up(**given: Any) -> None:
    """Run everything on this machine in the foreground; Ctrl-C stops it."""
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
    """Set the number of workers of the running system: onsale scale worker=4."""
    from ops.up.control import ask

    name, _, count = counts[-1].partition("=")
    if len(counts) > 1 or name != "worker" or not count.isdigit():
        raise ConfigurationError("Only workers can be scaled: onsale scale worker=4")
    ask(_home(home), {"do": "scale", "worker": int(count)})
    click.echo(f"worker={count}")


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of tables.")
@HOME
def status(as_json: bool, home: Path | None) -> None:
    """Show the running system's processes, lanes and seats."""
    from ops.status import show

    show(_home(home), as_json=as_json)


@main.command()
@click.option("--demo", is_flag=True, help="Also load the demo catalogue if there are no movies.")
def migrate(demo: bool) -> None:
    """Prepare the stores at DATABASE_URL and REDIS_URL: schema, roles, admin."""
    from core.local_settings import LocalSettings
    from ops.migrate import migrate as run
    from ops.up.welcome import admin

    result = run(LocalSettings.from_env(), demo=demo)
    if result.admin_password:
        click.echo(admin(result.admin_email, result.admin_password))


def _home(given: Path | None) -> Path:
    from core.local_settings import LocalSettings

    return (LocalSettings.from_env().home if given is None else given).resolve()


if __name__ == "__main__":
    main()
