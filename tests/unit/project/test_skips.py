"""A skip fails the run where nothing may be skipped, and only there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.skips import VARIABLE

PROJECT = Path(__file__).parents[3]
TESTS = """
import pytest

@pytest.mark.skipif(True, reason="no curl here")
def test_marked(): ...

def test_inside():
    pytest.skip("no mount here")

@pytest.mark.xfail(reason="known")
def test_known():
    raise ValueError
"""


@pytest.mark.parametrize(
    ("value", "code", "counts"), [("", 0, "3 skipped, 1 xfailed"), ("1", 1, "1 failed, 1 xfailed, 2 errors")]
)
def test_a_skip_fails_where_nothing_may_be_skipped(tmp_path: Path, value: str, code: int, counts: str) -> None:
    (tmp_path / "test_some.py").write_text(TESTS)
    (tmp_path / "test_file.py").write_text('import pytest\npytest.skip("no Linux", allow_module_level=True)\n')
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "tests.support.skips",
        "-p",
        "no:schemathesis",
        "-p",
        "no:cacheprovider",
    ]

    done = subprocess.run(
        [*command, "--continue-on-collection-errors", f"--rootdir={tmp_path}", str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(PROJECT), VARIABLE: value},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == code, done.stdout + done.stderr
    assert counts in done.stdout
    assert not value or all(reason in done.stdout for reason in ("no curl here", "no mount here", "no Linux"))


def test_ci_skips_nothing() -> None:
    assert f"export {VARIABLE}=1" in (PROJECT / ".ci" / "run").read_text()
