"""The report of a rehearsal or a replay, and its verdict: would a sale like this hold? Pure.

Programs read the JSON: add keys, never rename them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ops.rehearse.comparison import Difference
from ops.rush.figures import Figures

#: Codes of answers that mean that the system, not the show, had no room or no answer for a request.
OVERLOAD = frozenset(
    {
        *("lane_full", "show_full", "busy", "network", "accept_unknown", "redis_unavailable", "postgres_unavailable"),
        *("http_500", "http_502", "http_503", "http_504", "internal"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What was rehearsed. `eta_below_ms`: the p95 of the wait for an outcome must be lower, ms."""

    show_id: int
    copy_id: int
    workers: int
    eta_below_ms: int
    capacity: int
    #: Seats held or sold in the end, by Postgres.
    taken: int
    crowd: str = "synthetic"
    speed: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sold:
    """Seats sold in the recording and in its replay, and how the outcomes differ."""

    recorded: int
    replayed: int
    differences: Sequence[Difference]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The figures with their setting; `reasons`: why it would not hold, in words, none if it would."""

    setting: Setting
    figures: Figures
    reasons: Sequence[str]
    sold: Sold | None = None

    @classmethod
    def of(cls, setting: Setting, figures: Figures, sold: Sold | None = None) -> Report:
        """Judge the figures of a crowd that is done, after verify."""
        return cls(setting=setting, figures=figures, sold=sold, reasons=_reasons(setting, figures))

    @property
    def holds(self) -> bool:
        """Whether a sale like this will hold."""
        return not self.reasons

    @property
    def oversold(self) -> int:
        """Seats sold beyond the hall's: 0 unless something is badly wrong."""
        return max(0, self.setting.taken - self.setting.capacity, self.figures.seats_sold - self.setting.capacity)

    @property
    def workers_needed(self) -> int | None:
        """Workers that keep the wait below the limit: one, as a show's lane has one writer; None: no number does."""
        p95 = self.figures.outcome_ms.p95
        return 1 if p95 is not None and p95 < self.setting.eta_below_ms and not self.figures.undecided else None

    def as_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return {
            "holds": self.holds,
            "reasons": list(self.reasons),
            **asdict(self.setting),
            "oversold": self.oversold,
            "workers_needed": self.workers_needed,
            **{name: value for name, value in self.figures.as_json().items() if name != "show_id"},
            "sold": asdict(self.sold) if self.sold else None,
        }


def _reasons(setting: Setting, figures: Figures) -> list[str]:
    found = []
    if figures.violations:
        found.append(f"{figures.violations} violations of a booking rule: {figures.found[0]}")
    if setting.taken > setting.capacity or figures.seats_sold > setting.capacity:
        found.append("more seats were sold than the hall has")
    if figures.undecided or figures.unanswered:
        found.append(
            f"{figures.undecided} accepted requests were not decided and {figures.unanswered} not answered in time"
        )
    if not figures.accepted:
        found.append("no request was accepted")
    overload = {code: count for code, count in figures.retried.items() if code in OVERLOAD}
    overload |= {code: count for code, count in figures.refused.items() if code in OVERLOAD}
    if overload:
        listed = ", ".join(f"{code} {count}" for code, count in sorted(overload.items()))
        found.append(f"requests were turned away or lost under load ({listed}) and had to be sent again")
    p95 = figures.outcome_ms.p95
    if p95 is not None and p95 >= setting.eta_below_ms:
        found.append(
            f"the p95 of the wait for an outcome is {p95 / 1000:.1f} s, not below {setting.eta_below_ms / 1000:g} s. "
            "More workers do not help, as a show's lane has one writer. It decided "
            f"{figures.decided_per_s:,.0f} requests per second: let fewer in at a time, or accept a longer wait"
        )
    return found
