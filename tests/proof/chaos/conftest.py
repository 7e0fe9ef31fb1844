"""Fixtures of a small run on real stores, with short leases, so that the sweeper soon acts."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.proof.chaos.recorded_run import RecordedRun
from tests.support.stage import Stage


@pytest.fixture(autouse=True)
def short_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEASE_MS", "100")


@pytest.fixture
def run(short_leases: None, stage: Stage, app: Flask, client: FlaskClient) -> RecordedRun:
    return RecordedRun(app, client, stage)
