"""The output of a proof that is a command: its own on the console, that of the processes it starts in a file."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

from rich.console import Console

from core import logs
from core.errors import OnsaleError

#: Max bytes read from the end of the processes' output when something fails, and max lines of it shown.
READ_BYTES, SHOWN_LINES = 100_000, 40


@contextmanager
def quiet(process: str) -> Iterator[tuple[Console, IO[bytes]]]:
    """Yield a console on the real output, and the file that all other output goes to until the block ends.

    process: the name of this process in its own log.
    """
    logs.configure(process=process, json=False, level="WARNING")
    sys.stdout.flush()
    kept = os.dup(1), os.dup(2)
    with tempfile.TemporaryFile() as log, os.fdopen(os.dup(1), "w") as output:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        try:
            yield Console(file=output), log
        finally:
            sys.stdout.flush()
            for number, original in enumerate(kept, 1):
                os.dup2(original, number)
                os.close(original)


def show_end(console: Console, log: IO[bytes], since: int = 0) -> None:
    """Show the last lines that the processes printed after byte `since`, except those at level info."""
    log.seek(max(since, log.seek(0, os.SEEK_END) - READ_BYTES))
    lines = [line for line in log.read().decode(errors="replace").splitlines() if "level=info" not in line]
    console.print("\n".join(lines[-SHOWN_LINES:]), markup=False, highlight=False, soft_wrap=True)


def run_command(name: str, command: Callable[[], None]) -> None:
    """Run a command; print an OnsaleError as one line that begins with the name, and exit with code 2."""
    try:
        command()
    except OnsaleError as error:
        print(f"{name}: {error}", file=sys.stderr)
        sys.exit(2)
