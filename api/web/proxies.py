"""The sender of a request, according to the proxies in front of us: client address, scheme, path prefix.

Each proxy adds its entry to the right end of X-Forwarded-For, -Proto and -Prefix, so anything the client wrote is to
the left. With n trusted proxies the n-th entry from the right is trusted; with fewer entries, none is.

Everything here but `BehindProxies` is a pure function, so the front, which has no WSGI, can use it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

FORWARDED_FOR, FORWARDED_PROTO, FORWARDED_PREFIX = "x-forwarded-for", "x-forwarded-proto", "x-forwarded-prefix"
SCHEMES = frozenset({"http", "https"})
MAX_PREFIX_CHARS = 200

Environ = dict[str, Any]
WsgiApp = Callable[[Environ, Any], Iterable[bytes]]

_V6_PORT = re.compile(r"\[([0-9A-Fa-f:.%\w]+)\](?::[0-9]{1,5})?", re.ASCII)
_V4_PORT = re.compile(r"([0-9.]+):[0-9]{1,5}", re.ASCII)
#: Segments of unreserved characters (RFC 3986 section 2.3).
_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Sender:
    """The sender of a request. `address`: None if even the peer's is unknown. `prefix`: "", or such as "/shop"."""

    address: str | None
    scheme: str
    prefix: str


def sender_of(forwarded: Mapping[str, str], proxies: int, address: str | None, scheme: str) -> Sender:
    """Return the sender of a request.

    Args: forwarded: header values by lower-case name; values of repeated headers are joined by commas (`joined`).
          proxies: how many are trusted; with 0, `forwarded` is ignored.
          address, scheme: the connection's, used where the proxies' entries are missing or invalid.
    """
    forwarded_address = address_of(_entry(forwarded, FORWARDED_FOR, proxies))
    forwarded_scheme = _entry(forwarded, FORWARDED_PROTO, proxies).lower()
    return Sender(
        address=forwarded_address or address,
        scheme=forwarded_scheme if forwarded_scheme in SCHEMES else scheme,
        prefix=prefix_of(_entry(forwarded, FORWARDED_PREFIX, proxies)),
    )


def joined(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the X-Forwarded headers among these (name, value) pairs, in the form that `sender_of` expects."""
    found: dict[str, str] = {}
    for name, value in headers:
        name = name.lower()
        if name in (FORWARDED_FOR, FORWARDED_PROTO, FORWARDED_PREFIX):
            found[name] = f"{found[name]},{value}" if name in found else value
    return found


def drop_ambiguous(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the headers without those whose name has an underscore.

    WSGI gives X_Forwarded_For the same name as X-Forwarded-For, so clients could spoof their address with it.
    """
    return [(name, value) for name, value in headers if "_" not in name]


def address_of(entry: str) -> str | None:
    """Return the IP address in an entry: bare, quoted, with a port, in brackets; None if there is none.

    An IPv4-mapped IPv6 address is returned as IPv4.
    """
    text = entry.strip().removeprefix('"').removesuffix('"')
    if not text:
        return None
    with_port = _V6_PORT.fullmatch(text) or _V4_PORT.fullmatch(text)
    parsed = _parsed(with_port[1] if with_port else text)
    return str(parsed) if parsed else None


def client_network(address: str) -> str:
    """Return what counts as one client: an IPv4 address, or an IPv6 /64 network, which one client has to itself.

    Invalid addresses count as one client, "unknown".
    """
    found = address_of(address)
    parsed = _parsed(found) if found else None
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, 64), strict=False).network_address)
    return str(parsed) if parsed else "unknown"


def prefix_of(entry: str) -> str:
    """Return a path prefix without a trailing slash; "" if there is none, or it is not a clean absolute path."""
    prefix = entry.removesuffix("/")
    if len(prefix) > MAX_PREFIX_CHARS or not _PREFIX.fullmatch(prefix):
        return ""
    return "" if {".", ".."} & set(prefix.split("/")) else prefix


def located(prefix: str, path: str) -> str:
    """Return a path of ours as the client must request it, for Location headers."""
    return prefix + path


class BehindProxies:
    """WSGI middleware: gives the application the address, scheme and prefix from the trusted proxies.

    Host is left unchanged.
    """

    def __init__(self, app: WsgiApp, proxies: int) -> None:
        """Args: proxies: how many are trusted, at least 1."""
        self._app = app
        self._proxies = proxies

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Pass the request on."""
        forwarded = {
            name: environ[variable]
            for name, variable in _VARIABLES.items()
            if variable in environ  # the server has joined repeated headers with commas
        }
        found = sender_of(forwarded, self._proxies, environ.get("REMOTE_ADDR"), environ["wsgi.url_scheme"])
        if found.address is not None:
            environ["REMOTE_ADDR"] = found.address
        environ["wsgi.url_scheme"] = found.scheme
        environ["SCRIPT_NAME"] = found.prefix + environ.get("SCRIPT_NAME", "")
        return self._app(environ, start_response)


_VARIABLES = {
    name: "HTTP_" + name.upper().replace("-", "_") for name in (FORWARDED_FOR, FORWARDED_PROTO, FORWARDED_PREFIX)
}


def _entry(forwarded: Mapping[str, str], name: str, proxies: int) -> str:
    """Return the entry of the outermost trusted proxy; "" if there is none."""
    entries = forwarded.get(name, "").split(",")
    return entries[-proxies].strip() if 0 < proxies <= len(entries) else ""


def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        parsed = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return parsed.ipv4_mapped or parsed if isinstance(parsed, ipaddress.IPv6Address) else parsed
