"""The Postgres of a home: its data folder, which is made once, and how it is started.

It listens only on a unix socket in a private folder. Every COMMIT is on disk before it is answered (fsync,
synchronous_commit): Onsale's guarantees depend on that.
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
#: Group role (made by the schema) -> the login role of the api and of the workers, which have passwords.
LOGINS = {"onsale_api": "onsale_api_login", "onsale_worker": "onsale_worker_login"}
#: The owner needs no password: users that can open the socket can read the home's secrets too.
HBA = f"local all {','.join(LOGINS.values())} scram-sha-256\nlocal all all trust\n"
#: The servers' environment. Nothing of the caller's: PGPORT, PGDATA and others would change what they do.
ENV = {"LC_ALL": "C", "PATH": os.defpath}

OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "port": "5432",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # All statements are short: compiling one takes longer than running it.
    "jit": "off",
    "max_connections": "100",
    "shared_buffers": "256MB",
    # Enough for minutes of a rush between two checkpoints.
    "max_wal_size": "2GB",
    # Otherwise a killed client would keep its locks until its statement ends.
    "client_connection_check_interval": "1s",
    # The console shows only what stops the server; a failed statement is returned to its client, which logs it.
    "log_min_messages": "fatal",
    "log_line_prefix": "postgres[%p] ",
}
if sys.platform == "linux":
    # After a crash Postgres first syncs its whole data folder: in one call, because file by file takes seconds.
    OPTIONS["recovery_init_sync_method"] = "syncfs"


def prepare(program: Program, folders: Folders) -> None:
    """Make the data folder if there is none, which takes about a second, and write the host-based access rules.

    Raises: ConfigurationError: the existing folder was made by another major version, another Postgres runs in it,
            or initdb fails.
    """
    data = folders.data / "postgres"
    if (data / "PG_VERSION").exists():
        _check_version(program, data)
        _forget_dead(data)
    else:
        _make(program, folders, data)
    (folders.lend("postgres") / "onsale_hba.conf").write_text(HBA)


def _make(program: Program, folders: Folders, data: Path) -> None:
    # Make it under another name and rename it, so that an unfinished folder is never used.
    part = folders.data / "postgres.new"
    shutil.rmtree(part, ignore_errors=True)
    folders.lend(part.name)
    auth = ["--auth-local=trust", "--auth-host=reject", "--no-instructions"]
    initdb = [str(program.beside("initdb")), "-D", str(part), "-U", USER, "--locale=C", "-E", "UTF8", *auth]
    _run(initdb, folders, "")
    # `--single` needs no running server, so the database exists before the first start.
    single = [str(program.path), "--single", "-D", str(part), "template1"]
    if "ERROR" in _run(single, folders, f"CREATE DATABASE {DATABASE};\n"):
        raise ConfigurationError(f"Postgres could not make its database in {part}.")
    if data.exists():
        data.rmdir()
    part.rename(data)
    _sync(folders.data)


def launch(program: Program, folders: Folders) -> Launch:
    """Return how to start Postgres. SIGINT is its fast shutdown: open connections are closed."""
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
    """Return the owner's URL. It names the port because PGPORT in a client's environment would change it."""
    return f"postgresql+psycopg://{USER}@/{DATABASE}?host={folders.sockets}&port={OPTIONS['port']}"


def login_url(owner_url: str, group: str, password: str) -> str:
    """Return the URL for the login role of one of the schema's two group roles."""
    return owner_url.replace(f"//{USER}@", f"//{LOGINS[group]}:{password}@", 1)


def ready(folders: Folders, pid: int) -> bool:
    """Return whether the server with this process id accepts connections, by its pid file, without connecting."""
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
            "Start with --fresh to delete the data, use another --home, "
            f"or run Postgres {kept} on it yourself and set DATABASE_URL."
        )


def _forget_dead(data: Path) -> None:
    """Remove the pid file of a dead server, whose process id another process may have by now.

    Otherwise Postgres would take any process of its user with that id for a running server and refuse to start; in
    containers, ids are soon reused. Raises ConfigurationError if a Postgres is running in this folder.
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
    """Run a program of Postgres to its end, as the servers' user; return what it wrote to standard error."""
    child = subprocess.Popen(
        command,
        cwd="/",
        env=ENV,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A Ctrl-C in the terminal must reach us only.
        start_new_session=True,
        preexec_fn=follow(signal.SIGKILL),
        **folders.account.identity(),
    )
    with child:
        try:
            output, errors = child.communicate(text)
        except BaseException:
            # Also on Ctrl-C: initdb has child processes, which would go on.
            os.killpg(child.pid, signal.SIGKILL)
            raise
    if child.returncode != 0:
        reason = (errors or output).strip().replace("\n", "; ")
        raise ConfigurationError(f"{Path(command[0]).name} failed: {reason}")
    return errors


def _sync(folder: Path) -> None:
    """Make a rename in the folder survive a power cut."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
