"""What each fault may stop while it lasts, and what it may not; held against the samples and the record.

Three services are watched: lanes decide, the door accepts, statuses are answered. For each fault a row says how many
seconds each may stand still; None: as long as the fault lasts, and `back_s` after it. Where nothing is said, nothing
may stop: NOTHING_S. Time in which the machine kept the harness itself waiting is not counted.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise

from proof.chaos.ages import LOOK_S, Age
from proof.chaos.mine import STEADY_KEY
from proof.chaos.nemesis import Fired
from proof.chaos.record import BOOK, STATUS, Call

#: Seconds that count as not stopping; and that a busy machine is allowed on top of every bound.
NOTHING_S, MACHINE_S = 3.0, 1.0
#: A lane moves again within so many seconds after one of two workers was killed, and after one was stopped: it may
#: stop inside a transaction, whose session Postgres ends after 5 s (docs/reliability.md has the sum).
KILLED_S, STOPPED_S = 5.0, 7.5
#: Two looks at one lane that are further apart are two episodes, seconds.
EPISODE_S = 2.0
LANES, ACCEPTS, STATUSES = "lanes", "accepts", "statuses"
#: While accepting may not stop, no larger share of the steady stream may go unaccepted, of so many bookings or more.
REFUSED_SHARE, FEWEST = 0.05, 20
#: What shows that a service works: the kind of the request, and the answers to it.
ANSWERS = {ACCEPTS: (BOOK, (200, 202, 409, 422)), STATUSES: (STATUS, (200, 404))}


@dataclass(frozen=True, slots=True)
class Bound:
    """How long each service may stand still, seconds. None: while the fault lasts, and `back_s` after it."""

    lanes: float | None = NOTHING_S
    accepts: float | None = NOTHING_S
    statuses: float | None = NOTHING_S
    back_s: float = 5.0

    def of(self, service: str) -> float | None:
        """The bound of one service."""
        found: float | None = getattr(self, service)
        return found


NOTHING = Bound()
KILLED, STOPPED = Bound(lanes=KILLED_S), Bound(lanes=STOPPED_S)
#: Lanes may stop, accepting may not, and statuses are answered.
NO_POSTGRES = Bound(lanes=None)
NO_API = Bound(accepts=None, statuses=None)
NO_REDIS = Bound(lanes=None, accepts=None, statuses=None)

BOUNDS = {
    **dict.fromkeys(("kill scheduler", "kill broker", "kill api fork", "stop scheduler", "stop broker"), NOTHING),
    **dict.fromkeys(("full memory broker", "eaten doorbells", "doubled doorbells"), NOTHING),
    **dict.fromkeys(("worker of other lanes", "second installation", "clock ahead", "reset api"), NOTHING),
    **{f"{what} {who}-broker": NOTHING for what in ("cut", "half-open", "delay") for who in ("api", "worker")},
    "cut scheduler-broker": NOTHING,
    # Who restarts its master needs some seconds.
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
    # Every server and every program starts anew.
    "kill everything": Bound(lanes=None, accepts=None, statuses=None, back_s=20.0),
}  # fmt: skip


@dataclass
class Overdue:
    """What stood still for longer than it might. `at`: when that was seen, seconds since 1970."""

    text: str
    at: float


@dataclass
class Allowed:
    """How long a service may stand still in a given time: the longest, what is not counted, and because of what."""

    most_s: float = NOTHING_S
    excused_s: float = 0.0
    faults: dict[str, None] = field(default_factory=dict)

    def over_s(self, begun: float, ended: float) -> float:
        """Seconds beyond what is allowed; 0 or less if it was in time."""
        return ended - begun - self.excused_s - self.most_s - MACHINE_S

    @property
    def words(self) -> str:
        """The faults, or that there was none."""
        return " + ".join(self.faults) or "no fault"


def allowed(
    service: str, begun: float, ended: float, fired: Iterable[Fired], lags: Iterable[tuple[float, float]] = ()
) -> Allowed:
    """What a service may do between two moments. Bounds of faults that come together add up."""
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
    """Everything that stood still for too long: one line for each time, with the worst of it."""
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
    """Times in which somebody asked and nobody was answered."""
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
                    f"{may.words}: {service} stood still for {ended - begun:.1f} s, {may.most_s:g} s are allowed"
                    + (f" and {may.excused_s:.1f} s excused" if may.excused_s else ""),
                    ended,
                )


def _refused(fired: Sequence[Fired], calls: Sequence[Call], lags: Sequence[tuple[float, float]]) -> Iterator[Overdue]:
    """Faults under which accepting may not stop, and the door did not accept much of the steady stream."""
    steady = sorted((call for call in calls if call.key.startswith(STEADY_KEY)), key=lambda call: call.sent_at)
    sent = [call.sent_at for call in steady]
    for each in fired:
        during = steady[bisect_left(sent, each.begun) : bisect_left(sent, each.until)]
        may = allowed(ACCEPTS, each.begun, each.until, fired, lags)
        failed = sum(call.code == 0 or call.code >= 500 for call in during)
        if len(during) >= FEWEST and not may.excused_s and failed > REFUSED_SHARE * len(during):
            yield Overdue(f"{may.words}: {failed} of {len(during)} bookings were not accepted", each.until)


def oldest_s(each: Fired, samples: Iterable[Age]) -> float:
    """The age of the oldest undecided entry that was seen while a fault lasted, or soon after its moment, seconds."""
    until = each.until if each.until - each.begun > LOOK_S else each.begun + NOTHING_S
    return max((age.age_s for age in samples if each.begun <= age.at <= until), default=0.0)


def table() -> list[str]:
    """The rows of BOUNDS as lines of Markdown, faults with the same bound together."""
    groups: dict[Bound, list[str]] = {}
    for name, bound in BOUNDS.items():
        groups.setdefault(bound, []).append(name)
    lines = ["| while it lasts | lanes decide | the door accepts | statuses are answered |", "|---|---|---|---|"]
    for bound, names in groups.items():
        cells = [
            f"may stop, and is back {bound.back_s:g} s after it" if most_s is None else f"within {most_s:g} s"
            for most_s in (bound.lanes, bound.accepts, bound.statuses)
        ]
        lines.append(f"| {', '.join(names)} | {' | '.join(cells)} |")
    return lines
