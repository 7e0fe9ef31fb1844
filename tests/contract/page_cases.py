"""Cases of the pages: the storefront, the console and their files, from what web/build.mjs has built."""

from __future__ import annotations

from api.pages import BUILT
from tests.contract.case import Case

HTML, SCRIPT, STYLE = (f"text/{kind}; charset=utf-8" for kind in ("html", "javascript", "css"))
#: A page may load what its own server serves, and runs no script of its own text.
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; (?!.*unsafe)(?!.*https?:).*"
PAGE = {
    "Content-Type": HTML,
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-cache",
    "Cross-Origin-Opener-Policy": "same-origin",
    "ETag": '"[0-9a-f]{16}"',
    "Vary": "(?=.*Origin)(?=.*X-Forwarded-Prefix).*",
}
FOREVER = {"Cache-Control": "public, max-age=31536000, immutable", "ETag": '(W/)?"[0-9a-f]{16}"'}
PACKED = (("Accept-Encoding", "gzip"),)


def _built(pattern):
    """Return the path of a built file. The tests that need one fail by 404 where nothing is built."""
    return "/" + next((each.relative_to(BUILT).as_posix() for each in BUILT.glob(pattern)), "assets/not_built")


MAIN, STYLES = _built("assets/*/storefront-main.js"), _built("assets/*/storefront-main.css")


def get(name, path, **more):
    usual = {"method": "GET", "status": 200}
    return Case(**{"name": f"page: {name}", "path": path} | usual | more)


def missing(name, path, **more):
    return get(name, path, **{"status": 404, "code": "not_found"} | more)


PAGES = (
    get("storefront", "/", has=PAGE),
    get("storefront, HEAD", "/", method="HEAD", has=PAGE),
    get("storefront, a show", "/shows/7?day=2027-01-01", has=PAGE),
    get("storefront, a booking", "/bookings/00000001-0000-8000-8000-000000000000", has=PAGE),
    get("console", "/console", has=PAGE),
    get("console, inside", "/console/shows/7", has=PAGE),
    get("below a prefix", "/", headers=(("X-Forwarded-Prefix", "/shop"),), has=PAGE),
    get("of another origin", "/", headers=(("Origin", "https://evil.example"),), has=PAGE),
    get("icon", "/icon.svg", has={"Content-Type": r"image/svg\+xml", "Cache-Control": "no-cache"}),
    get("manifest", "/manifest.webmanifest", has={"Content-Type": r"application/manifest\+json"}),
    get("service worker", "/worker.js", has={**PAGE, "Content-Type": SCRIPT, "ETag": '"[0-9a-f]{16}"'}),
)

FILES = (
    get("script", MAIN, has={**FOREVER, "Content-Type": SCRIPT, "Content-Encoding": ""}),
    get("script, packed", MAIN, headers=PACKED, has={**FOREVER, "Content-Type": SCRIPT}),
    get("script, HEAD", MAIN, method="HEAD", has={**FOREVER, "Content-Type": SCRIPT}),
    get("styles, packed", STYLES, headers=PACKED, has={**FOREVER, "Content-Type": STYLE, "Content-Encoding": "gzip"}),
    get("script, known", MAIN, headers=(("If-None-Match", "*"),), status=304, has=FOREVER),
)

NOTHING = (
    missing("a file that is not there", "/assets/00000000/main.js"),
    missing("a page's file by its name", "/storefront.html"),
    missing("outside of the build", "/assets/../files.py"),
    missing("outside of the build, encoded", "/assets/%2e%2e/%2e%2e/files.py"),
    missing("another page", "/nothing-here"),
    missing("a page that is too deep", "/shows/1/2/3/4"),
    missing("POST of a page", "/", method="POST", body={}),
)

CASES = PAGES + FILES + NOTHING
