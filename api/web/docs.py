"""/docs and /openapi.json: the API's description for people and for programs, served without any other server.

Swagger UI's files come from the flask-swagger-ui package; only the page around them is ours, so that it needs no
inline script. The page refers to its files by relative paths, so it works below any prefix. All is compressed once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

from flask import Flask, Response, current_app, request
from flask_smorest import Blueprint
from werkzeug.exceptions import NotFound

from api.web import compression
from api.web.compression import LEVEL_ONCE, Twofold, twofold
from api.web.openapi import route
from core.recent import Recent

TITLE = "Onsale"
#: `folder`: the relative path from the page to its files: /docs and /docs/ are the same page.
PAGE = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{TITLE} API</title>
<link rel="stylesheet" href="%(folder)sswagger-ui.css">
<link rel="icon" type="image/png" href="%(folder)sfavicon-32x32.png" sizes="32x32">
</head>
<body>
<div id="swagger-ui"></div>
<script src="%(folder)sswagger-ui-bundle.js"></script>
<script src="%(folder)sstart.js"></script>
</body>
</html>
"""
START = """SwaggerUIBundle({
  url: new URL("../openapi.json", document.currentScript.src).href,
  dom_id: "#swagger-ui",
  deepLinking: true,
  persistAuthorization: true,
  validatorUrl: null,
});
"""
TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "png": "image/png"}
FILES = frozenset({"swagger-ui.css", "swagger-ui-bundle.js", "favicon-16x16.png", "favicon-32x32.png"})
HEADERS = {
    "Cache-Control": "public, max-age=3600",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}
DOCUMENT_HEADERS = {"Cache-Control": "public, max-age=60"}
#: Max bytes of cached documents, one per path prefix: an installation has one or two.
DOCUMENTS_BYTES = 1_000_000

blueprint = Blueprint("docs", __name__, description="The API's description.")


@route(blueprint, "GET", "/openapi.json", answers={200: "application/json"})
def openapi() -> Response:
    """Return the OpenAPI 3.1 document."""
    documents = cast("Recent[str, Twofold]", current_app.extensions["onsale-openapi"])
    prefix = request.script_root
    response = compression.respond(
        documents.get_or_make(prefix, lambda: _document(prefix)), "application/json", DOCUMENT_HEADERS
    )
    response.vary.add("X-Forwarded-Prefix")
    return response


@route(blueprint, "GET", "/docs", answers={200: "text/html"})
def docs() -> Response:
    """Show the API's documentation as a page."""
    page = PAGE % {"folder": "" if request.path.endswith("/") else "docs/"}
    return Response(page, content_type="text/html; charset=utf-8", headers=HEADERS)


@route(
    blueprint, "GET", "/docs/<string:name>", request_headers=("If-None-Match",),
    answers={200: "text/javascript", 304: None}, headers={200: ("ETag",), 304: ("ETag",)}, errors=(404,),
)  # fmt: skip
def docs_file(name: str) -> Response:
    """Return a file of the documentation page."""
    if name != "start.js" and name not in FILES:
        raise NotFound
    body, etag = _file(name)
    return compression.respond(body, TYPES[name.rpartition(".")[2]], HEADERS, etag=etag)


def install(app: Flask, document: Callable[[], dict[str, Any]]) -> None:
    """Install the application's document, and a cache of what is sent of it."""
    app.extensions["onsale-document"] = document
    app.extensions["onsale-openapi"] = Recent[str, Twofold](DOCUMENTS_BYTES, lambda document: document.size)


def _document(prefix: str) -> Twofold:
    """Return the document for a path prefix."""
    document = {**current_app.extensions["onsale-document"](), "servers": [{"url": prefix or "/"}]}
    return twofold(json.dumps(document, separators=(",", ":")).encode(), LEVEL_ONCE)


@cache
def _file(name: str) -> tuple[Twofold, str]:
    """Return a file and its ETag. Swagger UI's files are read from its package, which is not imported."""
    if name == "start.js":
        body = START.encode()
    else:
        spec = find_spec("flask_swagger_ui")
        if spec is None or spec.origin is None:
            raise NotFound
        body = (Path(spec.origin).parent / "dist" / name).read_bytes()
    etag = hashlib.sha256(body).hexdigest()[:16]
    return (Twofold(body, b"") if name.endswith(".png") else twofold(body, LEVEL_ONCE)), etag
