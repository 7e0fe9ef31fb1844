"""The load generator against a small server on loopback: its counts when connections break."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from proof.bench import wire
from proof.bench.job import Job
from proof.bench.load import Load

ANSWER = b"HTTP/1.1 202 Accepted\r\nContent-Length: 11\r\n\r\n" + b'{"id": "x"}'
FULL = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\n{}"
#: What a connection of the server does: number of the connection, socket.
Act = Callable[[int, socket.socket], None]


@contextmanager
def server(act: Act) -> Iterator[int]:
    """Accept connections, each in a thread, until the block ends. Yields the port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            number = 0
            with suppress(OSError):
                while True:
                    taken, _ = listening.accept()
                    threading.Thread(target=one, args=(number, taken), daemon=True).start()
                    number += 1

        def one(number: int, taken: socket.socket) -> None:
            with taken, suppress(OSError):
                act(number, taken)

        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


def answer(each: bytes, taken: socket.socket) -> None:
    while taken.recv(65536):
        taken.sendall(each)


def job(port: int, count: int, **more: float | bool) -> Job:
    requests = [wire.post_booking(1, f"A{number}", "", f"k{number}") for number in range(count)]
    return Job(port=port, requests=requests, deadline_s=20.0, **more)  # type: ignore[arg-type]


def test_an_open_loop_tells_how_late_each_request_was_sent_and_counts_it_into_the_latency():
    with server(lambda _, taken: answer(FULL, taken)) as port:
        done = Load(job(port, 20, rate=400.0, connections=2)).run()

    assert done.codes == {503: 20}
    assert len(done.late_ms) == len(done.refused_ms) == 20
    assert min(done.late_ms) >= 0
    assert sum(done.refused_ms) > sum(done.late_ms)


def test_a_closed_loop_is_never_late():
    with server(lambda _, taken: answer(ANSWER, taken)) as port:
        done = Load(job(port, 10, connections=2, keep_ids=True)).run()

    assert done.late_ms == []
    assert done.ids == ["x"] * 10


def test_it_ends_after_its_seconds_when_all_that_was_sent_is_answered():
    # One connection, of which no request is open whenever the seconds are found to be over.
    with server(lambda _, taken: answer(ANSWER, taken)) as port:
        done = Load(job(port, 50_000, connections=1, send_s=0.05)).run()

    assert 0 < done.codes[202] < 50_000
    assert done.seconds < 10  # the deadline is at 20
    assert not done.timed_out


def test_requests_take_turns_over_the_connections():
    seen = set[int]()

    def act(number: int, taken: socket.socket) -> None:
        while taken.recv(65536):
            seen.add(number)
            taken.sendall(ANSWER)

    with server(act) as port:
        Load(job(port, 12, rate=100.0, connections=4)).run()

    assert seen == {0, 1, 2, 3}


def test_a_request_whose_connection_breaks_is_lost_once_and_the_others_go_on():
    def act(number: int, taken: socket.socket) -> None:
        if number:
            answer(ANSWER, taken)
        else:
            taken.recv(65536)

    with server(act) as port:
        done = Load(job(port, 10, connections=2)).run()

    assert (done.lost, done.codes) == (1, {202: 9})
    assert not done.timed_out


def test_an_idle_connection_that_the_server_closes_loses_nothing():
    closed = threading.Event()

    def act(number: int, taken: socket.socket) -> None:
        if number == 0:
            taken.close()
            closed.set()
        else:
            assert closed.wait(10)
            answer(ANSWER, taken)

    with server(act) as port:
        load = Load(job(port, 6, rate=20.0, connections=3))
        assert closed.wait(10)
        # The first request is due at once, and goes to the connection that has been idle longest: not to this one.
        load._free.rotate(-1)
        done = load.run()

    assert (done.lost, done.codes) == (0, {202: 6})


def test_a_server_that_is_gone_ends_the_job():
    closed = threading.Semaphore(0)

    def act(_: int, taken: socket.socket) -> None:
        taken.close()
        closed.release()

    with server(act) as port:
        load = Load(job(port, 6, connections=2))
        assert all(closed.acquire(timeout=10) for _ in range(2))

    done = load.run()

    assert done.codes.total() == 0
    assert done.lost <= 6
    assert not done.timed_out
