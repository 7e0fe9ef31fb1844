"""Who owns the seats of a show, as far as that is loaded."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID


class Owners(dict[str, UUID | None]):
    """Seats by label; None: nobody's. If `whole`, every owned seat is here, and one that is missing is nobody's.

    So a large hall of which little is sold costs little. Without `whole`, asking for a seat that was not loaded is a
    bug that raises KeyError.
    """

    __slots__ = ("whole",)

    def __init__(self, owners: Iterable[tuple[str, UUID | None]] = (), *, whole: bool = False) -> None:
        super().__init__(owners)
        self.whole = whole

    def __missing__(self, label: str) -> UUID | None:
        if self.whole:
            return None
        raise KeyError(label)
