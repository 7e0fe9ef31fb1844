"""Random operations of one show, as hypothesis draws them: named by what a client does, and made when played."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from core import ids
from core.bookings import Verdict
from core.operations import RULES, Book, Cancel, ChangeShow, Confirm, Expire, Extend, Operation, Release
from core.wishes import Wish
from tests.support.lane import ALICE, BOB, HOLD, SHOW

CAROL = UUID(int=3)
SEATS = [f"{row}{number}" for row in "AB" for number in range(1, 6)]

_named = st.lists(st.sampled_from(SEATS), min_size=1, max_size=3, unique=True)
#: What named seats are expected to cost: often what they cost at first, 1000 or 1500 each.
_expected = st.sampled_from([None, None, None, 1_000, 2_000, 2_500])
wish = st.one_of(
    st.builds(Wish, seats=_named.map(tuple), expected_amount_cents=_expected),
    st.builds(
        Wish,
        quantity=st.integers(1, 6),
        category=st.sampled_from([None, None, "standard", "premium"]),
        min_price_cents=st.sampled_from([0, 0, 0, 1_000, 1_001, 3_000]),
        max_price_cents=st.sampled_from([None, None, 999, 1_000, 1_499, 3_000]),
        together=st.booleans(),
    ),
)
book = st.builds(
    dict,
    what=st.sampled_from(["book", "hold"]),
    seats=st.lists(st.sampled_from(SEATS), max_size=3, unique=True),
    quantity=st.integers(1, 6),
    category=st.sampled_from([None, "standard", "premium"]),
    give_up=st.sampled_from([0, 0, 0, 1, 1_000, 4_000]),
    verdict=st.sampled_from([None, None, None, None, *Verdict]),
    rules=st.sampled_from([0, 1, 1]),
    waiting=st.booleans(),
    wishes=st.one_of(st.just([]), st.lists(wish, min_size=1, max_size=3)),
    expected=_expected,
)
later = st.builds(
    dict,
    what=st.sampled_from(["confirm", "cancel", "again", "extend", "release", "release"]),
    pick=st.integers(0, 30),
    seats=st.lists(st.sampled_from(SEATS), min_size=1, max_size=4, unique=True),
    own=st.sampled_from([0, 1, 1, 2]),
)
other = st.one_of(
    st.builds(dict, what=st.just("expire"), limit=st.integers(1, 3)),
    st.builds(dict, what=st.just("change"), limit=st.integers(1, 8)),
    st.builds(dict, what=st.just("change"), price=st.integers(0, 2_000)),
    st.builds(
        dict, what=st.just("change"), state=st.sampled_from(["PAUSED", "ON_SALE", "ON_SALE", "ON_SALE", "CLOSED"])
    ),
)
#: Chosen by name: `one_of` would give every branch of `other` the weight of `book`.
_what = st.sampled_from(["book", "book", "book", "later", "later", "other"]).flatmap(
    {"book": book, "later": later, "other": other}.__getitem__
)
_step = st.tuples(
    _what,
    st.sampled_from([ALICE, BOB, CAROL]),
    st.one_of(st.integers(0, 1_000), st.sampled_from([0, HOLD - 1, HOLD, HOLD + 1])),
    st.integers(0, 5_000),
)
#: (what, who, ms since the last one, ms until it is decided). Hypothesis makes lists short unless it must not: a hall
#: of ten seats is then hardly ever contested.
STEPS = st.one_of(st.lists(_step, max_size=8), st.lists(_step, min_size=12, max_size=40))


def book_of(step: dict[str, Any], user: UUID, number: int) -> Book:
    wishes, named = tuple(step.get("wishes", ())), step["seats"]
    asked: dict[str, Any] = {"wishes": wishes, "rules": RULES}
    if not wishes:
        asked = {
            "seats": tuple(named),
            "quantity": 0 if named else step["quantity"],
            "category": None if named else step["category"],
            "expected_amount_cents": step.get("expected") if named else None,
            "rules": step["rules"],
        }
    return Book(
        booking_id=ids.booking_id(b"k" * 32, SHOW, user, f"key {number}"),
        show_id=SHOW,
        user_id=user,
        fingerprint="f",
        hold=step["what"] == "hold",
        give_up_after_ms=step["give_up"],
        waiting=step["waiting"],
        **asked,
    )


def operations(steps: list[Any]) -> list[tuple[Operation, int, Verdict | None]]:
    """Return the steps as operations, each with the ms since the previous one was accepted, and its verdict."""
    found: list[tuple[Operation, int, Verdict | None]] = []
    books: list[Book] = []
    for number, (step, user, after, _) in enumerate(steps):
        made: Operation
        match step:
            case {"what": "book" | "hold"}:
                made = book_of(step, user, number)
                books.append(made)
            case {"what": "expire", "limit": limit}:
                made = Expire(show_id=SHOW, limit=limit)
            case {"what": "change", "limit": limit}:
                made = ChangeShow(show_id=SHOW, changes={"seats_per_user": limit})
            case {"what": "change", "price": price}:
                made = ChangeShow(show_id=SHOW, changes={"prices": {"standard": price, "premium": 2 * price}})
            case {"what": "change", "state": state}:
                made = ChangeShow(show_id=SHOW, changes={"state": state})
            case _ if not books:
                continue
            case {"what": "again", "pick": pick}:
                made = books[pick % len(books)]
            case {"what": "release", "pick": pick, "seats": seats, "own": own}:
                book_ = books[pick % len(books)]
                made = Release(
                    booking_id=book_.booking_id, show_id=SHOW, user_id=user,
                    seats=book_.named[:own] or tuple(seats),
                )  # fmt: skip
            case {"what": what, "pick": pick}:
                kind = {"confirm": Confirm, "cancel": Cancel, "extend": Extend}[what]
                made = kind(booking_id=books[pick % len(books)].booking_id, show_id=SHOW, user_id=user)
        found.append((made, after, step.get("verdict")))
    return found
