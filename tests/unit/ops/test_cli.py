"""The command `onsale`, the control socket, and finding the running system."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from api.server.listening import listen
from core.addresses import with_driver
from core.errors import ConfigurationError
from ops import cli
from ops.cli import main
from ops.up import control, welcome
from ops.up.address import base_url, free_port
from ops.up.home import is_locked, kept_secrets, locked, write_private
from ops.up.running import RunningSystem, find_running, write_state
from ops.up.servers import prepare_servers

PROJECT = Path(__file__).parents[3]
HERE = RunningSystem(database_url="d", redis_url="r", broker_url="b", jwt_secret="s", base_url="http://here")


@pytest.fixture
def nothing_set(monkeypatch, tmp_path):
    for name in ("DATABASE_URL", "REDIS_URL", "BROKER_URL", "JWT_SECRET", "ONSALE_URL", "PORT", "FRESH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ONSALE_HOME", str(tmp_path))


def test_help_imports_no_server_and_no_store():
    code = (
        "import sys\nfrom ops.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
        "print([name for name in ('sqlalchemy', 'redis', 'flask', 'psutil', 'rich') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)

    assert "rush" in done.stdout
    assert "verify" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.usefixtures("nothing_set")
@pytest.mark.parametrize(
    "arguments", [["status"], ["scale", "worker=2"], ["scale", "api=2"], ["scale", "worker=-1"], ["migrate"]]
)
def test_an_error_is_one_line_and_exit_code_2(arguments):
    result = CliRunner().invoke(main, arguments)

    assert result.exit_code == 2
    assert result.stderr.startswith("onsale: ")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("missing", ["proof", "proof.chaos.command"])
def test_a_command_that_is_not_installed_is_one_line_and_exit_code_2(monkeypatch, missing):
    def import_module(name):
        raise ModuleNotFoundError(name, name=missing)

    monkeypatch.setattr(cli, "import_module", import_module)
    result = CliRunner().invoke(main, ["chaos"])

    assert result.exit_code == 2
    assert result.stderr == (
        "onsale: onsale chaos is not part of this installation; run it from a clone of the repository.\n"
    )


def test_a_command_whose_own_import_fails_is_not_taken_for_one_that_is_not_installed(monkeypatch):
    def import_module(name):
        raise ModuleNotFoundError(name, name="psutil")

    monkeypatch.setattr(cli, "import_module", import_module)

    assert isinstance(CliRunner().invoke(main, ["chaos"]).exception, ModuleNotFoundError)


@pytest.mark.usefixtures("nothing_set")
def test_a_second_up_in_one_home_is_refused(tmp_path):
    with locked(tmp_path):
        result = CliRunner().invoke(main, ["up", "--home", str(tmp_path)])

    assert result.exit_code == 2
    assert f"already runs in {tmp_path} (pid {os.getpid()})" in result.stderr
    assert not is_locked(tmp_path)


@pytest.mark.usefixtures("nothing_set")
def test_a_running_system_is_found_by_its_home_and_not_after_its_end(tmp_path):
    write_state(tmp_path, HERE)

    with locked(tmp_path):
        assert find_running(tmp_path) == find_running() == HERE

    with pytest.raises(ConfigurationError, match="missing: DATABASE_URL, REDIS_URL, JWT_SECRET"):
        find_running(tmp_path)
    assert stat.S_IMODE((tmp_path / "run" / "state.json").stat().st_mode) == 0o600


@pytest.mark.usefixtures("nothing_set")
def test_a_system_elsewhere_is_found_by_the_environment(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://somewhere/onsale")
    monkeypatch.setenv("REDIS_URL", "redis://somewhere:6379/0")
    monkeypatch.setenv("JWT_SECRET", "x" * 32)
    monkeypatch.setenv("ONSALE_URL", "http://somewhere:8000/")

    found = find_running()

    assert found.database_url == "postgresql+psycopg://somewhere/onsale"
    assert found.broker_url == "redis://somewhere:6379/1"
    assert found.base_url == "http://somewhere:8000"


def test_servers_elsewhere_are_used_and_none_is_started(tmp_path):
    found = prepare_servers(
        tmp_path / "home", choice="wheels", database_url="postgres://db/onsale", redis_url="redis://redis/3"
    )

    assert found.servers == ()
    assert found.database_url == "postgresql+psycopg://db/onsale"
    assert (found.redis_url, found.broker_url) == ("redis://redis/3", "redis://redis/4")
    assert not (tmp_path / "home").exists()


def test_a_url_that_names_a_driver_is_unchanged():
    assert with_driver("postgresql+psycopg://x") == "postgresql+psycopg://x"
    assert with_driver("") == ""


def test_secrets_are_generated_once_and_private(tmp_path):
    generated = kept_secrets(tmp_path)
    values = {generated.jwt_secret, generated.api_password, generated.worker_password}

    assert len(values) == 3
    assert all(len(value) >= 32 for value in values)
    assert kept_secrets(tmp_path) == generated
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600


def test_a_home_of_an_older_version_keeps_its_secret_and_gets_the_others(tmp_path):
    (tmp_path / "secrets.json").write_text('{"jwt_secret": "kept"}')

    completed = kept_secrets(tmp_path)

    assert completed.jwt_secret == "kept"
    assert completed.api_password
    assert kept_secrets(tmp_path) == completed


def test_a_private_file_is_replaced_whole(tmp_path):
    write_private(tmp_path / "file", "one")
    write_private(tmp_path / "file", "two")

    assert (tmp_path / "file").read_text() == "two"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_taken_port_is_refused_and_zero_picks_a_free_one():
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]

        with pytest.raises(ConfigurationError, match=f"Port {taken} of 127.0.0.1 is taken"):
            listen("127.0.0.1", taken)
        assert free_port("127.0.0.1") not in (0, taken)
    with listen("127.0.0.1", taken) as listener:
        assert listener.getsockname()[1] == taken
    assert base_url("0.0.0.0", 80) == "http://127.0.0.1:80"
    assert base_url("::1", 80) == "http://[::1]:80"


def test_the_control_socket_answers_from_a_home_however_deep(tmp_path):
    home = tmp_path / ("deep" * 30)

    def answer(request):
        if request.get("do") == "status":
            return {"processes": []}
        raise ConfigurationError("No such thing.")

    async def talk():
        server = await control.serve(home, answer)
        mode = stat.S_IMODE((home / "run" / "control").stat().st_mode)
        async with server:
            ask = [sys.executable, "-c", "import sys, json\nfrom pathlib import Path\n"
                   "from ops.up.control import ask\n"
                   "try: print(json.dumps(ask(Path(sys.argv[1]), json.loads(sys.argv[2]))))\n"
                   "except Exception as error: print(error)", str(home)]  # fmt: skip
            answers = []
            for request in ({"do": "status"}, {"do": "dance"}, []):
                child = await asyncio.create_subprocess_exec(
                    *ask, json.dumps(request), cwd=PROJECT, stdout=subprocess.PIPE
                )
                answers.append((await child.communicate())[0].decode().strip())
        return mode, answers

    with locked(home):
        mode, answers = asyncio.run(talk())

    assert mode == 0o600
    assert answers == ['{"processes": []}', "No such thing.", "A request is one JSON object on a line."]


def test_the_printed_commands_are_valid_shell(tmp_path):
    text = welcome.ready("http://127.0.0.1:8000", 7, pages_built=True)
    commands = text.split("outcome):")[1].split("Or send a crowd")[0]

    subprocess.run(["bash", "-n"], input=commands, text=True, check=True)
    assert text.splitlines()[0] == "ready http://127.0.0.1:8000"
    assert '"show_id": 7' in commands
    assert "console    http://127.0.0.1:8000/console\n" in text


def test_pages_that_are_not_built_have_no_address():
    assert "console" not in welcome.ready("http://127.0.0.1:8000", None, pages_built=False)
