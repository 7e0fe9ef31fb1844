"""The sender of a request: exactly the trusted proxies' entries are used."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask, request

from api.app import create_app
from api.assembly import open_backend
from api.web.proxies import (
    BehindProxies,
    address_of,
    client_network,
    drop_ambiguous,
    joined,
    located,
    prefix_of,
    sender_of,
)
from proof.kit.environment import offline_settings


def app_with(**environment: str) -> Flask:
    settings = offline_settings(**environment)
    return create_app(settings, open_backend(settings))


def seen(app: Flask, headers: dict[str, str]) -> tuple[str | None, str, str, str]:
    """Return what a view sees of a request: address, scheme, prefix, host."""
    found: list[tuple[str | None, str, str, str]] = []
    app.before_request(lambda: found.append((request.remote_addr, request.scheme, request.script_root, request.host)))
    app.test_client().get("/healthz", headers=headers)
    [one] = found
    return one


@pytest.mark.parametrize(
    ("entry", "address"),
    [
        ("203.0.113.9", "203.0.113.9"), (" 203.0.113.9 ", "203.0.113.9"), ("203.0.113.9:4711", "203.0.113.9"),
        ('"203.0.113.9:4711"', "203.0.113.9"), ("2001:db8::1", "2001:db8::1"), ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:DB8::1]:4711", "2001:db8::1"), ('"[2001:db8::1]:4711"', "2001:db8::1"), ("::1", "::1"),
        ("fe80::1%eth0", "fe80::1"), ("[fe80::1%eth0]:80", "fe80::1"), ("::ffff:203.0.113.9", "203.0.113.9"),
        ("[::ffff:203.0.113.9]:80", "203.0.113.9"),
    ],
)  # fmt: skip
def test_an_address_is_parsed_in_every_spelling(entry: str, address: str) -> None:
    assert address_of(entry) == address


@pytest.mark.parametrize(
    "entry",
    ["", "unknown", "_hidden", "shop.example", "203.0.113", "203.0.113.9:", "203.0.113.9:x", "203.0.113.9:123456",
     "203.0.113.256", "[203.0.113.9", "2001:db8::1]:80", "1:23", "unix:", "203.0.113.9 evil", "\uff11.2.3.4"],
)  # fmt: skip
def test_an_invalid_address_is_none(entry: str) -> None:
    assert address_of(entry) is None


@pytest.mark.parametrize(
    ("address", "network"),
    [("203.0.113.9", "203.0.113.9"), ("2001:db8:0:1:ffff::7", "2001:db8:0:1::"),
     ("::ffff:203.0.113.9", "203.0.113.9"), ("2001:db8:0:1::7%eth0", "2001:db8:0:1::"),
     ("nonsense", "unknown"), ("", "unknown")],
)  # fmt: skip
def test_one_client_has_64_bits_of_ipv6(address: str, network: str) -> None:
    assert client_network(address) == network


@pytest.mark.parametrize(
    ("entry", "prefix"),
    [("/shop", "/shop"), ("/shop/", "/shop"), ("/a/b-c/~d_e.f", "/a/b-c/~d_e.f"), ("", ""), ("/", ""), ("shop", ""),
     ("//evil.example", ""), ("/a//b", ""), ("/a/../b", ""), ("/..", ""), ("/./a", ""), ("/a\\b", ""), ("/a%2e", ""),
     ("https://evil.example", ""), ("/a b", ""), ('/a"b', ""), ("/a?b", ""), ("/a\n", ""), ("/\u00e9", ""),
     ("/" + "a" * 200, "")],
)  # fmt: skip
def test_a_prefix_is_a_clean_absolute_path(entry: str, prefix: str) -> None:
    assert prefix_of(entry) == prefix


@pytest.mark.parametrize(
    ("proxies", "address"), [(0, "peer"), (1, "203.0.113.9"), (2, "198.51.100.1"), (3, "192.0.2.1"), (4, "peer")]
)
def test_exactly_the_entry_of_the_outermost_trusted_proxy_is_believed(proxies: int, address: str) -> None:
    forwarded = {"x-forwarded-for": "192.0.2.1, 198.51.100.1, 203.0.113.9"}

    assert sender_of(forwarded, proxies, "peer", "http").address == address


def test_each_header_is_read_from_its_own_trusted_entry() -> None:
    forwarded = {"x-forwarded-for": "unknown", "x-forwarded-proto": "http, HTTPS", "x-forwarded-prefix": "/x, /shop"}

    found = sender_of(forwarded, 1, "192.0.2.1", "http")
    assert (found.address, found.scheme, found.prefix) == ("192.0.2.1", "https", "/shop")
    assert sender_of(forwarded, 3, None, "http") == sender_of({}, 1, None, "http")
    assert sender_of({"x-forwarded-proto": "javascript"}, 1, None, "https").scheme == "https"


def test_repeated_headers_are_joined() -> None:
    pairs = [("X-Forwarded-For", "192.0.2.1"), ("Via", "1.1 a"), ("x-forwarded-for", "203.0.113.9")]

    assert joined(pairs) == {"x-forwarded-for": "192.0.2.1,203.0.113.9"}


def test_names_that_wsgi_cannot_tell_apart_are_dropped() -> None:
    pairs = [("X_Forwarded_For", "192.0.2.1"), ("X-Forwarded_For", "192.0.2.2"), ("X-Forwarded-For", "203.0.113.9")]

    assert drop_ambiguous(pairs) == [("X-Forwarded-For", "203.0.113.9")]


def test_a_path_of_ours_is_below_the_prefix() -> None:
    assert located("/shop", "/api/shows/1") == "/shop/api/shows/1"
    assert located("", "/api/shows/1") == "/api/shows/1"


def test_a_view_sees_the_client_and_not_the_proxy() -> None:
    headers = {
        "X-Forwarded-For": "192.0.2.1, [2001:db8::1]:4711",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Prefix": "/shop",
        "X-Forwarded-Host": "evil.example",
        "Host": "shop.example",
    }

    assert seen(app_with(TRUSTED_PROXIES="1"), headers) == ("2001:db8::1", "https", "/shop", "shop.example")
    assert seen(app_with(), headers) == ("127.0.0.1", "http", "", "shop.example")


def test_a_view_behind_a_proxy_with_invalid_entries_sees_the_proxy() -> None:
    headers = {"X-Forwarded-For": "unknown", "X-Forwarded-Proto": "x", "X-Forwarded-Prefix": "//evil.example"}

    assert seen(app_with(TRUSTED_PROXIES="1"), headers | {"Host": "a"}) == ("127.0.0.1", "http", "", "a")


def test_the_prefix_of_the_proxy_precedes_that_of_the_server() -> None:
    mounted: list[dict[str, Any]] = []
    application = BehindProxies(lambda environ, _start: mounted.append(environ) or [], 1)
    environ = {"HTTP_X_FORWARDED_PREFIX": "/outer", "SCRIPT_NAME": "/inner", "wsgi.url_scheme": "http"}

    application(environ, None)

    assert mounted[0]["SCRIPT_NAME"] == "/outer/inner"
    assert "REMOTE_ADDR" not in mounted[0]
