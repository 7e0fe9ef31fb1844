"""The api's address for clients on this machine, and the check whether it is ready."""

from __future__ import annotations

import asyncio

from api.server.listening import listen

#: Timeout of one readiness check, seconds. An api that starts under load may need longer; the caller checks again.
PROBE_TIMEOUT_S = 2.0


def free_port(host: str) -> int:
    """Return a port that is free at the moment."""
    with listen(host, 0) as probe:
        return int(probe.getsockname()[1])


def base_url(host: str, port: int) -> str:
    """Return the api's URL for clients on this machine."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"


async def is_ready(host: str, port: int) -> bool:
    """Return whether GET /readyz answers 200."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            reader, writer = await asyncio.open_connection(shown, port)
            try:
                writer.write(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                status_line = await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError, ValueError):
        return False
    return status_line.split(b" ")[1:2] == [b"200"]
