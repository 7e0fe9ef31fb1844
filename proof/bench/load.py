"""The load: sends prepared requests over a number of connections, follows each booking to its outcome, and counts.

It is a closed loop (each connection sends when it is free) or an open loop (each request has a time at which it is
due, from which its latency counts). `Job.deadline_s` bounds it. It runs in a separate process (generator.py).
"""

from __future__ import annotations

import heapq
import json
import select
import time
from collections import deque
from contextlib import suppress

from proof.bench import wire
from proof.bench.job import Done, Job
from proof.bench.wire import Connection

PENDING = "PENDING"


class Load:
    """One running job."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._done = Done(ids=[""] * len(job.requests) if job.keep_ids else [])
        self._due: list[tuple[float, int, str]] = []
        self._born = [0.0] * len(job.requests)
        self._next = 0
        self._open = len(job.requests)
        self._free: deque[Connection] = deque()  # longest idle first, so that the api closes none for being idle
        self._poll = select.epoll()
        self._by_fd: dict[int, Connection] = {}
        self._start = 0.0
        for _ in range(job.connections):
            self._add(Connection(job.host, job.port))

    def run(self) -> Done:
        """Send everything, and return the result after `deadline_s` seconds at the latest."""
        job, done = self._job, self._done
        self._start, cpu = time.perf_counter(), time.process_time()
        deadline = self._start + job.deadline_s
        try:
            while self._open and self._by_fd:
                now = time.perf_counter()
                if now > deadline:
                    done.timed_out = True
                    break
                if job.send_s and now - self._start > job.send_s:
                    self._send_no_more()
                    if not self._open:  # all that was sent is answered, so no event will come
                        break
                self._send(now)
                for fd, _ in self._poll.poll(self._patience(time.perf_counter(), deadline)):
                    self._take(self._by_fd[fd])
        finally:
            done.seconds = time.perf_counter() - self._start
            done.cpu_s = time.process_time() - cpu
            for connection in self._by_fd.values():
                connection.socket.close()
            self._poll.close()
        return done

    def _send(self, now: float) -> None:
        """Send what is due over the free connections: polls first, then new requests."""
        while self._free:
            if self._due and self._due[0][0] <= now:
                _, index, path = heapq.heappop(self._due)
                self._done.polls += 1
                self._start_on(self._free.popleft(), wire.get(path, self._job.tokens[index]), (index, path), now)
            elif self._next < len(self._job.requests) and self._post_at() <= now:
                index, self._next = self._next, self._next + 1
                self._born[index] = now
                if self._job.rate:
                    self._born[index] = self._post_at(index)
                    self._done.late_ms.append((time.perf_counter() - self._born[index]) * 1000)
                self._start_on(self._free.popleft(), self._job.requests[index], (index, ""), now)
            else:
                return

    def _send_no_more(self) -> None:
        """Drop the requests that have not been sent."""
        self._open -= len(self._job.requests) - self._next
        self._next = len(self._job.requests)

    def _start_on(self, connection: Connection, request: bytes, about: tuple[int, str], now: float) -> None:
        connection.about, connection.sent_at = about, now
        try:
            connection.send(request)
        except OSError:
            self._lose(connection)

    def _take(self, connection: Connection) -> None:
        try:
            answer = connection.receive()
        except (OSError, ValueError):
            self._lose(connection)
            return
        if answer is None:
            return
        now = time.perf_counter()
        index, path = connection.about
        connection.about = None
        self._free.append(connection)
        if path:
            self._seen(index, path, answer[0], answer[1], now)
        else:
            self._answered(index, answer[0], answer[1], now)

    def _answered(self, index: int, code: int, body: bytes, now: float) -> None:
        """Handle the answer to a new request."""
        job, done = self._job, self._done
        done.codes[code] += 1
        done.accept_ms.append((now - self._born[index]) * 1000)
        if code == 503:
            done.refused_ms.append(done.accept_ms[-1])
        if job.keep_ids and code < 300:
            done.ids[index] = json.loads(body)["id"]
        if code == 202 and job.follow:
            said = json.loads(body)
            self._ask_later(index, f"/api/bookings/{said['id']}", said, now)
        else:
            self._end(index, "CONFIRMED" if code == 201 else str(code), now)

    def _seen(self, index: int, path: str, code: int, body: bytes, now: float) -> None:
        """Handle the answer to a poll."""
        if code != 200:
            self._end(index, str(code), now)
            return
        said = json.loads(body)
        if said["status"] == PENDING:
            self._ask_later(index, path.partition("?")[0], said, now)
        else:
            self._end(index, said["status"], now)

    def _ask_later(self, index: int, path: str, said: dict[str, int | None], now: float) -> None:
        if self._job.follow == "wait":
            heapq.heappush(self._due, (now, index, f"{path}?wait=5"))
        else:
            heapq.heappush(self._due, (now + (said["poll_after_ms"] or 0) / 1000, index, path))

    def _end(self, index: int, outcome: str, now: float) -> None:
        self._done.outcomes[outcome] += 1
        self._done.outcome_ms.append((now - self._born[index]) * 1000)
        self._open -= 1

    def _lose(self, connection: Connection) -> None:
        """Replace a connection that broke; its request, if it had one, counts as lost."""
        if connection.about is None:
            self._free.remove(connection)
        else:
            self._done.lost += 1
            self._end(connection.about[0], "LOST", time.perf_counter())
            connection.about = None
        self._by_fd = {fd: each for fd, each in self._by_fd.items() if each is not connection}
        with suppress(OSError):  # nothing listens: continue with the others
            connection.renew()
            self._add(connection)

    def _add(self, connection: Connection) -> None:
        self._by_fd[connection.socket.fileno()] = connection
        self._poll.register(connection.socket, select.EPOLLIN)
        self._free.append(connection)

    def _post_at(self, index: int | None = None) -> float:
        """Return when a new request is due: immediately in a closed loop."""
        rate = self._job.rate
        return self._start + (self._next if index is None else index) / rate if rate else 0.0

    def _patience(self, now: float, deadline: float) -> float:
        """Return the seconds until a free connection could send something that is due."""
        times = [deadline]
        if self._free and self._due:
            times.append(self._due[0][0])
        if self._free and self._next < len(self._job.requests):
            times.append(self._post_at())
        return max(0.0, min(times) - now)
