"""Where nothing may be skipped, as in .ci/run, a skipped test fails and says what is missing. A plugin of pytest."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

#: Set by .ci/run.
VARIABLE = "NOTHING_SKIPPED"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _refuse(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _refuse(report)
    return report


def _refuse(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Make the report of a skipped test, or of a skipped file, a failure if VARIABLE is set. An xfail stays one."""
    if os.environ.get(VARIABLE) and report.skipped and not hasattr(report, "wasxfail"):
        where = report.longrepr
        reason = where[2] if isinstance(where, tuple) else str(where)
        report.outcome = "failed"
        report.longrepr = f"{VARIABLE} is set, and this was skipped. {reason}"
