"""The load generator's process: receives jobs over a pipe, and answers each with its result.

Requests and tokens are made before a job is sent; connections are opened before the clock starts.
"""

from __future__ import annotations

import multiprocessing
import signal
from multiprocessing.connection import Connection as Pipe
from types import TracebackType

from core.errors import OnsaleError
from proof.bench.job import Done, Job
from proof.bench.load import Load

#: Its description in the reports.
NAME = "bundled: one process, non-blocking sockets, epoll, prepared requests, keep-alive"
#: Seconds to wait for an answer beyond a job's own deadline.
PATIENCE_S = 30.0


class NoAnswer(OnsaleError):
    """The load generator did not answer, or its job failed."""

    code = "no_generator"


class Generator:
    """The process, which runs inside its `with` block."""

    def __enter__(self) -> Generator:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), name="generator", daemon=True)
        self._process.start()
        theirs.close()
        self._job: Job | None = None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._pipe.close()
        self._process.join(2.0)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def begin(self, job: Job) -> None:
        """Start a job. Returns when its connections are open and its clock has started. Raises NoAnswer."""
        self._job = job
        self._pipe.send(job)
        if not self._pipe.poll(PATIENCE_S) or self._pipe.recv() != "ready":
            raise NoAnswer
        self._pipe.send("go")

    @property
    def finished(self) -> bool:
        """Whether the job is done."""
        return self._pipe.poll(0)

    def end(self) -> Done:
        """Wait for the job that was begun, and return its result. Raises NoAnswer."""
        if self._job is None or not self._pipe.poll(self._job.deadline_s + PATIENCE_S):
            raise NoAnswer
        answer = self._pipe.recv()
        self._job = None
        if not isinstance(answer, Done):
            raise NoAnswer(str(answer))
        return answer

    def run(self, job: Job) -> Done:
        """Begin a job, wait for it, and return its result. Raises NoAnswer."""
        self.begin(job)
        return self.end()


def _serve(pipe: Pipe) -> None:
    """Answer jobs until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        try:
            job = pipe.recv()
        except EOFError:
            return
        try:
            load = Load(job)
            pipe.send("ready")
            pipe.recv()
            pipe.send(load.run())
        except OSError as error:
            pipe.send(f"{type(error).__name__}: {error}")
