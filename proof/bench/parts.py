"""The parts of a round: contenders on one hot show, on 20 and on 1,000 shows, the drain alone, and more workers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from proof.bench import pgbench, wire
from proof.bench.contest import Contest, Pick, Result, contest, proven
from proof.bench.drain import drain_alone
from proof.bench.generator import Generator
from proof.bench.halls import label
from proof.bench.series import Series, add
from proof.bench.servers import Servers
from proof.bench.sizes import HOT_SEATS, SEATS_OF_20, SEATS_OF_1000, WARM_UP, Sizes

#: Concurrent buyers. With sync, few: each waits for the show's lock, and more of them only queue for it.
CONNECTIONS, QUEUED = {"sync": 32}, 128
HOT, TWENTY, THOUSAND = "hot_template", "twenty_template", "thousand_template"


@dataclass(slots=True)
class Bench:
    """One run of the bench and its results so far. `tell` prints progress."""

    servers: Servers
    generator: Generator
    sizes: Sizes
    tell: Callable[[str], None]
    series: Series = field(default_factory=dict)
    #: CPU seconds per booking, by load and kind of process.
    cpu: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    #: The generator's share of one core, by load.
    busy: Series = field(default_factory=dict)

    def keep(self, name: str, result: Result) -> None:
        """Add a result to the series."""
        add(self.series, name, result.rate)
        for kind in result.cpu_s:
            add(self.cpu.setdefault(name, {}), kind, result.cpu_us(kind) / 1e6)
        add(self.busy, name, result.done.cpu_s / result.done.seconds if result.done.seconds else 0.0)
        self.tell(f"{name}: {result.rate:,.0f}/s, {result.cpu_us():,.0f} us of CPU each")

    def verify(self, result: Result) -> None:
        """Run `onsale verify` on the database after one of Onsale's loads."""
        found = proven(self.servers, result).violations
        add(self.series, "violations", len(found))
        for violation in found[:3]:
            self.tell(f"VIOLATION  {violation}")

    def prepare(self) -> None:
        """Make the template databases of the rounds."""
        self.servers.template(HOT, [HOT_SEATS])
        self.servers.template(TWENTY, [SEATS_OF_20] * 20)
        self.servers.template(THOUSAND, [SEATS_OF_1000] * 1000)

    def picks(self, template: str) -> list[Pick]:
        """Return every seat of a template's shows, with the shows in turn."""
        shows = self.servers.shows[template]
        seats = {HOT: HOT_SEATS, TWENTY: SEATS_OF_20, THOUSAND: SEATS_OF_1000}[template]
        return [(show_id, label(number)) for number in range(seats) for show_id in shows]


def hot(bench: Bench) -> None:
    """Measure every contender on one hot show, pgbench and hello among them."""
    sizes = bench.sizes
    for name in ("sync", "message", "celery", "onsale+polls", "onsale"):
        _booked(bench, f"hot {name}", name, HOT, sizes.onsale if name.startswith("onsale") else sizes.others)
    best, clients = pgbench.best(bench.servers, HOT, sizes.pgbench)
    add(bench.series, "pgbench", best)
    bench.tell(f"pgbench: {best:,.0f}/s with {clients} clients")
    with contest(bench.servers, bench.generator, "hello", HOT) as hello:
        hello.ask([wire.get("/")] * WARM_UP)
        result = hello.ask([wire.get("/")] * sizes.hello)
    bench.keep("hello", result)
    add(bench.series, "hello api us", result.cpu_us("api"))


def shows(bench: Bench) -> None:
    """Measure sync and Onsale on 20 shows and on 1,000."""
    for short, template in (("20", TWENTY), ("1000", THOUSAND)):
        for name in ("sync", "onsale+polls"):
            count = bench.sizes.onsale if name.startswith("onsale") else bench.sizes.others
            _booked(bench, f"{short} {name}", name, template, count)


def _booked(bench: Bench, load: str, name: str, template: str, count: int) -> None:
    """Measure one contender: warm up, then time `count` bookings until the last is CONFIRMED.

    Only Onsale's buyers poll; those of the other designs with a queue do not, which is in their favour.
    """
    contender, _, polls = name.partition("+")
    follow = "poll" if polls else ""
    connections = CONNECTIONS.get(contender, QUEUED)
    picks = bench.picks(template)
    warm = max(WARM_UP, len(bench.servers.shows[template]))
    with contest(bench.servers, bench.generator, contender, template) as running:
        running.book(picks[:warm], follow=follow, connections=connections)
        result = running.book(
            picks[warm : warm + count], follow=follow, connections=connections, keep_ids=name == "onsale"
        )
        bench.keep(load, result)
        if name == "onsale":
            add(bench.series, "post api us", result.cpu_us("api"))
            _statuses(bench, running, result, warm)
    if contender == "onsale":
        bench.verify(result)


def _statuses(bench: Bench, running: Contest, result: Result, before: int) -> None:
    """Read the status of decided bookings, each three times with its owner's token."""
    owners = [wire.buyer_token(bench.servers.secret, before + 1 + n) for n in range(bench.sizes.gets)]
    asked = [
        wire.get(f"/api/bookings/{id_}", token) for id_, token in zip(result.done.ids, owners, strict=False) if id_
    ]
    seen = running.ask(asked * 3)
    bench.keep("status", seen)
    add(bench.series, "get api us", seen.cpu_us("api"))


def drains(bench: Bench) -> None:
    """Measure the drain alone in three ways: rows without journal, the whole transaction, and published."""
    for mode in ("rows", "recorded", "published"):
        rate = drain_alone(bench.servers, HOT, mode, bench.sizes.drained)
        add(bench.series, f"drain {mode}", rate)
        bench.tell(f"drain {mode}: {rate:,.0f}/s")


def workers(bench: Bench) -> None:
    """Measure the hot show with 1, 2 and 4 workers."""
    picks = bench.picks(HOT)
    for count in (1, 2, 4):
        with contest(bench.servers, bench.generator, "onsale", HOT, workers=count) as running:
            running.book(picks[:WARM_UP])
            result = running.book(picks[WARM_UP : WARM_UP + bench.sizes.crowd])
        add(bench.series, f"workers {count} us", result.cpu_us())
        add(bench.series, f"workers {count} rate", result.rate)
        bench.tell(f"{count} workers: {result.rate:,.0f}/s, {result.cpu_us():,.0f} us of CPU each")
        bench.verify(result)
