"""The limit of open files: the server raises it at the start if it can, and accepts no connection beyond it."""

from __future__ import annotations

import re
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from api.__main__ import OTHER_FILES
from proof.kit.servers import Servers
from tests.contract import wire
from tests.contract.wire import Connection
from tests.contract.world import World
from tests.e2e.front import HEALTH, PROJECT, serving, system
from tests.support.stage import Stage

WANTED = 1_000


def limited(*options: str) -> tuple[str, ...]:
    """Return a command that runs its arguments with a limit of open files; `options` as for `ulimit`."""
    return ("sh", "-c", f'ulimit {" ".join(options)} && exec "$@"', "sh")


@pytest.fixture(scope="module")
def own(servers: Servers, template: str) -> Iterator[tuple[dict[str, str], Stage]]:
    with system(servers, template) as (env, stage):
        yield {**env, "CONNECTIONS": str(WANTED), "LOG_LEVEL": "WARNING"}, stage


def test_a_low_limit_is_raised(own: tuple[dict[str, str], Stage], tmp_path: Path) -> None:
    with serving(own[0], tmp_path, before=limited("-Sn", "256")) as api:
        [fork] = api.forks()
        soft, _ = fork.rlimit(resource.RLIMIT_NOFILE)

    assert soft >= WANTED + OTHER_FILES
    assert "file_limit_low" not in api.output()


def test_the_api_raises_the_limit_itself() -> None:
    """Importing granian raises the limit too, but that is not documented, so we do not rely on it."""
    lines = [
        "import resource; from api.__main__ import allow_connections",
        "hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]",
        "resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))",
        f"print(allow_connections({WANTED}), resource.getrlimit(resource.RLIMIT_NOFILE)[0])",
    ]
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], cwd=PROJECT, capture_output=True, text=True)

    assert done.stdout.split() == [str(WANTED), str(WANTED + OTHER_FILES)], done.stderr


def test_a_limit_that_cannot_be_raised_is_told_and_kept(own: tuple[dict[str, str], Stage], tmp_path: Path) -> None:
    env, stage = own
    limit = OTHER_FILES + 100
    with serving(env, tmp_path, before=limited("-n", str(limit))) as api, ExitStack() as stack:
        taken = [stack.enter_context(Connection(api.address)) for _ in range(100)]
        for connection in taken:
            connection.send(wire.head("GET", "/healthz"))
        assert {connection.read().status for connection in taken} == {200}
        late = [stack.enter_context(Connection(api.address)) for _ in range(limit)]
        for connection in late:
            connection.send(HEALTH)
        assert late[0].silent(0.3)
        for connection in taken:  # those that are served still reach Postgres and Redis
            connection.send(wire.head("GET", "/readyz"))
        ready = [connection.read() for connection in taken]
        for connection in taken:
            connection.__exit__(None, None, None)
        assert {connection.read().status for connection in late} == {200}
        show = stage.show()
        World("front", api.address, stage).book(show, World("front", api.address, stage).token(), "A1")

    assert {answer.json["status"] for answer in ready} == {"ready"}
    [line] = [line for line in api.output().splitlines() if "file_limit_low" in line]
    logged = {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", line)}
    assert (logged["open_files"], logged["connections"], logged["wanted"]) == (limit, 100, WANTED)
