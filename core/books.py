"""Book, the operation that asks for seats. core/operations.py has the others, and reads and writes them all."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from core.wishes import Wish

#: The edition of the rules by which the Books that the api accepts are decided.
RULES = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """Book seats: the named ones, or `quantity` of the best available (of `category`, if given).

    `wishes`: instead of these, several wishes, of which the first that can be granted is. `ranked` has them or, as
    the only one, that of the Book itself, for which `expected_amount_cents` is (core/wishes.py Wish).
    `give_up_after_ms`: if it is decided later than that after it was accepted, it fails. 0: it never gives up.
    `rules`: the edition of the rules by which it is decided, so that the journal replays what older editions decided.
    0: no price per seat is recorded, and best available takes the first row.   1: RULES, which the api writes.
    `waiting`: if its seats cannot be had, it joins the show's waiting list instead of failing.
    `replaces`: the FAILED booking that an administrator has repeated by this one.
    """

    booking_id: UUID
    show_id: int
    user_id: UUID
    fingerprint: str
    seats: tuple[str, ...] = ()
    quantity: int = 0
    category: str | None = None
    hold: bool = False
    give_up_after_ms: int = 0
    rules: int = 0
    waiting: bool = False
    replaces: UUID | None = None
    wishes: tuple[Wish, ...] = ()
    expected_amount_cents: int | None = None

    @property
    def ranked(self) -> tuple[Wish, ...]:
        """Return its wishes, the preferred one first."""
        if self.wishes:
            return self.wishes
        wish = Wish(
            seats=self.seats,
            quantity=self.quantity,
            category=self.category,
            expected_amount_cents=self.expected_amount_cents,
        )
        return (wish,)

    @property
    def named(self) -> tuple[str, ...]:
        """Return the seats that it names, in any wish."""
        return tuple(seat for wish in self.wishes for seat in wish.seats) if self.wishes else self.seats

    @property
    def needed(self) -> tuple[str, ...]:
        """Return the named seats without which none of its wishes can be granted."""
        return self.seats if not self.wishes else self.wishes[0].seats if len(self.wishes) == 1 else ()

    @property
    def chooses(self) -> bool:
        """Return whether the best available seats may have to be chosen."""
        return any(not wish.seats for wish in self.wishes) if self.wishes else not self.seats

    @property
    def fewest(self) -> int:
        """Return how many seats it asks for at least."""
        return min(wish.wanted for wish in self.wishes) if self.wishes else len(self.seats) or self.quantity
