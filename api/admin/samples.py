"""The samples of the last hour (workers/samples.py), from which a console draws its curves."""

from __future__ import annotations

import time
from typing import Any

from flask import Response
from flask_smorest import Blueprint

from api.access.tokens import console_required
from api.admin import redis_reads
from api.shapes import admin_answers, admin_requests
from api.web.openapi import route
from api.web.request_reading import read_query
from api.web.serializers import answer
from core.times import iso
from db.kv import samples

#: Which samples are shown without `since`: those of the last ten minutes, ms.
RECENT_MS = 600_000

blueprint = Blueprint("samples", __name__, url_prefix="/api/admin", description="One sample per second, for an hour.")


@route(
    blueprint, "GET", "/samples", query=admin_requests.SAMPLES_QUERY, answers={200: admin_answers.SAMPLES},
    errors=(403, 503), secured=True,
)  # fmt: skip
@console_required
def list_samples() -> Response:
    """List samples of the last hour, oldest first: those after `since`."""
    query, now_ms = read_query(admin_requests.SAMPLES_QUERY), int(time.time() * 1000)
    after_ms = max(query.get("since", now_ms - RECENT_MS), now_ms - samples.KEPT_MS)
    [reply] = redis_reads.read([samples.read_command(after_ms, query["limit"])])
    return answer({"samples": [_json(at_ms, sample) for at_ms, sample in samples.parse(reply)]})


def _json(at_ms: int, sample: dict[str, Any]) -> dict[str, Any]:
    return {
        "at": iso(at_ms),
        **sample["totals"],
        "per_s": sample["per_s"],
        "depth": sample["depth"],
        "oldest_age_ms": sample["oldest_age_ms"],
        "workers": sample["workers"],
        "lanes": [
            {"lane": lane, "depth": depth, "oldest_age_ms": oldest, "rate": rate}
            for lane, depth, oldest, rate in sample["lanes"]
        ],
        "shows": [
            {"show_id": show_id, "free": capacity - held - sold, "held": held, "sold": sold}
            for show_id, capacity, held, sold, _ in sample["shows"]
        ],
    }
