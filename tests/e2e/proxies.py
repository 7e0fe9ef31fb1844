"""Runs nginx and HAProxy, with the configurations in docs/proxies, in front of a test's servers."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from proof.kit.waiting import until
from tests.contract import wire
from tests.contract.wire import Address
from tests.e2e.front import HOST, PROJECT, free_port

FOLDER = PROJECT / "docs" / "proxies"
#: The addresses in these files, which are replaced by those of a test's servers, in this order.
APIS = ("127.0.0.1:8000", "127.0.0.1:8001")
PREFIX = "/tickets"
NGINX = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    gzip on;
    gzip_proxied any;
    gzip_types application/json;
    include {folder}/onsale.conf;
}}
"""


def program(name: str) -> str | None:
    """Return a program's path, or None. Debian installs servers in folders that are not on every PATH."""
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"]))


def written(name: str, folder: Path, port: int, apis: Sequence[Address]) -> str:
    """Return a configuration from docs/proxies with a test's addresses."""
    text = (FOLDER / name).read_text()
    bind = {
        "nginx.conf": ("listen 80;", f"listen {HOST}:{port};"),
        "haproxy.cfg": ("bind :80", f"bind {HOST}:{port}"),
    }
    replaced = [bind[name], *((old, f"{HOST}:{api[1]}") for old, api in zip(APIS, apis, strict=True))]
    for old, new in replaced:
        assert old in text, old
        text = text.replace(old, new)
    return text


@contextmanager
def nginx(folder: Path, apis: Sequence[Address]) -> Iterator[Address]:
    """Run nginx until the block ends."""
    port = free_port()
    (folder / "onsale.conf").write_text(written("nginx.conf", folder, port, apis))
    (folder / "nginx.conf").write_text(("user root;" if os.geteuid() == 0 else "") + NGINX.format(folder=folder))
    command = [
        program("nginx") or "nginx",
        "-e",
        f"{folder}/error.log",
        "-p",
        str(folder),
        "-c",
        f"{folder}/nginx.conf",
    ]
    with _process(command, folder, (HOST, port)):
        yield HOST, port


@contextmanager
def haproxy(folder: Path, apis: Sequence[Address]) -> Iterator[Address]:
    """Run HAProxy until the block ends. Its statistics are at `folder`/stats."""
    port = free_port()
    text = f"global\n    stats socket {folder}/stats level user\n\n"
    (folder / "haproxy.cfg").write_text(text + written("haproxy.cfg", folder, port, apis))
    with _process([program("haproxy") or "haproxy", "-db", "-f", f"{folder}/haproxy.cfg"], folder, (HOST, port)):
        until(lambda: set(states(folder).values()) == {"UP"})
        yield HOST, port


def states(folder: Path) -> dict[str, str]:
    """Return HAProxy's state of each server ("UP", "DOWN", "UP 1/2"), by its name in the file."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(wire.HANG_S)
        client.connect(str(folder / "stats"))
        client.sendall(b"show stat\n")
        with client.makefile() as lines:
            rows = [line.split(",") for line in lines if line.strip()]
    status = rows[0].index("status")
    return {row[1]: row[status] for row in rows[1:] if row[0] == "onsale" and row[1] != "BACKEND"}


@contextmanager
def _process(command: list[str], folder: Path, address: Address) -> Iterator[None]:
    with (folder / "out.log").open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)

    def answers() -> bool:
        assert process.poll() is None, (folder / "out.log").read_text()
        try:
            wire.ask(address, wire.head("GET", f"{PREFIX}/healthz", ("Connection", "close")))
        except ConnectionError:
            return False
        return True

    try:
        until(answers)
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
