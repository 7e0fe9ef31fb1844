"""The bench of what a frontend asks, small and on real servers: everything but the times."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from proof.bench import frontend_parts, listeners, parts
from proof.bench.generator import Generator
from proof.bench.goals import IN_ONE, IN_TWO, judge
from proof.bench.parts import HOT, Bench
from proof.bench.servers import open_servers
from proof.bench.sizes import Sizes

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with open_servers("wheels", lanes=2) as servers, Generator() as generator:
        yield Bench(servers, generator, Sizes(rounds=1, crowd=60, warm_s=0.2, hello=100), lambda _text: None)


def test_a_booking_in_one_request_is_measured_beside_one_in_two(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "HOT_SEATS", 240)
    monkeypatch.setattr(frontend_parts, "WARM_UP", 20)
    bench.servers.template(HOT, [240])
    polls: dict[str, int] = {}
    keep = bench.keep
    monkeypatch.setattr(
        Bench, "keep", lambda _, name, result: (polls.update({name: result.done.polls}), keep(name, result))
    )

    frontend_parts.at_once(bench)

    assert polls[IN_TWO] >= 60, "each booking has a GET"
    assert polls[IN_ONE] < 60, "most bookings have none"
    assert {"P13_rate", "P13_p50"} <= set(judge(bench.series))
    assert bench.series["violations"] == [0]
    assert min(bench.cpu[IN_ONE]["api"]) > 0


def test_reads_of_a_frontend_have_a_rate_and_are_compared_with_healthz(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"MAP_SEATS": 200, "SMALL": 2, "WARM_UP": 20, "SLICES": 2, "SLICE": 10}.items():
        monkeypatch.setattr(frontend_parts, name, value)

    frontend_parts.reads(bench)

    assert {"P14_list", "P14_states", "P15_map", "P15_states"} <= set(judge(bench.series))
    assert min(bench.series["show list"] + bench.series["availability"]) > 0


def test_every_listener_sees_every_change(bench: Bench) -> None:
    size = listeners.Size(seats=200, listeners=20, bookings=3, reads=5)

    found = listeners.measure(bench.servers, bench.generator, size)

    assert len(found.seen_ms) == 20 * 3
    assert len(found.last_ms) == 3
    assert max(found.last_ms) == max(found.seen_ms)
    assert all(len(each) == 5 for each in found.read_ms.values())
    assert (
        found.sizes["states as bytes"] < found.sizes["states"] < found.sizes["the map, gzip"] < found.sizes["the map"]
    )
    assert "20 streams, 3 changes" in found.lines()[0]
