"""The number of workers over HTTP: asked of the supervisor that runs them, bounded, and in the audit log."""

from __future__ import annotations

import itertools
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from api.admin.supervisor import MAX_PATH
from api.shapes import admin_answers
from core.settings import Settings
from db.postgres import audit_log
from db.postgres.audit_log import AuditFilter
from db.postgres.engine import transaction
from ops.up.control import ask
from tests.support.buyer import refused
from tests.support.factories import headers_of, make_admin
from tests.support.stage import Stage
from tests.support.supervised import MOST, WORKERS, supervised

PATH = "/api/admin/workers/count"


class Console:
    """An administrator of an application whose supervisor is at `path`."""

    def __init__(self, make: Callable[[Settings], Flask], settings: Settings, engine: Engine, path: object) -> None:
        app = make(replace(settings, supervisor_socket=str(path)))
        self.client: FlaskClient = app.test_client()
        self.engine, self.headers = engine, headers_of(app, make_admin(engine), "admin")

    def read(self) -> dict[str, Any]:
        found = self.client.get(PATH, headers=self.headers)
        assert found.status_code == 200, found.get_json()
        assert admin_answers.WORKER_COUNT.validate(found.get_json()) == {}
        return dict(found.get_json())

    def put(self, count: object) -> Any:
        return self.client.put(PATH, json={"count": count}, headers=self.headers)

    def acts(self) -> list[tuple[str, Any, Any]]:
        """Return outcome, before and after of each act, oldest first."""
        with transaction(self.engine) as connection:
            rows = audit_log.list_acts(connection, AuditFilter(action="workers.scale"), after=None, limit=100)
        return [(row.act.outcome.value, row.act.before, row.act.after) for row in reversed(rows)]


@contextmanager
def answering(path: Path, *answers: bytes) -> Iterator[None]:
    """Give these answers to those who connect, in this order; the last one again and again."""
    given = itertools.chain(answers, itertools.repeat(answers[-1]))

    class Talk(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            if self.rfile.readline():
                self.wfile.write(next(given))

    with socketserver.UnixStreamServer(str(path), Talk) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def open_console(
    make_app: Callable[[Settings], Flask], settings: Settings, engine: Engine
) -> Callable[[object], Console]:
    return lambda path: Console(make_app, settings, engine, path)


def test_an_administrator_sets_the_number_and_the_audit_log_has_it(
    open_console: Callable[[object], Console], stage: Stage
) -> None:
    with supervised() as path:
        console = open_console(path)
        assert console.read() == {"wanted": WORKERS, "running": 0, "changeable": True, "most": MOST}

        answered = [console.put(5), console.put(5), console.put(1)]

        assert [each.get_json()["wanted"] for each in answered] == [5, 5, 1]
        rows = ask(path.parents[1], {"do": "status"})["processes"]
        assert sum(row["wanted"] for row in rows) == console.read()["wanted"] == 1
    assert console.acts() == [
        ("INTENDED", {"count": 2}, {"count": 5}),
        ("ACCEPTED", None, {"count": 5}),
        ("INTENDED", {"count": 5}, {"count": 1}),
        ("ACCEPTED", None, {"count": 1}),
    ]


def test_a_number_beyond_the_bounds_changes_nothing(open_console: Callable[[object], Console]) -> None:
    with supervised() as path:
        console = open_console(path)

        problem = refused(console.put(MOST + 1), 409, "too_many_workers")
        for wrong in (-1, 65, 2.5, "2", None, True):
            refused(console.put(wrong), 422, "invalid_request")

        assert problem["most"] == MOST
        assert console.read()["wanted"] == WORKERS
    assert console.acts() == []


def test_where_no_supervisor_of_ours_runs_the_workers_that_is_said(open_console: Callable[[object], Console]) -> None:
    console = open_console("")

    refused(console.put(3), 409, "not_supervised")

    assert console.read() == {"wanted": None, "running": 0, "changeable": False, "most": None}
    assert console.acts() == []


@pytest.mark.parametrize("answer", [b"", b"{}\n", b"[]\n", b"no json\n", b'{"processes": [{}]}\n'])
def test_a_supervisor_that_does_not_answer_is_no_reason_to_guess(
    open_console: Callable[[object], Console], tmp_path: Path, answer: bytes
) -> None:
    path = tmp_path / "control"
    console = open_console(path)
    refused(console.put(3), 503, "supervisor_unavailable")  # nobody is there

    with answering(path, answer):
        refused(console.put(3), 503, "supervisor_unavailable")
        found = console.read()

    assert (found["changeable"], found["wanted"], found["most"]) == (False, None, None)
    assert console.acts() == []


def test_an_answer_that_is_lost_is_unknown_in_the_audit_log(
    open_console: Callable[[object], Console], tmp_path: Path
) -> None:
    status = b'{"processes": [{"name": "worker-1", "wanted": true}], "most_workers": 8}\n'
    with answering(tmp_path / "control", status, b""):
        console = open_console(tmp_path / "control")
        refused(console.put(3), 503, "supervisor_unavailable")

    assert console.acts() == [("INTENDED", {"count": 1}, {"count": 3}), ("UNKNOWN", None, {"count": 3})]


def test_a_home_with_a_long_path_is_reached(open_console: Callable[[object], Console]) -> None:
    with supervised("a" * MAX_PATH) as path:
        assert open_console(path).put(3).get_json()["wanted"] == 3


def test_only_administrators_may(app: Flask, client: FlaskClient, engine: Engine) -> None:
    user = headers_of(app, make_admin(engine), "box_office")

    refused(client.get(PATH, headers=user), 403, "not_allowed")
    refused(client.put(PATH, json={"count": 1}, headers=user), 403, "not_allowed")
