"""The whole system under a crowd of buyers, also while parts of it are killed; rehearsals, and a sale replayed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from core.bookings import Status
from core.times import iso
from ops.rush.tokens import mint
from ops.up.control import ask
from ops.up.running import RunningSystem, find_running
from proof.kit.client import Client
from proof.kit.shows import HOUR_MS, Catalogue, plan
from proof.kit.system import PROJECT, Up


def crowd(up: Up, *options: str, by: str = "rush") -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "ops.cli", by, "--home", str(up.home), "--json", *options]
    return subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def result(rush: subprocess.Popen[str]) -> dict[str, Any]:
    out, errors = rush.communicate(timeout=90)
    assert rush.returncode == 0, out + errors
    figures: dict[str, Any] = json.loads(out)
    return figures


def settled(figures: dict[str, Any], buyers: int) -> None:
    """Assert that every accepted request has an outcome, without a violation; the command has run verify too."""
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
def test_a_kill_in_the_middle_loses_nothing(running_up: Up, client: Client, name: str, place: int) -> None:
    rush = crowd(running_up, "--buyers", "600", "--seats", "200", "--holds", "0.2", "--ramp", "3")
    before = decisions(client)
    running_up.wait(lambda: rush.poll() is not None or decisions(client) > before + 50)

    os.kill(running_up.pids()[name][place], signal.SIGKILL)

    settled(result(rush), 600)
    running_up.wait(running_up.complete)


def test_a_hold_that_nobody_confirms_expires_by_itself(running_up: Up, client: Client) -> None:
    system = find_running(running_up.home)
    show, buyer = make_show(client, system, hold_s=1), mint(system.jwt_secret, str(uuid4()))

    asked = {"show_id": show, "quantity": 2, "hold": True}
    id_ = client.call("POST", "/api/bookings", asked, token=buyer)["id"]

    def status() -> dict[str, Any]:
        return client.call("GET", f"/api/bookings/{id_}", token=buyer)

    running_up.wait(lambda: status()["stage"] != "QUEUED")
    running_up.wait(lambda: status()["status"] != Status.PENDING)

    assert status()["reason"] == "HOLD_EXPIRED"
    assert client.call("GET", f"/api/shows/{show}", token=buyer)["free"] == 6


def test_metrics_of_api_and_workers_are_in_one_place(running_up: Up, client: Client) -> None:
    result(crowd(running_up, "--buyers", "50", "--seats", "20", "--no-verify"))

    text = client.text("/metrics")

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


def test_a_rehearsal_leaves_the_show_alone_and_its_copy_closed(running_up: Up, client: Client) -> None:
    show = make_show(client, find_running(running_up.home), hold_s=30, rows=20)

    found = result(crowd(running_up, "--show", str(show), "--buyers", "300", "--holds", "0.3", by="rehearse"))

    settled(found, 300)
    assert (found["holds"], found["reasons"], found["oversold"]) == (True, [], 0)
    assert found["taken"] == found["seats_sold"] > 100
    assert (found["workers"], found["workers_needed"]) == (2, 1)
    assert None not in (found["accept_ms"]["p99"], found["outcome_ms"]["p95"])
    assert client.call("GET", f"/api/shows/{show}")["free"] == 120
    copy = client.call("GET", f"/api/shows/{found['copy_id']}")
    assert (copy["state"], copy["movie"]["title"]) == ("CLOSED", "Rehearsal of A film")


def test_a_recorded_sale_sells_as_many_seats_at_another_speed_and_number_of_workers(
    running_up: Up, client: Client, tmp_path: Path
) -> None:
    show, file = make_show(client, find_running(running_up.home), hold_s=30, rows=20), tmp_path / "sale.jsonl"
    rush = ("--buyers", "150", "--ramp", "1", "--holds", "0.3", "--mix", "best=1", "--group", "2", "--no-verify")
    sold = result(crowd(running_up, "--show", str(show), *rush))["seats_sold"]
    recorded = running_up.run("record", "--show", str(show), "--out", str(file))
    assert recorded.returncode == 0, recorded.stderr

    again = result(
        crowd(running_up, str(file), "--copy-of", str(show), "--speed", "2", "--workers", "1", by="replay")
    )

    assert again["sold"]["recorded"] == again["sold"]["replayed"] == sold == again["taken"], again["sold"]
    assert (again["holds"], again["violations"], again["workers"], again["speed"]) == (True, 0, 1, 2.0)
    rows = ask(running_up.home, {"do": "status"})["processes"]
    assert {row["name"] for row in rows if row["wanted"]} >= {"worker-1", "worker-2"}
    running_up.wait(running_up.complete)


def test_an_interrupted_rehearsal_closes_its_copy(running_up: Up, client: Client) -> None:
    show = make_show(client, find_running(running_up.home), hold_s=30)
    rehearsal = crowd(running_up, "--show", str(show), "--buyers", "50", "--ramp", "60", by="rehearse")
    running_up.wait(lambda: client.ask("GET", f"/api/shows/{show + 1}").status == 200)

    # Not SIGINT, which processes in the background ignore. It is handled alike.
    rehearsal.send_signal(signal.SIGTERM)

    _, errors = rehearsal.communicate(timeout=60)
    assert (rehearsal.returncode, "no copy is on sale" in errors) == (130, True), errors
    assert client.call("GET", f"/api/shows/{show + 1}")["state"] == "CLOSED"


@pytest.fixture
def client(running_up: Up) -> Iterator[Client]:
    with Client(find_running(running_up.home).base_url, timeout_s=10) as client:
        yield client


def decisions(client: Client) -> float:
    """Return how many decisions the workers have counted."""
    lines = [line for line in client.text("/metrics").splitlines() if line.startswith("onsale_decisions_total")]
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines)


def make_show(client: Client, system: RunningSystem, hold_s: int, rows: int = 1) -> int:
    """Create a show of six seats a row; return its id."""
    from db.postgres.users import first_admin_id

    admin = mint(system.jwt_secret, str(first_admin_id(system.database_url)), "admin")
    catalogue, starts_at = Catalogue(client, admin), iso(int(time.time() * 1000) + HOUR_MS)
    hall = catalogue.hall(plan(rows, 6))
    return catalogue.show(catalogue.movie(), hall, starts_at, {"standard": 1000}, hold_s=hold_s)
