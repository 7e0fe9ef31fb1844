"""Counts of a process's last second are kept when it ends, under the server that we run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core import metric_files
from ops.up.address import free_port
from proof.kit.waiting import until
from tests.support.rules import PROJECT

#: Nothing is handed over before the process ends.
APP = """
from api.web import metrics, tally
tally.EVERY_S = 3600

async def app(scope, receive, send):
    if scope["type"] == "http":
        metrics.accepted("BOOK")
        metrics.observe("/", "GET", 200, 0.002)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})
"""
REQUESTS = 25


@contextmanager
def served(folder: Path, metrics: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    (folder / "counting.py").write_text(APP)
    port = str(free_port("127.0.0.1"))
    options = ("--interface", "asginl", "--loop", "uvloop", "--port", port, "--workers", "1", "--log-level", "error")
    env = {
        **os.environ,
        "PROMETHEUS_MULTIPROC_DIR": str(metrics),
        "PYTHONPATH": os.pathsep.join([str(folder), str(PROJECT)]),
    }
    command = (sys.executable, "-m", "granian", *options, "counting:app")
    server = subprocess.Popen(command, env=env, cwd=folder)
    try:
        yield server, f"http://127.0.0.1:{port}/"
    finally:
        server.kill()
        server.wait()


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_nothing_is_lost_by_sigterm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, metrics = tmp_path / "app", tmp_path / "metrics"
    folder.mkdir()
    metrics.mkdir()
    with served(folder, metrics) as (server, url):
        until(lambda: answers(url))
        assert all(answers(url) for _ in range(REQUESTS))
        server.send_signal(signal.SIGTERM)
        assert server.wait(20) == 0
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(metrics))
    registry = metric_files.gathered()

    assert registry is not None
    labels = {"route": "/", "method": "GET", "status": "2xx"}
    assert registry.get_sample_value("onsale_accepts_total", {"kind": "BOOK"}) == REQUESTS + 1
    assert registry.get_sample_value("onsale_http_request_seconds_count", labels) == REQUESTS + 1
