"""Checks what bookings got: one of their wishes, at the prices of that time; and what they keep."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from core.halls import Hall
from core.journal import JournalRow
from proof.chaos.evidence import LIVE, Evidence
from proof.chaos.record import BOOK, RELEASE

Found = Iterator[tuple[str, float]]


def wrong(evidence: Evidence) -> Found:
    """Yield each grant other than wished, each amount other than the prices, each seat lost other than named."""
    books: dict[str, dict[str, Any]] = {}
    had: dict[str, dict[str, int]] = {}
    for row, settings in evidence.with_settings():
        if row.booking_id is None or "status" not in row.decision:
            continue
        id_, hall = str(row.booking_id), evidence.halls.get(row.show_id)
        if row.kind == BOOK:
            books.setdefault(id_, row.operation)
        texts: list[str] = []
        if id_ in had:
            texts += _kept(row, had[id_])
        elif row.decision["status"] in LIVE and settings is not None and hall is not None:
            had[id_] = {label: settings.prices[hall.category(label)] for label in row.decision["seats"]}
            texts += _granted(row, books.get(id_, {}), hall, had[id_])
        elif row.reason == "PRICE_CHANGED" and not any(map(_expected, _wishes(books.get(id_, {})))):
            texts.append("failed by its price, and expected none")
        if row.decision["status"] not in LIVE:
            had.pop(id_, None)
        yield from ((f"booking {id_} {text}", row.decided_ms / 1000) for text in texts)


def _wishes(operation: dict[str, Any]) -> list[dict[str, Any]]:
    return operation.get("wishes") or [operation]


def _expected(wish: dict[str, Any]) -> bool:
    return wish.get("expected_amount_cents") is not None


def _granted(row: JournalRow, operation: dict[str, Any], hall: Hall, prices: dict[str, int]) -> Iterator[str]:
    """Yield what is wrong with a booking's first seats. `prices`: of each of them then."""
    decision, wish = row.decision, _wishes(operation)[row.decision.get("wish", 0)]
    amount = decision["amount_cents"]
    if amount != sum(prices.values()):
        yield f"costs {amount}, and its seats {prices}"
    if _expected(wish) and amount != wish["expected_amount_cents"]:
        yield f"costs {amount}, and {wish['expected_amount_cents']} was expected"
    if wish.get("seats"):
        fits = sorted(wish["seats"]) == sorted(prices)
    else:
        dearest, category = wish.get("max_price_cents", max(prices.values(), default=0)), wish.get("category")
        fits = (
            len(prices) == wish.get("quantity")
            and all(wish.get("min_price_cents", 0) <= price <= dearest for price in prices.values())
            and all(category in (None, hall.category(label)) for label in prices)
            and not (wish.get("together") and (decision.get("apart") or len(_rows(prices)) > 1))
        )
    if not fits:
        yield f"got {prices}, and wished {wish}"
    if row.outcome == ("CONFIRMED" if operation.get("hold") else "HELD"):
        yield f"is {row.outcome}, and requested was {operation}"


def _rows(labels: dict[str, int]) -> set[str]:
    return {label.rstrip("0123456789") for label in labels}


def _kept(row: JournalRow, prices: dict[str, int]) -> Iterator[str]:
    """Yield what is wrong with what a booking has after a later decision. `prices`: of its seats until now."""
    decision, seats = row.decision, row.decision["seats"]
    if decision["status"] not in LIVE:
        return
    gone = set(prices) - set(seats)
    named = set(row.operation["seats"]) if row.kind == RELEASE and row.outcome == "RELEASED" else set()
    if gone != named & set(prices) or not set(seats) <= set(prices):
        yield f"had {sorted(prices)}, and has {seats} after {row.kind} of {sorted(named)}"
    for label in gone:
        del prices[label]
    if decision["amount_cents"] != sum(prices.values()):
        yield f"costs {decision['amount_cents']} after {row.kind}, and its seats {prices}"
