"""What `decide` reads of a show besides its seats: its settings, which only lane operations change.

All times are whole milliseconds since 1970, UTC, of one clock: Redis's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import Any

from core.halls import Hall


class SaleState(StrEnum):
    """Whether a show sells. ON_SALE <-> PAUSED; both -> CLOSED, which is final."""

    ON_SALE = "ON_SALE"
    PAUSED = "PAUSED"
    CLOSED = "CLOSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowSettings:
    """A show's own settings. Stored as JSON in shows.settings and, as created, in shows.initial_settings."""

    state: SaleState = SaleState.ON_SALE
    sales_open_ms: int = 0
    sales_close_ms: int
    starts_ms: int
    seats_per_user: int
    hold_ms: int
    prices: Mapping[str, int]

    def to_json(self) -> dict[str, Any]:
        """A dict of plain values, read back by `from_json`."""
        return {**asdict(self), "state": self.state.value, "prices": dict(self.prices)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> ShowSettings:
        """The settings that `to_json` wrote."""
        return cls(**{**values, "state": SaleState(values["state"])})

    def changed(self, changes: Mapping[str, Any]) -> ShowSettings:
        """These settings with some values replaced, `changes` in the form of `to_json`."""
        return replace(self, **{**changes, **({"state": SaleState(changes["state"])} if "state" in changes else {})})

    @property
    def window_stands(self) -> bool:
        """Whether sales open before they close, and close by the start."""
        return self.sales_open_ms < self.sales_close_ms <= self.starts_ms


#: The settings that a ChangeShow operation may name. The start is fixed: people have bought it.
CHANGEABLE = frozenset(field.name for field in fields(ShowSettings)) - {"starts_ms"}
#: Those that the sales window is made of.
WINDOW = frozenset({"sales_open_ms", "sales_close_ms"})


@dataclass(frozen=True, slots=True)
class Show:
    """One show as decide sees it."""

    id: int
    hall: Hall
    settings: ShowSettings
