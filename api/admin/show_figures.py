"""A show as an operator sees it: seats, the pace of its sale, what waits, and what was refused and why."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from flask import Response
from flask_smorest import Blueprint

from api.access.tokens import staff_required
from api.admin import redis_reads
from api.shapes import admin_answers, requests
from api.web.backend import backend
from api.web.catalogue_json import show_json, view
from api.web.openapi import route
from api.web.problems import problem
from api.web.serializers import answer
from core.ids import lane_of
from db.kv import admission, refusals, samples
from db.postgres import catalogue
from db.postgres.engine import transaction

MINUTE_MS = 60_000

blueprint = Blueprint("figures", __name__, url_prefix="/api/admin/shows", description="The figures of a show.")


@route(
    blueprint, "GET", f"/<int(max={requests.MAX_ID}):show_id>", answers={200: admin_answers.SHOW_FIGURES},
    errors=(403, 404, 503), secured=True,
)  # fmt: skip
@staff_required
def show_figures(show_id: int) -> Response:
    """Show a show's seats, its sales in the last minute, and the refusals by reason."""
    with transaction(backend().engine) as connection:
        show = catalogue.get_show(connection, show_id)
    if show is None:
        return problem(404, "no_such_show", "There is no such show.")
    lanes = backend().service.intake.lanes_count
    counted, served, refused, ring = redis_reads.read(
        [
            *admission.undecided_commands(show_id, lanes),
            refusals.read_command(show_id),
            samples.read_command(int(time.time() * 1000) - MINUTE_MS, MINUTE_MS // 1000),
        ]
    )
    return answer(
        {
            "show": show_json(show, view()),
            "lane": lane_of(show_id, lanes),
            "undecided": admission.undecided_books(counted, served),
            "sold_per_min": sold_since(samples.parse(ring), show_id, show.sold),
            "refused": refusals.parse(refused),
        }
    )


def sold_since(found: Sequence[tuple[int, Mapping[str, Any]]], show_id: int, sold: int) -> int | None:
    """Return how many more seats of a show are sold now than at the time of the first of some samples.

    A show that the first sample does not name was quiet until then; the sample that names it first says how many were
    sold before. If none names it, nothing was decided about it: 0. None without samples.
    """
    if not found:
        return None
    for number, (_, sample) in enumerate(found):
        for id_, _capacity, _held, then, before in sample["shows"]:
            if id_ == show_id:
                return int(sold - (before if number else then))
    return 0
