"""The goals of `make bench-overload` and the results, as rows of a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from proof.bench import api_overload, worker_overload
from proof.bench.api_overload import ApiOverload
from proof.bench.series import percentile
from proof.bench.worker_overload import WorkerOverload

#: Most memory of one api process in MB; Redis may use half of its maxmemory.
API_MB = 256
#: How many times the peak must really have been sent, and the share of the peak that must still be decided.
OFFERED, DECIDED = 0.9 * worker_overload.FACTOR, 0.9
#: Most milliseconds for a refusal (p99), and most seconds until latency is normal again.
REFUSED_MS, NORMAL_S = 50, 10
#: The answers that are allowed under overload: accepted, repeated, refused, or unavailable.
EXPECTED = {200, 201, 202, 409, 503}


class Row(NamedTuple):
    """One row of the table. `wanted`: "" if the figure is no goal; then it counts as met."""

    what: str
    wanted: str
    found: str
    met: bool = True


def workers_rows(found: WorkerOverload) -> list[Row]:
    """Return the rows of (a)."""
    share = found.decided / found.peak if found.peak else 0.0
    offered = found.offered / found.peak if found.peak else 0.0
    most = max((max(each.waiting) for each in found.samples), default=0)
    least = min((min(each.waiting) for each in found.at_cap), default=0)
    p99 = _percentile(found.refused_ms, 99)
    full = int(worker_overload.FULL_SHARE * worker_overload.CAP)
    peaks = " and ".join(f"{each:,.0f}" for each in found.peaks)
    return [
        Row("(a) peak, decided/s without requests, before and after", "", peaks),
        Row("(a) offered, times the better peak", f">= {OFFERED:g}", f"{offered:.2f}", offered >= OFFERED),
        Row("(a) decided/s meanwhile, share of the better peak", f">= {DECIDED:.0%}",
            f"{found.decided:,.0f}, {share:.0%}", share >= DECIDED),
        Row("(a) entries in the fullest lane, most", f"<= {worker_overload.CAP}", f"{most:,}",
            0 < most <= worker_overload.CAP),
        Row("(a) entries in the emptiest lane, least, once all were full", f">= {full}", f"{least:,}", least >= full),
        Row("(a) refusals", "> 0", f"{len(found.refused_ms):,}", bool(found.refused_ms)),
        Row("(a) refusal, from when the request was due, p50", "", f"{_percentile(found.refused_ms, 50):.1f} ms"),
        Row("(a) refusal, from when the request was due, p99", f"<= {REFUSED_MS} ms", f"{p99:.1f} ms",
            bool(found.refused_ms) and p99 <= REFUSED_MS),
        Row("(a) of that, sent later than due, p50 and p99", "",
            f"{_percentile(found.late_ms, 50):.1f} and {_percentile(found.late_ms, 99):.1f} ms"),
        Row("(a) generator's share of a core", "", f"{found.busy:.0%}"),
        _answers("(a)", found.codes),
        Row("(a) broken connections", "0", str(found.broken), not found.broken),
        _redis("(a)", max((each.memory for each in found.samples), default=0), found.memory_limit),
        Row("(a) accepted, without an outcome", "0", f"{found.lost} of {found.accepted:,}",
            found.accepted > 0 and not found.lost),
        Row("(a) violations that verify finds", "0", str(len(found.violations)), not found.violations),
    ]  # fmt: skip


def api_rows(found: ApiOverload) -> list[Row]:
    """Return the rows of (b)."""
    saturating = f"{found.saturating}, {found.rates.get(found.saturating, 0.0):,.0f} answers/s"
    return [
        Row("(b) connections that saturate", f"< {api_overload.STEPS[-1]}, or more must be tried", saturating,
            found.saturated),
        _answers(f"(b) {found.connections:,} connections:", found.codes),
        Row("(b) broken connections", "0", str(found.broken), not found.broken),
        Row("(b) the same api processes afterwards", "yes", "no" if found.crashed else "yes", not found.crashed),
        Row("(b) memory of the largest api process", f"<= {API_MB} MB", f"{found.rss_mb:.0f} MB",
            0 < found.rss_mb <= API_MB),
        _redis("(b)", found.memory, found.memory_limit),
        Row("(b) normal latency again after", f"<= {NORMAL_S} s",
            f"{found.normal_after_s:.0f} s (accepted, a second's median at most {found.normal_ms:.0f} ms)",
            found.normal_after_s <= NORMAL_S),
        Row("(b) all that was accepted is decided after", "", f"{found.emptied_s:.1f} s"),
        Row("(b) violations that verify finds", "0", str(len(found.violations)), not found.violations),
    ]  # fmt: skip


def _answers(who: str, codes: Counter[int]) -> Row:
    counts = ", ".join(f"{count:,} {code}" for code, count in sorted(codes.items()))
    return Row(f"{who} answers", "only 2xx, 409, 503", counts or "none", bool(codes) and set(codes) <= EXPECTED)


def _redis(part: str, most: int, limit: int) -> Row:
    wanted = f"<= half of {limit / 1e6:,.0f} MB"
    return Row(f"{part} memory of Redis", wanted, f"{most / 1e6:,.1f} MB", 0 < most <= limit / 2)


def _percentile(numbers: Sequence[float], share: float) -> float:
    return percentile(numbers, share) if numbers else 0.0
