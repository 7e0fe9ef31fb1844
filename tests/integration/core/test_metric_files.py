"""The folder of metrics: slots instead of process ids, on real processes that are killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from core import metric_files
from proof.kit.waiting import until
from tests.support.rules import PROJECT

#: Counts for ever; each process that it forks reports its first hand-over, and is killed while it still counts.
KILLS = """
import json, os, pathlib, signal, sys, time
from api.web import metrics
from workers import metrics as workers_metrics

def count(told):
    for number in range(100):
        metrics.accepted("BOOK")
        metrics.observe("/api/bookings", "POST", 202, 0.002)
        workers_metrics.BATCH_SIZE.observe(7)
    metrics._tally.hand_over()
    os.write(told, b".")
    while True:
        metrics.accepted("BOOK")
        workers_metrics.BATCH_SIZE.observe(7)
        workers_metrics.drained(number % 8, 7)
        metrics._tally.hand_over()

def forked():
    hear, told = os.pipe()
    child = os.fork()
    if child == 0:
        count(told)
    os.close(told)
    assert os.read(hear, 1) == b"."
    os.close(hear)
    return child

folder, seen = pathlib.Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]), []
alive = [forked(), forked()]
for number in range(50):
    alive.append(forked())
    victim = alive.pop(0)
    os.kill(victim, signal.SIGKILL)
    os.waitpid(victim, 0)
    files = sorted(path.name for path in folder.iterdir())
    sizes = sum(path.stat().st_blocks for path in folder.iterdir())
    seen.append([files, sizes, metrics.exposition(None, 0, 30.0).decode()])
for child in alive:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
json.dump(seen, sys.stdout)
"""

#: Counts that a parent has not handed over stay with the parent; a child forked meanwhile counts separately.
FORKS = """
import os
from api.web import metrics
metrics.accepted("BOOK")
if os.fork() == 0:
    metrics.accepted("BOOK")
    metrics._tally.hand_over()
    os._exit(0)
os.wait()
metrics._tally.hand_over()
"""

#: Claims a slot, prints which, and waits until it is killed.
HOLDS = """
import os, signal
from api.web import metrics
metrics.accepted("BOOK")
metrics._tally.hand_over()
print(metrics.metric_files._slot.name(), flush=True)
signal.pause()
"""


def started(folder: Path, script: str) -> subprocess.Popen[str]:
    env = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder), "PYTHONPATH": str(PROJECT)}
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", script], env=env, stdout=subprocess.PIPE, text=True
    )


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def samples(text: str) -> dict[str, float]:
    """Return the counters and histograms of a scrape."""
    return {
        f"{sample.name}{sorted(sample.labels.items())}": sample.value
        for family in text_string_to_metric_families(text)
        if family.type in ("counter", "histogram")
        for sample in family.samples
    }


def accepts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> float:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(folder))
    registry = metric_files.gathered()
    assert registry is not None
    return registry.get_sample_value("onsale_accepts_total", {"kind": "BOOK"}) or 0.0


def test_fifty_kills_leave_no_growth_and_no_counter_goes_backwards(tmp_path: Path) -> None:
    output, _ = started(tmp_path, KILLS).communicate()
    seen: list[Any] = json.loads(output)
    scrapes = [samples(text) for _, _, text in seen]

    assert len(seen) == 50
    for before, after in pairwise(scrapes):
        assert {name: value for name, value in before.items() if after.get(name, -1) < value} == {}
    # 52 processes counted at least 100 of each before they were killed.
    assert scrapes[-1]["onsale_accepts_total[('kind', 'BOOK')]"] >= 5_200
    assert scrapes[-1]["onsale_batch_entries_count[]"] >= 5_200
    assert scrapes[-1]["onsale_http_request_seconds_count[('method', 'POST'), ('route', '/api/bookings'), "
                       "('status', '2xx')]"] == 5_200  # fmt: skip
    # Three at a time: each new process continues the files of a killed one.
    assert seen[-1][0] == seen[5][0]
    assert len([name for name in seen[-1][0] if name.startswith("counter")]) == 3
    assert seen[-1][1] == seen[5][1]


def test_a_fork_counts_nothing_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started(tmp_path, FORKS).communicate()

    assert accepts(tmp_path, monkeypatch) == 2
    assert len(list(tmp_path.glob("counter_*"))) == 2


def test_a_process_claims_the_first_slot_that_is_free(tmp_path: Path) -> None:
    processes = [started(tmp_path, HOLDS) for _ in range(3)]
    try:
        names = [process.stdout.readline().strip() for process in processes if process.stdout]
        assert sorted(names) == ["slot-0", "slot-1", "slot-2"]
        first = processes.pop(names.index("slot-0"))
        first.send_signal(signal.SIGKILL)
        first.communicate()

        processes.append(started(tmp_path, HOLDS))
        assert processes[-1].stdout
        assert processes[-1].stdout.readline().strip() == "slot-0"
    finally:
        for process in processes:
            kill(process)


def test_a_process_continues_the_counts_of_a_killed_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for expected in (1, 2, 3):
        process = started(tmp_path, HOLDS)
        until(lambda expected=expected: accepts(tmp_path, monkeypatch) == expected)
        kill(process)

    assert sorted(path.name for path in tmp_path.glob("counter*")) == ["counter_slot-0.db"]


@pytest.mark.parametrize("torn", [b"", b"\0\1", b"\xff\xff\0\0\0\0\0\0\xff\xff\0\0"])
def test_an_unfinished_file_breaks_neither_scrape_nor_start(
    torn: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("counter_slot-0.db", "histogram_slot-0.db", "counter_slot-1.db"):
        (tmp_path / name).write_bytes(torn)

    assert accepts(tmp_path, monkeypatch) == 0
    process = started(tmp_path, HOLDS)
    try:
        until(lambda: accepts(tmp_path, monkeypatch) == 1)
    finally:
        kill(process)


def test_a_variable_that_is_set_and_empty_makes_no_files(tmp_path: Path) -> None:
    env = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": "", "PYTHONPATH": str(PROJECT)}
    script = "from api.web import metrics; metrics.accepted('BOOK'); print(metrics.exposition(None, 0, 1).decode())"

    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=env, capture_output=True, check=True)

    assert b'onsale_accepts_total{kind="BOOK"} 1.0' in done.stdout
    assert list(tmp_path.iterdir()) == []
