"""Sizes: what one run of the check explores, and the bugs that can be planted in it."""

from __future__ import annotations

from dataclasses import dataclass, replace

#: A request: BOOK books the one seat; a number n cancels the booking of request n.
BOOK = -1


@dataclass(frozen=True)
class Size:
    """One run. Crashes, lost answers and late wake-ups happen any number of times, at any step.

    requests: BOOK, or the index of the Book that is cancelled.   batch: the most entries of one batch.
    wipes: how often Redis loses everything.   forgets: how often a final status leaves Redis by its TTL.
    losses: how often an operator deletes an entry.   failovers: how often a replica takes over that lacks the last
    operation and its publication.   cards: whether accept.lua checks the show's card.
    faults: whether anything may crash, get lost, or be so slow that its lease lapses.
    doorbells, sweeper: whether they work. Without faults either is enough; with faults the sweeper is needed.
    bug: the name of a planted bug (BUGS), "" for the protocol as it is.
    """

    apis: int = 2
    workers: int = 2
    requests: tuple[int, ...] = (BOOK, BOOK, 0)
    batch: int = 2
    wipes: int = 0
    forgets: int = 0
    losses: int = 0
    failovers: int = 0
    cards: bool = False
    faults: bool = True
    doorbells: bool = True
    sweeper: bool = True
    bug: str = ""


#: `--size`: name -> its runs. CI runs "small".
SIZES: dict[str, dict[str, Size]] = {
    "small": {
        "rivals": Size(apis=1, requests=(BOOK, BOOK)),
        "change of mind": Size(apis=1, requests=(BOOK, 0)),
        "two apis": Size(workers=1, requests=(BOOK, BOOK)),
        "nothing fails, nobody sweeps": Size(requests=(BOOK, BOOK), faults=False, sweeper=False),
        "no doorbell": Size(apis=1, requests=(BOOK, 0), doorbells=False),
        "Redis wiped": Size(apis=1, workers=1, requests=(BOOK, 0), wipes=1),
        "Redis wiped under two drains": Size(apis=1, requests=(BOOK,), wipes=1),
        "status forgotten": Size(apis=1, workers=1, requests=(BOOK, 0), forgets=1),
        "status forgotten under two drains": Size(apis=1, requests=(BOOK,), forgets=1),
        "sold out": Size(apis=1, requests=(BOOK, BOOK, 0), cards=True, faults=False),
        "sold out, Redis wiped": Size(apis=1, workers=1, requests=(BOOK, 0), wipes=1, cards=True),
        "an entry deleted": Size(apis=1, workers=1, requests=(BOOK, 0), losses=1),
        "failover": Size(apis=1, workers=1, requests=(BOOK, 0), failovers=1, cards=True),
    },
    "full": {
        "rivals": Size(requests=(BOOK, BOOK, BOOK)),
        "change of mind": Size(requests=(BOOK, BOOK, 0)),
        "nothing fails, nobody sweeps": Size(requests=(BOOK, BOOK, 0), faults=False, sweeper=False),
        "Redis wiped": Size(requests=(BOOK, 0), wipes=1),
        "status forgotten": Size(apis=1, requests=(BOOK, BOOK, 0), forgets=1),
        "sold out": Size(apis=1, workers=1, requests=(BOOK, BOOK, 0), cards=True),
        "sold out, Redis wiped": Size(apis=1, requests=(BOOK, 0), wipes=1, cards=True),
        "an entry deleted": Size(apis=1, requests=(BOOK, 0), losses=1),
        "failover": Size(apis=1, requests=(BOOK, 0), failovers=1, cards=True),
    },
}

_ONE_API = Size(apis=1, requests=(BOOK, BOOK))
_SECOND_THOUGHTS = Size(apis=1, requests=(BOOK, 0))

#: The bugs that can be planted, each with a size that shows it. The check must find every one.
BUGS: dict[str, Size] = {
    "publish before COMMIT": _ONE_API,
    "trim before COMMIT": _ONE_API,
    "the lane's row is not locked": _ONE_API,
    "seats are read before the lock": _ONE_API,
    "the lease never lapses": _ONE_API,
    "nobody sweeps": replace(_ONE_API, requests=(BOOK,), sweeper=False),
    "release.lua does not look at the lane": replace(_ONE_API, faults=False, sweeper=False),
    "accept is not idempotent": _ONE_API,
    "the journal is not looked at": _SECOND_THOUGHTS,
    "a COMMIT without an answer counts as done": _ONE_API,
    "finish.lua does not compare epochs": replace(_ONE_API, wipes=1),
    "a recalled status has no TTL": replace(_SECOND_THOUGHTS, workers=1, wipes=1),
    "finish.lua compares neither versions nor tickets": _SECOND_THOUGHTS,
    "finish.lua leaves the marks of decided Cancels": _SECOND_THOUGHTS,
    "put_if_newer.lua does not compare versions": replace(_SECOND_THOUGHTS, apis=2, workers=1, forgets=1),
    "decide does not look for an outcome": replace(_ONE_API, forgets=1),
    "a refusal's card is never confirmed": replace(_SECOND_THOUGHTS, workers=1, wipes=1, cards=True),
    "put_if_newer.lua does not compare the versions of cards": replace(_SECOND_THOUGHTS, workers=1, cards=True),
    "a queued booking is found again although its entry is gone": Size(apis=1, requests=(BOOK,), losses=1),
    "an empty lane's last tickets are taken for waiting": replace(_SECOND_THOUGHTS, workers=1, losses=1),
    "a hold whose deadline has passed is not looked up": replace(_SECOND_THOUGHTS, workers=1, failovers=1),
}
