"""Finds the answer to a request for a page or one of its files, in memory.

A page is HTML that never changes while the process runs, except for the path prefix in its <base>: every address in
a page is relative to that. Its files are in assets/, named by their contents' hashes, so caches keep them for ever.
The build (web/build.mjs) writes both into `built`; an installation without it has no pages, and answers 404.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from functools import partial
from pathlib import Path

from flask import Flask, Response, g, request

from api.pages import BUILT
from api.web.compression import LEVEL_ONCE, Twofold, twofold
from api.web.reply import Reply
from core.recent import Recent

#: The metrics' route of all pages and files: their paths are too many.
RULE = "(page)"
#: Which page answers a path. The page's own router knows what is behind it, and says when there is nothing.
PAGES = (
    (re.compile(r"/|/(?:movies|shows|bookings|account)(?:/[A-Za-z0-9._~-]{1,64}){0,3}", re.ASCII), "storefront.html"),
    (re.compile(r"/console(?:/[A-Za-z0-9._~-]{1,64}){0,3}", re.ASCII), "console.html"),
)
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
}
BASE = b'<base href="/">'
#: Max bytes of pages in memory, one of each per path prefix: an installation has one or two.
PAGES_BYTES = 1_000_000


class Pages:
    """The files of a build. Safe to use from several threads."""

    def __init__(self, built: Path = BUILT) -> None:
        """Read the files, half a megabyte: a later build does not change what this process serves.

        A file is compressed when it is first asked for.
        """
        paths = (each for each in built.rglob("*") if each.is_file())
        self._bodies = {each.relative_to(built).as_posix(): each.read_bytes() for each in paths}
        self._files: dict[str, Reply] = {}
        self._pages = Recent[tuple[str, str], Twofold](PAGES_BYTES, lambda page: page.size)

    def find(self, path: str, prefix: str) -> Reply | None:
        """Return the answer to a GET; None if no page and no file has this path. Args: prefix: "", or "/shop"."""
        name = path[1:]
        if name in self._bodies and not name.endswith(".html"):
            return self._file(name)
        page = next((page for pattern, page in PAGES if pattern.fullmatch(path)), None)
        if page is None or page not in self._bodies:
            return None
        return _reply(page, self._pages.get_or_make((page, prefix), partial(self._page, page, prefix)))

    def _page(self, name: str, prefix: str) -> Twofold:
        # A prefix consists of unreserved characters and slashes (web/proxies.py): it needs no escaping.
        body = self._bodies[name].replace(BASE, f'<base href="{prefix}/">'.encode(), 1)
        return twofold(body, LEVEL_ONCE)

    def _file(self, name: str) -> Reply:
        found = self._files.get(name)
        if found is None:
            body = twofold(self._bodies[name], LEVEL_ONCE)
            found = self._files[name] = _reply(name, body)
        return found


def install(app: Flask, pages: Pages) -> None:
    """Answer requests for pages and their files before routing: they are no operations of the API."""
    app.extensions["onsale-pages"] = pages
    app.before_request(partial(_answer, pages))


def _answer(pages: Pages) -> Response | None:
    if request.method not in ("GET", "HEAD"):
        return None
    reply = pages.find(request.path, request.script_root)
    if reply is None:
        return None
    g.route = RULE
    reply = reply.unless_known(request.headers.get("If-None-Match"))
    if request.method == "GET":
        reply = reply.packed(request.headers.get("Accept-Encoding"))
    return reply.response()


def _reply(name: str, body: Twofold) -> Reply:
    kept = name.startswith("assets/")
    tag = hashlib.sha256(body.plain).hexdigest()[:16]
    content_type = TYPES.get(Path(name).suffix, "application/octet-stream")
    headers = [("ETag", f'"{tag}"'), ("Vary", "X-Forwarded-Prefix")]
    headers = headers[:1] if kept else headers
    reply = Reply(200, body.plain, headers, content_type, etag=tag, gzipped=body.gzipped)
    return replace(reply, immutable=kept, page=not kept)
