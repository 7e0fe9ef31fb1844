"""`make` alone lists every command, and only packages from the lock files are installed."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[3]
MAKEFILE = (PROJECT / "Makefile").read_text()
PROMISED = re.findall(
    r"[\w-]+",
    "setup run test check fmt lint types unit race e2e crash rush verify clean lock bench bench-scale model simulate"
    " chaos chaos-ci fuzz schema bench-overload bench-opening bench-listeners web web-types web-check web-fmt"
    " pictures",
)


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "--no-print-directory", "-f", str(PROJECT / "Makefile"), *arguments]
    own = {"PATH": os.environ["PATH"]}  # without the variables of a make that runs these tests
    return subprocess.run(command, cwd=PROJECT, env=own, capture_output=True, text=True, check=False)


def test_bare_make_lists_every_command_and_does_nothing_else():
    listed = re.findall(r"^  make (\S+) +\S", make().stdout, re.M)

    assert sorted(listed) == sorted(PROMISED)


@pytest.mark.parametrize("target", PROMISED)
def test_no_file_can_hide_a_command(target):
    phony = " ".join(re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.M)).split()

    assert target in phony


def test_a_python_that_is_missing_or_too_old_is_one_clear_error(tmp_path):
    old = tmp_path / "python-old"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.2"\nexit 1\n')
    old.chmod(0o755)
    (tmp_path / "requirements.lock").touch()
    (tmp_path / "pyproject.toml").touch()

    done = make("-C", str(tmp_path), "setup", f"PYTHON=no-such-python {old}")

    assert done.returncode != 0
    assert "needs Python 3.11 or newer" in done.stderr
    assert f"{old}: Python 3.9.2" in done.stderr
    assert not (tmp_path / ".venv").exists()


@pytest.mark.parametrize("name", ["requirements.lock", "requirements.runtime.lock", "requirements.web.lock"])
def test_a_lock_file_has_a_hash_for_everything_and_no_registry(name):
    text = (PROJECT / name).read_text()
    entries = re.split(r"\n(?=\S)", text.strip())

    assert len(entries) > (30 if "web" not in name else 0)
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text
    assert "--index" not in text
    assert "--find-links" not in text


@pytest.mark.parametrize("name", ["Makefile", "Dockerfile", ".ci/run"])
def test_no_registry_is_named(name):
    text = (PROJECT / name).read_text()

    assert "://" not in text
    assert "--index" not in text


def test_everything_is_installed_with_hashes():
    text = MAKEFILE + (PROJECT / "Dockerfile").read_text()
    installs = re.findall(r"(?i)\bpip\b[^\n]* install (?:[^\n]*\\\n)*[^\n]*", text)
    loose = [line for line in installs if "--require-hashes" not in line]

    # The project itself, for which nothing is downloaded; and uv, which is removed when the lock files are made.
    assert len(installs) == 5
    assert ["-e ." in line or line.endswith("uv") for line in loose] == [True, True]
