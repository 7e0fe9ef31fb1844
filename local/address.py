"""The api's address: a free port, checked before anything starts, and whether it is ready."""

from __future__ import annotations

import asyncio
import errno
import socket

from core.errors import ConfigurationError

#: Seconds for one question; a new api under load may need longer and is asked again.
PROBE_TIMEOUT_S = 2.0


def free_port(host: str, port: int) -> int:
    """The port if it is free, or for 0 any free one.

    Raises ConfigurationError if the port is taken. Granian shares its port with whoever else asks to, so
    without this two systems would take turns in answering.
    """
    family, kind, protocol, _, address = _resolve(host, port)
    with socket.socket(family, kind, protocol) as probe:
        # A port whose last connections have just been closed is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            raise ConfigurationError(
                f"Port {port} of {host} is taken: choose another with --port (0 picks a free one)."
                if taken
                else f"{host}:{port} cannot be listened on: {error.strerror}."
            ) from error
        return int(probe.getsockname()[1])


def base_url(host: str, port: int) -> str:
    """Where clients on this machine find the api."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"


async def is_ready(host: str, port: int) -> bool:
    """Whether GET /readyz answers 200."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)
    address = _resolve(shown, port)[4][0]
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            reader, writer = await asyncio.open_connection(address, port)
            try:
                writer.write(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                status_line = await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError, ValueError):
        return False
    return status_line.split(b" ")[1:2] == [b"200"]


def _resolve(host: str, port: int) -> tuple[int, int, int, str, tuple[str, int]]:
    try:
        found = socket.getaddrinfo(host or "0.0.0.0", port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise ConfigurationError(f"HOST {host!r} is no address of this machine: {error.strerror}.") from error
    family, kind, protocol, name, address = found[0]
    return family, kind, protocol, name, (str(address[0]), int(address[1]))
