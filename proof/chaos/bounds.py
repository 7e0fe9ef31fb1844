"""How long each fault may stop each service, checked against the samples and the record.

Three services are watched: lanes decide, bookings are accepted, statuses are answered. For each fault, BOUNDS has the
seconds for which each may stop; None: while the fault lasts, and `back_s` after it. Without a fault the bound is
NOTHING_S. Time for which the harness itself was stalled is not counted.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise

from proof.chaos.ages import LOOK_S, Age
from proof.chaos.nemesis import Fired
from proof.chaos.own_bookings import STEADY_KEY
from proof.chaos.record import BOOK, STATUS, Call

#: Seconds that still count as not stopping; and the allowance for a busy machine on top of every bound.
NOTHING_S, MACHINE_S = 3.0, 1.0
#: Seconds until a lane moves again after one of two workers was killed, and after one was stopped: a stopped one may
#: be inside a transaction, whose session Postgres ends after 5 s (docs/reliability.md has the calculation).
KILLED_S, STOPPED_S = 5.0, 7.5
#: Late samples of one lane that are further apart than this, in seconds, are reported as two episodes.
EPISODE_S = 2.0
LANES, ACCEPTS, STATUSES = "lanes", "accepts", "statuses"
#: While accepting must not stop: the largest share of the steady stream that may fail, and the fewest bookings for
#: which that share is checked.
REFUSED_SHARE, FEWEST = 0.05, 20
#: What shows that a service works: the kind of request, and the codes of its answers.
ANSWERS = {ACCEPTS: (BOOK, (200, 201, 202, 409, 422)), STATUSES: (STATUS, (200, 404))}


@dataclass(frozen=True, slots=True)
class Bound:
    """How many seconds each service may stop. None: while the fault lasts, and `back_s` after it."""

    lanes: float | None = NOTHING_S
    accepts: float | None = NOTHING_S
    statuses: float | None = NOTHING_S
    back_s: float = 5.0

    def of(self, service: str) -> float | None:
        """Return the bound of one service."""
        found: float | None = getattr(self, service)
        return found


NOTHING = Bound()
KILLED, STOPPED = Bound(lanes=KILLED_S), Bound(lanes=STOPPED_S)
#: Lanes may stop; bookings are still accepted and statuses answered.
NO_POSTGRES = Bound(lanes=None)
NO_API = Bound(accepts=None, statuses=None)
NO_REDIS = Bound(lanes=None, accepts=None, statuses=None)

BOUNDS = {
    **dict.fromkeys(("kill scheduler", "kill broker", "kill api fork", "stop scheduler", "stop broker"), NOTHING),
    **dict.fromkeys(("full memory broker", "eaten doorbells", "doubled doorbells"), NOTHING),
    **dict.fromkeys(("worker of other lanes", "second installation", "clock ahead", "reset api"), NOTHING),
    **{f"{what} {who}-broker": NOTHING for what in ("cut", "half-open", "delay") for who in ("api", "worker")},
    "cut scheduler-broker": NOTHING,
    # Restarting the api's master takes some seconds.
    "kill api": Bound(accepts=None, statuses=None, back_s=10.0),
    "stop api": NO_API,
    **dict.fromkeys(("kill worker", "kill worker fork", "reset worker", "lost COMMIT answers"), KILLED),
    "rolling restart": KILLED,
    **dict.fromkeys(("stop worker", "stop worker in its transaction"), STOPPED),
    **dict.fromkeys(("kill postgres", "kill postgres backend", "stop postgres", "full disk postgres"), NO_POSTGRES),
    **dict.fromkeys(("demote postgres", "old primary postgres"), NO_POSTGRES),
    **dict.fromkeys(("kill redis", "stop redis", "full memory redis", "demote redis"), NO_REDIS),
    **dict.fromkeys(("old primary redis", "failover redis", "wipe redis"), NO_REDIS),
    "full disk redis": Bound(lanes=None, accepts=None, statuses=None, back_s=10.0),
    **{f"{what} api-redis": NO_API for what in ("cut", "half-open", "stall", "delay", "lost replies")},
    **{f"{what} api-postgres": NOTHING for what in ("cut", "half-open", "stall", "delay", "lost replies")},
    **{f"{what} worker-{server}": Bound(lanes=None) for what in ("cut", "half-open", "stall", "delay", "lost replies")
       for server in ("redis", "postgres")},
    # Every server and every program restarts.
    "kill everything": Bound(lanes=None, accepts=None, statuses=None, back_s=20.0),
}  # fmt: skip


@dataclass
class Overdue:
    """A service that stopped for longer than its bound. `at`: when that was seen, seconds since 1970."""

    text: str
    at: float


@dataclass
class Allowed:
    """How long a service may stop between two moments.

    most_s: the bound.   excused_s: seconds that are not counted.   faults: why, in order.
    """

    most_s: float = NOTHING_S
    excused_s: float = 0.0
    faults: dict[str, None] = field(default_factory=dict)

    def over_s(self, begun: float, ended: float) -> float:
        """Return the seconds beyond what is allowed; 0 or less if it was in time."""
        return ended - begun - self.excused_s - self.most_s - MACHINE_S

    @property
    def words(self) -> str:
        """Return the names of the faults, or "no fault"."""
        return " + ".join(self.faults) or "no fault"


def allowed(
    service: str, begun: float, ended: float, fired: Iterable[Fired], lags: Iterable[tuple[float, float]] = ()
) -> Allowed:
    """Return how long a service may stop between two moments. Bounds of faults that coincide add up."""
    found, slower, free = Allowed(), 0.0, list[tuple[float, float]]()
    for each in fired:
        bound = BOUNDS[each.fault]
        most_s = bound.of(service)
        until = each.until + (bound.back_s if most_s is None else most_s)
        if each.begun < ended and begun < until:
            found.faults[each.fault] = None
            if most_s is None:
                free.append((max(begun, each.begun), min(ended, until)))
            elif most_s > NOTHING_S:
                slower += most_s
    found.most_s = max(NOTHING_S, slower)
    free += [(max(begun, at - late_s), min(ended, at)) for at, late_s in lags if begun < at and at - late_s < ended]
    last = begun
    for since, until in sorted(free):
        found.excused_s += max(0.0, until - max(last, since))
        last = max(last, until)
    return found


def overdue(
    fired: Sequence[Fired], samples: Sequence[Age], calls: Sequence[Call], lags: Sequence[tuple[float, float]]
) -> list[Overdue]:
    """Return everything that stopped for too long: one line per episode, with its worst sample."""
    found = [*_old_entries(fired, samples, lags)]
    for service in ANSWERS:
        found += _silences(service, fired, calls, lags)
    return [*found, *_refused(fired, calls, lags)]


def _old_entries(
    fired: Sequence[Fired], samples: Sequence[Age], lags: Sequence[tuple[float, float]]
) -> Iterator[Overdue]:
    late: list[tuple[Age, Allowed]] = []
    for each in samples:
        if each.age_s > NOTHING_S:
            may = allowed(LANES, each.at - each.age_s, each.at, fired, lags)
            if may.over_s(each.at - each.age_s, each.at) > 0:
                late.append((each, may))
    late.sort(key=lambda pair: (pair[0].lane, pair[0].at))
    numbers = [0]
    for (before, _), (after, _) in pairwise(late):
        numbers.append(numbers[-1] + (before.lane != after.lane or after.at - before.at > EPISODE_S))
    for _, episode in groupby(zip(numbers, late, strict=False), key=lambda pair: pair[0]):
        worst, may = max((pair for _, pair in episode), key=lambda pair: pair[0].age_s)
        yield Overdue(
            f"{may.words}: the oldest of {worst.depth} entries in lane {worst.lane} waited {worst.age_s:.1f} s, "
            f"{may.most_s:g} s are allowed" + (f" and {may.excused_s:.1f} s excused" if may.excused_s else ""),
            worst.at,
        )


def _silences(
    service: str, fired: Sequence[Fired], calls: Sequence[Call], lags: Sequence[tuple[float, float]]
) -> Iterator[Overdue]:
    """Yield the times in which requests were sent and none was answered."""
    kind, codes = ANSWERS[service]
    asked = sorted(call.sent_at for call in calls if call.kind == kind)
    answered = sorted(call.answered_at for call in calls if call.kind == kind and call.code in codes)
    if not asked:
        return
    for begun, ended in pairwise([asked[0], *answered, max(asked[-1], *answered)]):
        if ended - begun > NOTHING_S and bisect_left(asked, begun) < bisect_left(asked, ended - NOTHING_S):
            may = allowed(service, begun, ended, fired, lags)
            if may.over_s(begun, ended) > 0:
                yield Overdue(
                    f"{may.words}: {service} stopped for {ended - begun:.1f} s, {may.most_s:g} s are allowed"
                    + (f" and {may.excused_s:.1f} s excused" if may.excused_s else ""),
                    ended,
                )


def _refused(fired: Sequence[Fired], calls: Sequence[Call], lags: Sequence[tuple[float, float]]) -> Iterator[Overdue]:
    """Yield the faults under which accepting must not stop, and too much of the steady stream failed."""
    steady = sorted((call for call in calls if call.key.startswith(STEADY_KEY)), key=lambda call: call.sent_at)
    sent = [call.sent_at for call in steady]
    for each in fired:
        during = steady[bisect_left(sent, each.begun) : bisect_left(sent, each.until)]
        may = allowed(ACCEPTS, each.begun, each.until, fired, lags)
        failed = sum(call.code == 0 or call.code >= 500 for call in during)
        if len(during) >= FEWEST and not may.excused_s and failed > REFUSED_SHARE * len(during):
            yield Overdue(f"{may.words}: {failed} of {len(during)} bookings were not accepted", each.until)


def oldest_s(each: Fired, samples: Iterable[Age]) -> float:
    """Return the age in seconds of the oldest undecided entry seen during a fault, or just after an instant one."""
    until = each.until if each.until - each.begun > LOOK_S else each.begun + NOTHING_S
    return max((age.age_s for age in samples if each.begun <= age.at <= until), default=0.0)


def table() -> list[str]:
    """Return BOUNDS as lines of Markdown, faults with the same bound in one row."""
    groups: dict[Bound, list[str]] = {}
    for name, bound in BOUNDS.items():
        groups.setdefault(bound, []).append(name)
    lines = ["| while it lasts | lanes decide | bookings are accepted | statuses are answered |", "|---|---|---|---|"]
    for bound, names in groups.items():
        cells = [
            f"may stop, and is back {bound.back_s:g} s after it" if most_s is None else f"within {most_s:g} s"
            for most_s in (bound.lanes, bound.accepts, bound.statuses)
        ]
        lines.append(f"| {', '.join(names)} | {' | '.join(cells)} |")
    return lines
