"""One contender of the bench books seats on real servers, and its bookings are in Postgres."""

from __future__ import annotations

import pytest

from proof.bench.contest import contest, proven
from proof.bench.generator import Generator
from proof.bench.halls import label
from proof.bench.servers import open_servers


@pytest.mark.timeout(120)
def test_contenders_book_every_seat_they_are_asked_for():
    with open_servers("wheels", lanes=2) as servers, Generator() as generator:
        [show_id] = servers.template("small", [60])
        picks = [(show_id, label(number)) for number in range(60)]
        found = []

        for name in ("sync", "message", "onsale"):
            with contest(servers, generator, name, "small", workers=1) as running:
                found.append(running.book(picks, follow="poll", connections=8))
        home = servers.home

        assert [result.done.outcomes for result in found] == [{"CONFIRMED": 60}] * 3
        assert all(result.rate > 0 and result.cpu_us("api") > 0 for result in found)
        assert proven(servers, found[2]).violations == []

    assert not home.exists()
