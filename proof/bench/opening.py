"""`make bench-opening`: the first seconds of a sale in a large hall, compared with the same show once it is warm.

A hall and a show are made over HTTP. Immediately afterwards buyers request its seats over CONNECTIONS connections,
while bookings of another show continue. Then the same again, warm. Then the best seats are requested for the first
time, while bookings of a third show, in another lane of the same worker, are followed to their outcome.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Any

import click
import psutil

from core.local_settings import LocalSettings
from core.times import from_ms
from db.postgres import users
from db.postgres.engine import make_engine, transaction
from ops.rush.tokens import mint
from proof.bench import wire
from proof.bench.command import main
from proof.bench.contest import Contest, contest
from proof.bench.generator import Generator
from proof.bench.halls import label, plan
from proof.bench.job import Done, Job
from proof.bench.series import percentile
from proof.bench.servers import DATABASE, Servers, open_servers
from proof.bench.worker_overload import Bookings
from proof.kit.client import Client
from proof.kit.output import quiet, show_end
from proof.kit.shows import DAY_MS, Catalogue

#: Seats of the halls; connections; seconds for which buyers send requests.
SIZES, CONNECTIONS, SECONDS = (50_000, 200_000), 32, 5.0
#: Requests per second for the other shows.
QUIET_PER_S = 20
#: Seats of each other show, enough for every request of a run; buyers; most requests per second for the opening show.
OTHER_SEATS, BUYERS, MOST_PER_S = 20_000, 4_000, 4_000
#: Clients that read the seat map at once.
LOOKERS = 4
#: The most by which the p99 of an opening may exceed that of the same show warm, as a factor.
TIMES_WARM = 2.0
WARM_UP_S, PATIENCE_S = 2.0, 60.0


@dataclass(slots=True)
class Opening:
    """The result for one hall. Latencies are in milliseconds, of the first seconds and of as many later on.

    making_ms, looking_ms, other_ms: of another show while this one is made, while its seat map is read, and during
    the opening.   outcome_ms: from request to outcome, of a show in another lane while this one's first best seats
    are decided.   best_ms: until those are decided.
    """

    seats: int
    made_s: float = 0.0
    first_ms: list[float] = field(default_factory=list)
    warm_ms: list[float] = field(default_factory=list)
    making_ms: list[float] = field(default_factory=list)
    looking_ms: list[float] = field(default_factory=list)
    other_ms: list[float] = field(default_factory=list)
    outcome_ms: list[float] = field(default_factory=list)
    best_ms: float = 0.0
    looks: int = 0
    codes: dict[int, int] = field(default_factory=dict)
    outcomes: dict[str, int] = field(default_factory=dict)
    api_mb: list[float] = field(default_factory=list)
    worker_mb: list[float] = field(default_factory=list)

    @property
    def times_warm(self) -> float:
        """The p99 of the first seconds, divided by the warm one."""
        return percentile(self.first_ms, 99) / percentile(self.warm_ms, 99)

    def lines(self) -> list[str]:
        """Return the lines to print."""
        return [
            f"{self.seats:,} seats, show made in {self.made_s:.2f} s, answers {self.codes}",
            f"  first {SECONDS:g} s: {_spread(self.first_ms)}; warm: {_spread(self.warm_ms)};"
            f" {self.times_warm:.1f} times",
            f"  another show meanwhile: {_spread(self.other_ms)}",
            f"  another show while this one is made: {_spread(self.making_ms)}",
            f"  another show while {LOOKERS} clients read its map {self.looks} times: {_spread(self.looking_ms)}",
            f"  first best seats after {self.best_ms:.0f} ms;"
            f" another lane's outcomes meanwhile: {_spread(self.outcome_ms)} {self.outcomes}",
            f"  RSS, MB: api {_listed(self.api_mb)}, worker {_listed(self.worker_mb)}",
        ]


class Opened:
    """A running Onsale whose openings are measured."""

    def __init__(self, running: Contest, quiet_: Generator, other: Sequence[int], client: Client) -> None:
        self._running = running
        self._quiet = quiet_
        self._other = other
        self._tokens = [wire.buyer_token(running.servers.secret, number) for number in range(1, BUYERS + 1)]
        self._client = client
        self._catalogue = Catalogue(client, _admin_token(running.servers))
        self._sent, self._picked = 0, 0

    def opening(self, seats: int) -> Opening:
        """Make a hall and its shows, and measure the first seconds."""
        found = Opening(seats)
        self._quiet.begin(self._other_bookings(self._other[0], SECONDS))
        begun = time.perf_counter()
        show_id = self._show(seats)
        found.made_s = time.perf_counter() - begun
        found.making_ms = self._quiet.end().accept_ms
        self._quiet.begin(self._other_bookings(self._other[0], SECONDS))
        found.looks = self._look(show_id, SECONDS)
        found.looking_ms = self._quiet.end().accept_ms
        show_id = self._show(seats)
        self._quiet.begin(self._other_bookings(self._other[0], SECONDS))
        done = self._storm(show_id, seats, SECONDS)
        found.first_ms, found.codes = done.accept_ms, dict(done.codes)
        found.other_ms = self._quiet.end().accept_ms
        found.warm_ms = self._storm(show_id, seats, SECONDS).accept_ms
        self._best(found, show_id)
        found.api_mb, found.worker_mb = rss_mb(self._running, "api"), rss_mb(self._running, "worker-1")
        return found

    def warm_up(self) -> None:
        """Book seats of the other shows, so that every process knows these shows."""
        for show_id in self._other:
            self._sent = 0  # the upper half of the seats is left for `_other_bookings`
            self._storm(show_id, OTHER_SEATS, WARM_UP_S)

    def _show(self, seats: int) -> int:
        """Make a show in a new hall, which no process has read yet. Returns the show's id."""
        starts_at = from_ms(int(time.time() * 1000) + 30 * DAY_MS).isoformat()
        movie_id, hall_id = self._catalogue.movie(), self._catalogue.hall(plan(seats))
        return self._catalogue.show(movie_id, hall_id, starts_at, {"standard": 1_200})

    def _storm(self, show_id: int, seats: int, seconds: float) -> Done:
        requests = Bookings([show_id], seats, self._tokens, self._sent, int(MOST_PER_S * seconds))
        self._sent += len(requests)
        job = Job(
            port=self._running.port,
            requests=requests,
            connections=CONNECTIONS,
            send_s=seconds,
            deadline_s=seconds + PATIENCE_S,
        )
        return self._running.generator.run(job)

    def _other_bookings(self, show_id: int, seconds: float, follow: str = "") -> Job:
        count = int(QUIET_PER_S * seconds)
        first, self._picked = self._picked, self._picked + count
        picks = [(show_id, label(OTHER_SEATS - 1 - number)) for number in range(first, first + count)]
        return self._running.job(picks, rate=QUIET_PER_S, connections=8, follow=follow, deadline_s=PATIENCE_S)

    def _best(self, found: Opening, show_id: int) -> None:
        """Request the show's best seats for the first time, while another lane works."""
        self._quiet.begin(self._other_bookings(self._other[1], SECONDS, follow="wait"))
        time.sleep(SECONDS / 5)
        begun = time.perf_counter()
        id_ = self._book({"show_id": show_id, "quantity": 2}, self._tokens[0])
        status = "PENDING"
        while status == "PENDING" and time.perf_counter() < begun + PATIENCE_S:
            status = self._client.call("GET", f"/api/bookings/{id_}?wait=5", token=self._tokens[0])["status"]
        found.best_ms = (time.perf_counter() - begun) * 1000
        done = self._quiet.end()
        found.outcome_ms, found.outcomes = done.outcome_ms, dict(done.outcomes)

    def _look(self, show_id: int, seconds: float) -> int:
        """Read the seat map LOOKERS times at once after each booking, so that it is rebuilt. Returns how often."""
        end, looks = time.perf_counter() + seconds, 0
        with ThreadPoolExecutor(LOOKERS) as pool:
            while time.perf_counter() < end:
                seat = {"show_id": show_id, "seats": [label(looks)]}
                self._book(seat, self._tokens[looks % BUYERS])
                list(pool.map(self._map, [show_id] * LOOKERS))
                looks += 1
        return looks

    def _map(self, show_id: int) -> None:
        self._client.call("GET", f"/api/shows/{show_id}/seats", token=self._catalogue.token)

    def _book(self, body: dict[str, Any], token: str) -> str:
        return str(self._client.call("POST", "/api/bookings", body, token=token)["id"])


def measure(sizes: Sequence[int], tell: Callable[[str], None]) -> list[Opening]:
    """Measure an opening for each size, one after the other, on one running system with one worker."""
    found = []
    with ExitStack() as stack:
        servers = stack.enter_context(open_servers(LocalSettings.from_env().servers))
        generator, quiet_ = stack.enter_context(Generator()), stack.enter_context(Generator())
        others = servers.template("opening", [OTHER_SEATS, OTHER_SEATS])
        running = stack.enter_context(contest(servers, generator, "onsale", "opening", workers=1))
        client = stack.enter_context(Client(f"http://127.0.0.1:{running.port}", timeout_s=PATIENCE_S))
        opened = Opened(running, quiet_, others, client)
        opened.warm_up()
        tell(f"RSS before, MB: api {_listed(rss_mb(running, 'api'))}, worker {_listed(rss_mb(running, 'worker-1'))}")
        for seats in sizes:
            found.append(opened.opening(seats))
            tell("\n".join(found[-1].lines()))
    return found


def rss_mb(running: Contest, name: str) -> list[float]:
    """Return the resident memory of the processes of one kind in MB, the largest first."""
    found = []
    with suppress(psutil.Error):
        root = psutil.Process(running.groups[name].pid)
        found = [each.memory_info().rss / 1e6 for each in [root, *root.children(recursive=True)]]
    return sorted(found, reverse=True)


def _admin_token(servers: Servers) -> str:
    engine = make_engine(servers.url(DATABASE), pool_size=1)
    try:
        with transaction(engine) as connection:
            admin_id = users.insert_admin(connection, "opening@example.com", "no hash at all")
    finally:
        engine.dispose()
    return mint(servers.secret, str(admin_id), "admin")


def _spread(numbers: Sequence[float]) -> str:
    if not numbers:
        return "no answers"
    figures = ", ".join(f"p{share:g} {percentile(numbers, share):.0f}" for share in (50, 99))
    return f"{figures}, max {max(numbers):.0f} ms of {len(numbers)}"


def _listed(numbers: Sequence[float]) -> str:
    return " ".join(f"{number:.0f}" for number in numbers)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--seats", multiple=True, type=click.IntRange(1_000, 200_000), help="Seats of a hall; repeatable.")
def command(seats: tuple[int, ...]) -> None:
    """Measure the opening of shows in large halls. Exits with 1 if one takes too long compared with the warm show."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with quiet("bench") as (console, log):
        try:
            found = measure(seats or SIZES, lambda text: console.print(text, highlight=False))
        except BaseException:  # Ctrl-C too: the processes' output is lost when we end
            show_end(console, log)
            raise
    if any(each.times_warm > TIMES_WARM for each in found):
        raise SystemExit(1)


if __name__ == "__main__":
    main(command)
