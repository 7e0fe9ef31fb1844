"""The owners of a show's seats, as far as they are loaded."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID


class Owners(dict[str, UUID | None]):
    """The owner of each seat, by label; None: the seat is free. If `whole`, seats that are missing are free, too.

    So a large hall of which little is sold takes little memory. Without `whole`, reading a seat that was not loaded
    is a bug and raises KeyError.
    """

    __slots__ = ("whole",)

    def __init__(self, owners: Iterable[tuple[str, UUID | None]] = (), *, whole: bool = False) -> None:
        super().__init__(owners)
        self.whole = whole

    def __missing__(self, label: str) -> UUID | None:
        if self.whole:
            return None
        raise KeyError(label)
