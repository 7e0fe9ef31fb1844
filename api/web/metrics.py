"""The api's metrics. Their names and labels are a contract with dashboards: never renamed.

With PROMETHEUS_MULTIPROC_DIR set before the start, /metrics of any api process covers all api processes and workers
of the machine (core/metric_files.py); the other api processes as of their last hand-over (api/web/tally.py), at most
a second ago. The state of the lanes is read from Redis at scrape time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from api.web.refusal_counts import RefusalCounts
from api.web.tally import Tally
from core import metric_files
from db.kv.lanes import LaneState

metric_files.share()

#: Seconds. A warm accept takes 2 ms, a long poll up to WAIT_CAP_S.
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

ACCEPTS = Counter("onsale_accepts_total", "Operations accepted into a lane.", ["kind"])
REFUSALS = Counter("onsale_refusals_total", "Requests refused by accept.lua.", ["code"])
WAYS = Counter("onsale_http_ways_total", "Requests by the way they took: the event loop alone, or threads.", ["way"])
CATALOGUE = Counter("onsale_catalogue_reads_total", "Answers about the catalogue, by their source.", ["source"])
REQUESTS = Histogram(
    "onsale_http_request_seconds", "Requests answered.", ["route", "method", "status"], buckets=BUCKETS
)

METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
#: `<int:show_id>` of a rule is `{show_id}` in the metric, as in the API's description.
_CONVERTER = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")
#: Caching a label's child saves the library's lock and checks on every request.
_counters: dict[tuple[Counter, str], Counter] = {}
_histograms: dict[tuple[str, str, int], Histogram] = {}
_tally = Tally(BUCKETS)
#: The same refusals by show, for administrators: labels of shows would be too many for metrics.
REFUSED = RefusalCounts()


def accepted(kind: str) -> None:
    """Count an operation accepted into a lane."""
    _tally.count(_child(ACCEPTS, str(kind)))


def refused(code: str, show_id: int = 0) -> None:
    """Count a request refused by accept.lua. Args: show_id: of a request for seats."""
    _tally.count(_child(REFUSALS, code))
    REFUSED.count(show_id, code)


def way(name: Literal["fast", "threads"]) -> None:
    """Count a request by the way it took: on the event loop alone, or through Flask in a thread."""
    _tally.count(_child(WAYS, name))


def catalogue_read(source: Literal["memory", "redis", "postgres", "bypass", "outage"]) -> None:
    """Count an answer about the catalogue.

    Args: source: `memory`: this process; `redis`: the cache; `postgres`: it was not in the cache; `bypass`: Postgres,
    without the cache; `outage`: the cache, because Postgres was unavailable.
    """
    _tally.count(_child(CATALOGUE, source))


def observe(route: str, method: str, status: int, seconds: float) -> None:
    """Count one answered request. Unknown methods share one label, so that clients cannot create labels."""
    key = (route, method if method in METHODS else "other", status // 100)
    child = _histograms.get(key)
    if child is None:
        label = _CONVERTER.sub(r"{\1}", route)
        child = _histograms[key] = REQUESTS.labels(label, key[1], f"{status // 100}xx")
    _tally.observe(child, seconds)


def _child(counter: Counter, label: str) -> Counter:
    child = _counters.get((counter, label))
    if child is None:
        child = _counters[counter, label] = counter.labels(label)
    return child


def exposition(lanes: Sequence[LaneState] | None, workers: int, late_s: float) -> bytes:
    """Return all metrics in Prometheus's text format.

    Args:    lanes: their current state; None: Redis is unavailable.   workers: how many are alive.
             late_s: a lane is late if its first entry is older than this many seconds.
    """
    live = CollectorRegistry()
    live.register(_Lanes(lanes, workers, late_s))
    _tally.hand_over()
    return generate_latest(metric_files.gathered() or REGISTRY) + generate_latest(live)


class _Lanes(Collector):
    """The lanes at scrape time."""

    def __init__(self, lanes: Sequence[LaneState] | None, workers: int, late_s: float) -> None:
        self._lanes = lanes
        self._workers = workers
        self._late_ms = late_s * 1000

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics of the lanes. Called by the registry."""
        lanes = self._lanes or ()
        yield GaugeMetricFamily(
            "onsale_redis_up", "1 if the lanes could be read.", value=0 if self._lanes is None else 1
        )
        if self._lanes is None:
            return
        yield GaugeMetricFamily("onsale_workers", "Workers whose heartbeat is fresh.", value=self._workers)
        yield GaugeMetricFamily(
            "onsale_undecided", "Operations that wait in all lanes.", value=sum(lane.depth for lane in lanes)
        )
        late = sum((lane.oldest_age_ms or 0) > self._late_ms for lane in lanes)
        yield GaugeMetricFamily(
            "onsale_lanes_late", "Lanes whose first operation has waited for more than PENDING_ALARM_S.", value=late
        )
        yield _by_lane("onsale_lane_depth", "Operations that wait.", ((lane.lane, lane.depth) for lane in lanes))
        yield _by_lane(
            "onsale_lane_oldest_age_seconds",
            "How long the first operation has waited.",
            ((lane.lane, (lane.oldest_age_ms or 0) / 1000) for lane in lanes),
        )
        yield _by_lane(
            "onsale_lane_drained",
            "1 while a drain is at work on the lane.",
            ((lane.lane, 0 if lane.drained_by in (None, "rung") else 1) for lane in lanes),
        )


def _by_lane(name: str, text: str, values: Iterable[tuple[int, float]]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=["lane"])
    for lane, value in values:
        family.add_metric([str(lane)], value)
    return family
