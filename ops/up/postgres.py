"""Postgres of a home: its data folder, made once, and how it is started.

It listens on a unix socket in a private folder and nowhere else. Every COMMIT is on disk before it is
answered (fsync, synchronous_commit): what the pipeline promises rests on that.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil

from core.errors import ConfigurationError
from ops.up.binaries import Program
from ops.up.folders import Folders
from ops.up.process import Launch, follow

USER = "onsale"
DATABASE = "onsale"
#: As whom the api and the workers log in, with a password; the group of each is made by the schema.
LOGINS = {"onsale_api": "onsale_api_login", "onsale_worker": "onsale_worker_login"}
#: The owner needs none: who can open the socket can read the home's secrets too.
HBA = f"local all {','.join(LOGINS.values())} scram-sha-256\nlocal all all trust\n"
#: Servers get no variable of the caller: PGPORT, PGDATA and others would change what they do.
ENV = {"LC_ALL": "C", "PATH": os.defpath}

OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "port": "5432",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # All statements are short: compiling one costs more than running it.
    "jit": "off",
    "max_connections": "100",
    "shared_buffers": "256MB",
    # Room for minutes of a rush between two checkpoints.
    "max_wal_size": "2GB",
    # A client that was killed must not keep its locks until its statement ends.
    "client_connection_check_interval": "1s",
    # The console is for what stops the server; a failed statement is told to its client, which logs it.
    "log_min_messages": "fatal",
    "log_line_prefix": "postgres[%p] ",
}
if sys.platform == "linux":
    # After a crash Postgres first syncs its whole folder: in one call, not file by file, which takes seconds.
    OPTIONS["recovery_init_sync_method"] = "syncfs"


def prepare(program: Program, folders: Folders) -> None:
    """Make the data folder if there is none. Repeat: nothing happens. Takes about a second.

    Raises ConfigurationError if the kept folder was made by another major version, or initdb fails.
    """
    data = folders.data / "postgres"
    if (data / "PG_VERSION").exists():
        _check_version(program, data)
        _forget_dead(data)
    else:
        _make(program, folders, data)
    (folders.lend("postgres") / "onsale_hba.conf").write_text(HBA)


def _make(program: Program, folders: Folders, data: Path) -> None:
    # Made aside and renamed: a folder whose making was cut short is never taken for a whole one.
    part = folders.data / "postgres.new"
    shutil.rmtree(part, ignore_errors=True)
    folders.lend(part.name)
    auth = ["--auth-local=trust", "--auth-host=reject", "--no-instructions"]
    initdb = [str(program.beside("initdb")), "-D", str(part), "-U", USER, "--locale=C", "-E", "UTF8", *auth]
    _run(initdb, folders, "")
    # `--single` needs no running server, so the database is there from the first start on.
    single = [str(program.path), "--single", "-D", str(part), "template1"]
    if "ERROR" in _run(single, folders, f"CREATE DATABASE {DATABASE};\n"):
        raise ConfigurationError(f"Postgres could not make its database in {part}.")
    if data.exists():
        data.rmdir()
    part.rename(data)
    _sync(folders.data)


def launch(program: Program, folders: Folders) -> Launch:
    """How Postgres is started. SIGINT is its fast shutdown: open connections are closed."""
    options = [part for name, value in OPTIONS.items() for part in ("-c", f"{name}={value}")]
    data = str(folders.data / "postgres")
    options += ["-c", f"hba_file={data}/onsale_hba.conf"]
    return Launch(
        name="postgres",
        command=(str(program.path), "-D", data, "-k", str(folders.sockets), *options),
        cwd=Path("/"),
        env=ENV,
        account=folders.account,
        stop_signal=signal.SIGINT,
    )


def url(folders: Folders) -> str:
    """Where clients find it. The port is given because PGPORT in a caller's environment would change it."""
    return f"postgresql+psycopg://{USER}@/{DATABASE}?host={folders.sockets}&port={OPTIONS['port']}"


def login_url(owner_url: str, group: str, password: str) -> str:
    """The address of a member of one of the schema's two groups, from the owner's."""
    return owner_url.replace(f"//{USER}@", f"//{LOGINS[group]}:{password}@", 1)


def ready(folders: Folders, pid: int) -> bool:
    """Whether the server with this leader takes connections, told by its own file, without connecting."""
    try:
        lines = (folders.data / "postgres" / "postmaster.pid").read_text().splitlines()
    except OSError:
        return False
    return len(lines) > 7 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"


def _check_version(program: Program, data: Path) -> None:
    kept, ours = (data / "PG_VERSION").read_text().strip(), str(program.version[0])
    if kept != ours:
        raise ConfigurationError(
            f"{data} was made by Postgres {kept}, but the program found is Postgres {ours}. "
            "Start with --fresh to lose the data, use another --home, "
            "or let that version serve it and set DATABASE_URL."
        )


def _forget_dead(data: Path) -> None:
    """Remove the pid file of a dead server whose number now belongs to somebody else.

    Postgres takes any living process of its own user for itself and refuses to start; numbers come again
    soon in containers. A living Postgres in this very folder is refused here with a clear error.
    """
    file = data / "postmaster.pid"
    try:
        pid = int(file.read_text().split("\n", 1)[0])
        process = psutil.Process(pid)
        if process.name().startswith("postgres") and Path(process.cwd()) == data:
            raise ConfigurationError(
                f"A Postgres that onsale did not start (pid {pid}) runs in {data}. Stop it first."
            )
    except (OSError, ValueError, psutil.AccessDenied):
        return
    except psutil.NoSuchProcess:
        pass
    file.unlink(missing_ok=True)


def _run(command: list[str], folders: Folders, text: str) -> str:
    """Run a program of Postgres to its end, as the server's user. Returns what it wrote to standard error."""
    child = subprocess.Popen(
        command,
        cwd="/",
        env=ENV,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A Ctrl-C in the terminal is for us alone.
        start_new_session=True,
        preexec_fn=follow(signal.SIGKILL),
        **folders.account.identity(),
    )
    with child:
        try:
            output, errors = child.communicate(text)
        except BaseException:
            # initdb has children of its own.
            os.killpg(child.pid, signal.SIGKILL)
            raise
    if child.returncode != 0:
        said = (errors or output).strip().replace("\n", "; ")
        raise ConfigurationError(f"{Path(command[0]).name} failed: {said}")
    return errors


def _sync(folder: Path) -> None:
    """Make a rename in the folder survive a power cut."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
