"""/docs and /openapi.json: the API's description for people and for programs, without any other server.

Swagger UI's files come from the flask-swagger-ui package; only the page around them is ours, so that it
needs no inline script.
"""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

from flask import Response, current_app, send_from_directory
from flask_smorest import Blueprint
from werkzeug.exceptions import NotFound

from api.describe import route

TITLE = "Onsale"
PAGE = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{TITLE} API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" type="image/png" href="/docs/favicon-32x32.png" sizes="32x32">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
START = """SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  persistAuthorization: true,
  validatorUrl: null,
});
"""
FILES = frozenset({"swagger-ui.css", "swagger-ui-bundle.js", "favicon-16x16.png", "favicon-32x32.png"})
HEADERS = {
    "Cache-Control": "public, max-age=3600",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}

blueprint = Blueprint("docs", __name__, description="This description.")


@route(blueprint, "GET", "/openapi.json", answers={200: "application/json"})
def openapi() -> Response:
    """This API as an OpenAPI 3.1 document."""
    return Response(_document(), content_type="application/json", headers={"Cache-Control": "public, max-age=60"})


@route(blueprint, "GET", "/docs", answers={200: "text/html"})
def docs() -> Response:
    """This API as a page to read and to try."""
    return Response(PAGE, content_type="text/html; charset=utf-8", headers=HEADERS)


@route(blueprint, "GET", "/docs/<string:name>", answers={200: "text/javascript"}, errors=(404,))
def docs_file(name: str) -> Response:
    """A file of the page."""
    if name == "start.js":
        return Response(START, content_type="text/javascript; charset=utf-8", headers=HEADERS)
    if name not in FILES:
        raise NotFound
    response = send_from_directory(_dist(), name)
    response.headers.update(HEADERS)
    return response


def _document() -> bytes:
    """The document, built at the first request: by then every blueprint is registered."""
    built = current_app.extensions.get("onsale-openapi")
    if built is None:
        api: Any = current_app.extensions["onsale-api"]
        built = json.dumps(api.spec.to_dict(), separators=(",", ":")).encode()
        current_app.extensions["onsale-openapi"] = built
    return cast(bytes, built)


def _dist() -> Path:
    """Where the installed package keeps Swagger UI. The package itself is not imported."""
    spec = find_spec("flask_swagger_ui")
    if spec is None or spec.origin is None:
        raise NotFound
    return Path(spec.origin).parent / "dist"
