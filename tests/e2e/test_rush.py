"""The whole system under a crowd, from outside: what a newcomer sees, also while parts of it are killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from typing import Any
from uuid import uuid4

import pytest

from core.bookings import Status
from core.times import iso
from ops.rush.tokens import mint
from ops.up.running import Running, running
from proof.kit.system import PROJECT, Up


def crowd(up: Up, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "ops.cli", "rush", "--home", str(up.home), "--json", *options]
    return subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def result(rush: subprocess.Popen[str]) -> dict[str, Any]:
    out, errors = rush.communicate(timeout=90)
    assert rush.returncode == 0, out + errors
    figures: dict[str, Any] = json.loads(out)
    return figures


def settled(figures: dict[str, Any], buyers: int) -> None:
    """Every accepted request has its outcome, and nobody saw anything wrong; the command has run verify."""
    assert figures["accepted"] + sum(figures["refused"].values()) == buyers
    assert figures["accepted"] == figures["confirmed"] + sum(figures["failed"].values())
    assert (figures["undecided"], figures["violations"]) == (0, 0)


def test_a_crowd_is_decided_to_the_last_and_proven(running_up: Up) -> None:
    figures = result(crowd(running_up, "--buyers", "400", "--seats", "150", "--holds", "0.3"))

    settled(figures, 400)
    assert figures["seats_sold"] > 140
    assert running_up.run("verify").returncode == 0


@pytest.mark.parametrize(
    ("name", "place"), [("worker-1", 0), ("worker-1", 1), ("api", 1), ("broker", 0), ("redis", 0), ("postgres", 0)]
)
def test_a_kill_in_the_middle_loses_nothing(running_up: Up, name: str, place: int) -> None:
    rush = crowd(running_up, "--buyers", "600", "--seats", "200", "--holds", "0.2", "--ramp", "3")
    api = Client(running(running_up.home))
    before = api.decisions()
    running_up.wait(lambda: rush.poll() is not None or api.decisions() > before + 50)

    os.kill(running_up.pids()[name][place], signal.SIGKILL)

    settled(result(rush), 600)
    running_up.wait(running_up.complete)


def test_a_hold_that_nobody_confirms_expires_by_itself(running_up: Up) -> None:
    api = Client(running(running_up.home))
    show = api.make_show(hold_s=1)

    booking = api.call("POST", "/api/bookings", {"show_id": show, "quantity": 2, "hold": True})
    running_up.wait(lambda: api.status(booking["id"])["stage"] != "QUEUED")
    running_up.wait(lambda: api.status(booking["id"])["status"] != Status.PENDING)

    assert api.status(booking["id"])["reason"] == "HOLD_EXPIRED"
    assert api.call("GET", f"/api/shows/{show}")["free"] == 6


def test_metrics_of_api_and_workers_are_in_one_place(running_up: Up) -> None:
    result(crowd(running_up, "--buyers", "50", "--seats", "20", "--no-verify"))

    text = Client(running(running_up.home)).text("/metrics")

    for name in (
        'onsale_accepts_total{kind="BOOK"}',
        'onsale_decisions_total{kind="BOOK",outcome="CONFIRMED"',
        'onsale_lane_depth{lane="0"}',
        "onsale_lane_oldest_age_seconds",
        "onsale_batch_entries_bucket",
        "onsale_decide_seconds_count",
        "onsale_commit_seconds_count",
    ):
        assert name in text, name


class Client:
    """A buyer, and an administrator, of a running system."""

    def __init__(self, system: Running) -> None:
        self._system = system
        self._buyer = mint(system.jwt_secret, str(uuid4()))

    def text(self, path: str) -> str:
        with urllib.request.urlopen(self._system.base_url + path, timeout=10) as response:
            return str(response.read().decode())

    def call(self, method: str, path: str, body: Any = None, token: str = "") -> dict[str, Any]:
        request = urllib.request.Request(
            self._system.base_url + path,
            method=method,
            data=json.dumps(body).encode() if body is not None else None,
            headers={"Authorization": f"Bearer {token or self._buyer}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as response:
            answer: dict[str, Any] = json.loads(response.read())
            return answer

    def status(self, booking_id: str) -> dict[str, Any]:
        return self.call("GET", f"/api/bookings/{booking_id}")

    def decisions(self) -> float:
        """How many decisions the workers have counted."""
        lines = [line for line in self.text("/metrics").splitlines() if line.startswith("onsale_decisions_total")]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines)

    def make_show(self, hold_s: int) -> int:
        from db.postgres.users import first_admin_id

        admin = mint(self._system.jwt_secret, str(first_admin_id(self._system.database_url)), "admin")
        rows = [{"label": "A", "blocks": [{"first": 1, "last": 6, "category": "standard"}]}]
        hall = self.call("POST", "/api/halls", {"name": "Studio", "plan": {"rows": rows}}, admin)["id"]
        movie = self.call("POST", "/api/movies", {"title": "Row Lock", "duration_min": 90}, admin)["id"]
        show = {
            "movie_id": movie,
            "hall_id": hall,
            "starts_at": iso(int(time.time() * 1000) + 3_600_000),
            "prices": {"standard": 1000},
            "hold_s": hold_s,
        }
        return int(self.call("POST", "/api/shows", show, admin)["id"])
