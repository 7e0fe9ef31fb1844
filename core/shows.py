"""A show's settings, as `decide` reads them. Once the show exists, only operations of its lane change them.

All times are whole milliseconds since 1970, UTC, by Redis's clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from core.halls import Hall


class SaleState(StrEnum):
    """The sale state of a show. ON_SALE <-> PAUSED; both -> CLOSED, which is final."""

    ON_SALE = "ON_SALE"
    PAUSED = "PAUSED"
    CLOSED = "CLOSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowSettings:
    """The settings of one show, stored as JSON in shows.settings and, as created, in shows.initial_settings."""

    state: SaleState = SaleState.ON_SALE
    sales_open_ms: int = 0
    sales_close_ms: int
    starts_ms: int
    seats_per_user: int
    hold_ms: int
    prices: Mapping[str, int]
    #: By how much a hold may be extended, once; 0: not at all.
    hold_extension_ms: int = 0
    #: For how long a seat offered to the waiting list is held; 0: as any hold.
    offer_ms: int = 0
    #: How many bookings may wait; 0: the show has no waiting list.
    waiting_list_max: int = 10_000
    #: The show does not take place: it is closed, and its bookings are cancelled.
    cancelled: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return a dict of plain values, which `from_json` reads.

        A setting that older versions lack is left out while it has its default: they recorded the rest alone.
        """
        values = {**asdict(self), "state": self.state.value, "prices": dict(self.prices)}
        return {name: value for name, value in values.items() if name not in _NEWER or value != _NEWER[name]}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> ShowSettings:
        """Read what `to_json` wrote."""
        return cls(**{**values, "state": SaleState(values["state"])})

    def changed(self, changes: Mapping[str, Any]) -> ShowSettings:
        """Return these settings with some values replaced; `changes` is in the form of `to_json`."""
        return replace(self, **{**changes, **({"state": SaleState(changes["state"])} if "state" in changes else {})})

    def on_sale(self, at_ms: int) -> bool:
        """Return whether seats may be booked at a time."""
        return self.state is SaleState.ON_SALE and self.sales_open_ms <= at_ms < self._closes_ms

    def over(self, at_ms: int) -> bool:
        """Return whether the sale has ended for good at a time."""
        return self.state is SaleState.CLOSED or at_ms >= self._closes_ms

    @property
    def _closes_ms(self) -> int:
        return min(self.sales_close_ms, self.starts_ms)

    @property
    def has_sales_window(self) -> bool:
        """True if sales open before they close, and close by the show's start."""
        return self.sales_open_ms < self.sales_close_ms <= self.starts_ms


#: Settings that shows of older versions lack, with their defaults.
_NEWER = {"hold_extension_ms": 0, "offer_ms": 0, "waiting_list_max": 10_000, "cancelled": False}
#: The settings of the sales window.
WINDOW = frozenset({"sales_open_ms", "sales_close_ms"})


@dataclass(frozen=True, slots=True)
class Show:
    """One show as `decide` sees it."""

    id: int
    hall: Hall
    settings: ShowSettings
