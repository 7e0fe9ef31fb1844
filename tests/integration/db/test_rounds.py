"""Rounds: threads share one connection, each call fails alone, nothing is retried automatically."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from redis.exceptions import ResponseError

from core.errors import AcceptUnknown, RedisUnavailable
from db.kv import rounds as rounds_module
from db.kv import scripts
from db.kv.rounds import Command, Rounds
from proof.kit.servers import Servers
from tests.support.rude import Rude
from tests.support.seeded import start_servers


def test_replies_reach_their_callers(rounds: Rounds) -> None:
    results: list[str] = [""] * 64

    def call(number: int) -> None:
        [results[number]] = rounds.call([("ECHO", f"n{number}")], writes=False)

    threads = [threading.Thread(target=call, args=(number,)) for number in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert results == [f"n{number}" for number in range(64)]


def test_one_failing_call_fails_alone(rounds: Rounds) -> None:
    errors: list[ResponseError] = []
    pongs: list[object] = []

    def fail() -> None:
        try:
            rounds.call([("HGET", "one argument too few")], writes=True)
        except ResponseError as error:
            errors.append(error)

    def work() -> None:
        pongs.append(rounds.call([("PING",), ("ECHO", "x")], writes=False))

    threads = [threading.Thread(target=target) for target in (fail, work) * 20]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert len(errors) == 20
    assert pongs == [["PONG", "x"]] * 20


def test_a_script_that_redis_has_forgotten_is_loaded_and_sent_again(rounds: Rounds) -> None:
    rounds.call([("SCRIPT", "FLUSH")], writes=True)

    [reply] = rounds.call([("EVALSHA", scripts.PEEK.sha, 3, "a", "b", "c", 1)], writes=False)

    assert reply[0] == ""


@pytest.fixture
def rude(tmp_path: Path) -> Iterator[tuple[Rude, Rounds]]:
    path = tmp_path / "s"
    server = Rude(path)
    rounds = Rounds(f"unix://{path}", timeout_s=2)
    yield server, rounds
    rounds.close()
    server.close()


def test_a_write_whose_answer_was_lost_is_unknown_and_not_sent_again(rude: tuple[Rude, Rounds]) -> None:
    server, rounds = rude

    with pytest.raises(AcceptUnknown):
        rounds.call([("SET", "once", "1")], writes=True)

    assert server.received.count(b"once") == 1


def test_a_read_whose_answer_was_lost_says_that_redis_is_unavailable(rude: tuple[Rude, Rounds]) -> None:
    _, rounds = rude

    with pytest.raises(RedisUnavailable):
        rounds.call([("GET", "x")], writes=False)


def test_without_a_server_nothing_is_sent(tmp_path: Path) -> None:
    with pytest.raises(RedisUnavailable):
        Rounds(f"unix://{tmp_path}/nobody").call([("SET", "a", "b")], writes=True)


def test_after_a_restart_of_redis_the_next_call_works(tmp_path_factory: pytest.TempPathFactory) -> None:
    with start_servers(tmp_path_factory.mktemp("own"), fsync=False) as own:
        restarted(own)


def restarted(own: Servers) -> None:
    rounds = Rounds(own.redis_url(0))
    rounds.call([("PING",)], writes=False)
    own.redis.stop()
    with pytest.raises(RedisUnavailable):
        rounds.call([("PING",)], writes=True)
    own.redis.start()

    assert rounds.call([("PING",)], writes=True) == ["PONG"]
    rounds.close()


def test_a_connection_that_is_lost_repeatedly_is_reopened_each_time(rounds: Rounds) -> None:
    for _ in range(250):
        rounds.close()
        assert rounds.call([("PING",)], writes=False) == ["PONG"]


def test_a_caller_that_does_not_get_its_turn_in_time_sends_nothing(
    rounds: Rounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, out = threading.Event(), threading.Event()
    exchange = rounds_module._exchange

    def stuck(connection: Any, commands: Sequence[Command]) -> list[Any]:
        out.set()
        assert go_on.wait(10)
        return exchange(connection, commands)

    monkeypatch.setattr(rounds_module, "_exchange", stuck)
    monkeypatch.setattr(rounds, "_timeout_s", 0.05)
    first = threading.Thread(target=rounds.call, args=([("PING",)],), kwargs={"writes": True})
    first.start()
    assert out.wait(10)

    with pytest.raises(RedisUnavailable):
        rounds.call([("SET", "late", "1")], writes=True)
    go_on.set()
    first.join(10)

    assert rounds.call([("EXISTS", "late")], writes=False) == [0]


def test_the_replies_of_an_interrupted_call_reach_no_other(rounds: Rounds, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(connection: Any, commands: Sequence[Command]) -> list[Any]:
        connection.send_packed_command(connection.pack_commands(commands))
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(rounds_module, "_exchange", interrupted)
        with pytest.raises(KeyboardInterrupt):
            rounds.call([("ECHO", "old")], writes=False)

    assert rounds.call([("ECHO", "new")], writes=False) == ["new"]
