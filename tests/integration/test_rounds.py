"""Rounds: calls of many threads share round trips, each fails alone, nothing is sent twice by itself."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.exceptions import ResponseError

from core.errors import AcceptUnknown, RedisAway
from db import scripts
from db.rounds import Rounds
from tests.servers import Servers
from tests.waiting import until


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


def test_calls_that_wait_are_sent_in_one_round(rounds: Rounds, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    first_is_out, go_on = threading.Event(), threading.Event()
    exchange = rounds._exchange

    def slow(connection: object, calls: list[object]) -> None:
        sizes.append(len(calls))
        first_is_out.set()
        assert go_on.wait(10)
        exchange(connection, calls)  # type: ignore[arg-type]

    monkeypatch.setattr(rounds, "_exchange", slow)
    threads = [threading.Thread(target=rounds.call, args=([("PING",)],), kwargs={"writes": False}) for _ in range(9)]
    threads[0].start()
    assert first_is_out.wait(10)
    for thread in threads[1:]:
        thread.start()
    until(lambda: len(rounds._waiting) == 8)
    go_on.set()
    for thread in threads:
        thread.join(10)

    assert sizes == [1, 8]


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


class Rude:
    """A server that takes what is sent and hangs up without an answer."""

    def __init__(self, path: Path) -> None:
        self.received = b""
        self.answer_first = 0
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                while data := connection.recv(65536):
                    self.received += data
                    if b"CLIENT" in data:
                        connection.sendall(b"+OK\r\n" * data.count(b"CLIENT"))
                        continue
                    if b"INFO" in data:
                        connection.sendall(b"$11\r\nrole:master\r\n")
                        continue
                    break

    def close(self) -> None:
        self._listener.close()


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


def test_a_read_whose_answer_was_lost_says_that_redis_is_away(rude: tuple[Rude, Rounds]) -> None:
    _, rounds = rude

    with pytest.raises(RedisAway):
        rounds.call([("GET", "x")], writes=False)


def test_without_a_server_nothing_is_sent(tmp_path: Path) -> None:
    with pytest.raises(RedisAway):
        Rounds(f"unix://{tmp_path}/nobody").call([("SET", "a", "b")], writes=True)


def test_after_a_restart_of_redis_the_next_call_works(tmp_path_factory: pytest.TempPathFactory) -> None:
    from tests.servers import start_servers

    with start_servers(tmp_path_factory.mktemp("own"), fsync=False) as own:
        restarted(own)


def restarted(own: Servers) -> None:
    rounds = Rounds(own.redis_url(0))
    rounds.call([("PING",)], writes=False)
    own.redis.stop()
    with pytest.raises(RedisAway):
        rounds.call([("PING",)], writes=True)
    own.redis.start()

    assert rounds.call([("PING",)], writes=True) == ["PONG"]
    rounds.close()


def test_a_connection_that_is_lost_time_and_again_is_opened_anew_each_time(rounds: Rounds) -> None:
    for _ in range(250):
        rounds.close()
        assert rounds.call([("PING",)], writes=False) == ["PONG"]


def test_a_caller_that_is_not_sent_in_time_leaves_the_list(rounds: Rounds, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on, out = threading.Event(), threading.Event()
    exchange = rounds._exchange

    def stuck(connection: object, calls: list[object]) -> None:
        out.set()
        assert go_on.wait(10)
        exchange(connection, calls)  # type: ignore[arg-type]

    monkeypatch.setattr(rounds, "_exchange", stuck)
    monkeypatch.setattr(rounds, "_timeout_s", 0.05)
    leader = threading.Thread(target=rounds.call, args=([("PING",)],), kwargs={"writes": True})
    leader.start()
    assert out.wait(10)

    with pytest.raises(RedisAway):
        rounds.call([("SET", "late", "1")], writes=True)
    assert rounds._waiting == []
    go_on.set()
    leader.join(10)

    assert rounds.call([("EXISTS", "late")], writes=False) == [0]


def test_an_interrupted_waiter_is_left_neither_in_the_list_nor_as_leader(
    rounds: Rounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_call: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(rounds, "_timeout_s", 0.01)
        patch.setattr(rounds, "_leave", interrupted)
        patch.setattr(rounds, "_sending", True)
        with pytest.raises(KeyboardInterrupt):
            rounds.call([("PING",)], writes=True)
        assert rounds._waiting == []

    assert rounds.call([("PING",)], writes=True) == ["PONG"]
