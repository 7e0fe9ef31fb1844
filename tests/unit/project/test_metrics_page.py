"""docs/operations.md lists every metric, and no other."""

from __future__ import annotations

import re

from prometheus_client.parser import text_string_to_metric_families

from api.web import metrics
from db.kv.lanes import LaneState
from tests.support.rules import PROJECT
from workers import metrics as _workers_metrics  # noqa: F401 - it registers the workers' metrics


def test_the_page_lists_every_metric() -> None:
    section = (PROJECT / "docs" / "operations.md").read_text().partition("\n## Metrics\n")[2].partition("\n## ")[0]
    named = {name for line in section.splitlines() for name in re.findall(r"`(onsale_\w+)`", line.split(" | ")[0])}
    lane = LaneState(lane=0, depth=1, oldest_age_ms=1, drained_by=None, rate=0.0)
    served = {family.name for family in text_string_to_metric_families(metrics.exposition([lane], 1, 30.0).decode())}

    assert {name.removesuffix("_total") for name in named} == {
        name for name in served if name.startswith("onsale_") and not name.endswith("_created")
    }
