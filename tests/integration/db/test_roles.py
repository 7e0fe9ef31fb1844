"""The rights of the roles in Postgres: the database refuses everything else, and grants what the processes need."""

from __future__ import annotations

import re
from collections.abc import Iterator

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, make_url, text
from sqlalchemy.exc import ProgrammingError

from core.errors import ConfigurationError, PostgresUnavailable
from core.settings import Settings
from db.kv import keys
from db.postgres.engine import make_engine, transaction
from db.postgres.roles import ensure_login
from ops.up import postgres
from ops.verify import verify
from tests.support.buyer import Buyer, answered
from tests.support.factories import PLAN, headers_of, make_admin, make_show, opened_app
from tests.support.pictures import jpeg, png
from tests.support.stage import Stage
from workers import expire
from workers.stores import Stores
from workers.stores import open_stores as open_worker_stores

PASSWORD = "drawn for this test alone"
GROUPS = ("onsale_api", "onsale_worker")


@pytest.fixture
def urls(engine: Engine, database_url: str) -> dict[str, str]:
    """The address of a member of each group."""
    found = {group: postgres.login_url(database_url, group, PASSWORD.replace(" ", "-")) for group in GROUPS}
    with transaction(engine) as connection:
        for group, url in found.items():
            ensure_login(connection, group, url)
    return found


@pytest.fixture
def engines(urls: dict[str, str]) -> Iterator[dict[str, Engine]]:
    opened = {group: make_engine(url, pool_size=3) for group, url in urls.items()}
    yield opened
    for engine in opened.values():
        engine.dispose()


REFUSED = [
    ("onsale_api", "UPDATE seats SET status = 'SOLD', booking_id = gen_random_uuid()"),
    ("onsale_api", "UPDATE seats SET booking_id = NULL, status = 'AVAILABLE'"),
    ("onsale_api", "DELETE FROM seats"),
    ("onsale_api", "INSERT INTO seats (show_id, label, status) VALUES (1, 'Z1', 'SOLD')"),
    ("onsale_api", "INSERT INTO bookings (id) VALUES (gen_random_uuid())"),
    ("onsale_api", "UPDATE bookings SET status = 'CONFIRMED'"),
    ("onsale_api", "UPDATE bookings SET user_id = gen_random_uuid()"),
    ("onsale_api", "DELETE FROM bookings"),
    ("onsale_api", "UPDATE lanes SET seq = 0"),
    ("onsale_api", "SELECT * FROM lanes FOR UPDATE"),
    ("onsale_api", "INSERT INTO journal (lane) VALUES (0)"),
    ("onsale_api", "DELETE FROM journal"),
    ("onsale_api", "SELECT operation FROM journal"),
    ("onsale_api", "SELECT * FROM journal"),
    ("onsale_api", "DELETE FROM parked"),
    ("onsale_api", "UPDATE parked SET payload = ''"),
    ("onsale_api", "UPDATE shows SET sold = 0"),
    ("onsale_api", "UPDATE audit_log SET after = NULL"),
    ("onsale_api", "DELETE FROM audit_log"),
    ("onsale_api", "INSERT INTO shows (movie_id, hall_id, starts_at, settings, initial_settings, capacity, sold)"
                   " VALUES (1, 1, now(), '{}', '{}', 1, 1)"),
    ("onsale_api", "DELETE FROM shows"),
    ("onsale_worker", "DELETE FROM shows"),
    ("onsale_worker", "SELECT delete_unused_show(1)"),
    ("onsale_worker", "DELETE FROM halls"),
    ("onsale_worker", "SELECT * FROM posters"),
    ("onsale_api", "UPDATE halls SET plan = '{}'"),
    ("onsale_api", "UPDATE users SET id = gen_random_uuid()"),
    ("onsale_api", "INSERT INTO users (email, password_hash, role) VALUES ('e@example.com', '', 'admin')"),
    ("onsale_api", "UPDATE sessions SET user_id = gen_random_uuid()"),
    ("onsale_api", "UPDATE revocations SET expires_at = now()"),
    ("onsale_api", "UPDATE installation SET lanes = 1"),
    ("onsale_api", "UPDATE schema_migrations SET version = 0"),
    ("onsale_api", "TRUNCATE users"),
    ("onsale_api", "CREATE TABLE more (id integer)"),
    ("onsale_api", "CREATE ROLE more"),
    ("onsale_api", "SET ROLE onsale"),
    ("onsale_api", "SET ROLE onsale_worker"),
    ("onsale_api", "COPY users TO PROGRAM 'cat'"),
    ("onsale_api", "SELECT pg_read_file('/etc/passwd')"),
    ("onsale_worker", "SELECT email FROM users"),
    ("onsale_worker", "UPDATE users SET role = 'admin'"),
    ("onsale_worker", "SELECT * FROM revocations"),
    ("onsale_worker", "SELECT * FROM sessions"),
    ("onsale_worker", "SELECT * FROM audit_log"),
    ("onsale_worker", "SELECT * FROM second_factors"),
    ("onsale_worker", "DELETE FROM second_factors"),
    ("onsale_worker", "SELECT * FROM recovery_codes"),
    ("onsale_api", "UPDATE second_factors SET user_id = gen_random_uuid()"),
    ("onsale_api", "UPDATE recovery_codes SET code_hash = code_hash"),
    ("onsale_worker", "UPDATE journal SET outcome = 'CONFIRMED'"),
    ("onsale_worker", "DELETE FROM journal"),
    ("onsale_worker", "DELETE FROM bookings"),
    ("onsale_worker", "DELETE FROM seats"),
    ("onsale_worker", "INSERT INTO seats (show_id, label) VALUES (1, 'Z1')"),
    ("onsale_worker", "UPDATE shows SET initial_settings = '{}'"),
    ("onsale_worker", "UPDATE installation SET lanes = 1"),
    ("onsale_worker", "CREATE TABLE more (id integer)"),
    ("onsale_worker", "SET ROLE onsale_api"),
]  # fmt: skip


@pytest.mark.parametrize(("group", "statement"), REFUSED)
def test_what_a_process_must_not_do_the_database_refuses(
    engines: dict[str, Engine], engine: Engine, group: str, statement: str
) -> None:
    make_show(engine)

    with (
        pytest.raises(ProgrammingError, match=r"permission denied|must be"),
        transaction(engines[group]) as connection,
    ):
        connection.execute(text(statement))


@pytest.fixture
def settings(settings: Settings, urls: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The api's settings: its own role, and no limits."""
    monkeypatch.setenv("DATABASE_URL", urls["onsale_api"])
    return Settings.from_env()


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    with opened_app(settings) as made:
        yield made


@pytest.fixture
def workers(
    app: Flask, stage: Stage, stores: Stores, urls: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stores]:
    """A worker's stores with a worker's rights; the stage's drains use them."""
    monkeypatch.setenv("DATABASE_URL", urls["onsale_worker"])
    opened = stage.stores = open_worker_stores(Settings.from_env())
    yield opened
    opened.close()


@pytest.fixture
def carol(app: Flask, engine: Engine) -> dict[str, str]:
    return headers_of(app, make_admin(engine), "admin")


def put_on_sale(client: FlaskClient, carol: dict[str, str]) -> int:
    hall = client.post("/api/halls", json={"name": "Studio", "plan": PLAN}, headers=carol).get_json()["id"]
    movie = client.post("/api/movies", json={"title": "Row Lock", "duration_min": 90}, headers=carol).get_json()["id"]
    again = {"title": "Row Lock 2", "duration_min": 90}
    assert client.put(f"/api/movies/{movie}", json=again, headers=carol).status_code == 200
    body = {"movie_id": movie, "hall_id": hall, "starts_at": "2100-01-01T20:00:00Z",
            "prices": {"premium": 1800, "standard": 1200}, "hold_s": 60}  # fmt: skip
    return int(client.post("/api/shows", json=body, headers=carol).get_json()["id"])


def test_all_steps_of_a_show_are_granted(
    app: Flask, engine: Engine, stage: Stage, carol: dict[str, str], workers: Stores
) -> None:
    client = app.test_client()
    show = put_on_sale(client, carol)
    alice, bob = Buyer(app, client), Buyer(app, client)
    held = answered(alice.book(show, "A1", hold=True), 202)["id"]
    best = answered(bob.book(show, quantity=2), 202)["id"]
    lapsing = answered(bob.book(show, "C1", hold=True), 202)["id"]
    stage.drain(show)
    alice.confirm(held)
    bob.cancel(best)
    changed = client.patch(f"/api/shows/{show}", json={"seats_per_user": 5}, headers=carol)
    assert changed.status_code == 202
    stage.drain(show)
    assert verify(workers.settings.database_url).violations == []  # a worker may read all that the proof reads
    with transaction(engine) as connection:
        connection.execute(text("UPDATE bookings SET expires_at = accepted_at WHERE status = 'PENDING'"))
    assert expire.run_once(workers, stage.rung.append) == 1
    stage.drain(show)
    workers.check_installation()

    assert answered(alice.get(held), 200)["status"] == "CONFIRMED"
    assert answered(bob.get(best), 200)["status"] == "CANCELLED"
    assert answered(bob.get(lapsing), 200)["reason"] == "HOLD_EXPIRED"
    workers.client.flushdb()  # now all of it comes from Postgres
    assert answered(alice.get(held), 200)["status"] == "CONFIRMED"
    assert client.get(f"/api/shows/{show}/seats").status_code == 200
    assert client.get(changed.headers["Location"], headers=carol).get_json()["status"] == "DONE"


def test_poison_is_set_aside_with_a_workers_rights(app: Flask, engine: Engine, stage: Stage, workers: Stores) -> None:
    show = make_show(engine)
    workers.client.xadd(keys.lane(show % workers.settings.lanes), {"o": "not readable", "t": 1})

    stage.drain(show)

    with transaction(engine) as connection:
        assert connection.execute(text("SELECT count(*) FROM parked")).scalar() == 1


def test_all_steps_of_an_account_are_granted(app: Flask, carol: dict[str, str]) -> None:
    client = app.test_client()
    pair = client.post("/api/auth/signup", json={"email": "a@example.com", "password": "correct horse"}).get_json()
    pair = client.post("/api/auth/refresh", json={"refresh_token": pair["refresh_token"]}).get_json()
    own = {"Authorization": f"Bearer {pair['access_token']}"}
    moved = {"name": "Al", "email": "al@example.com", "password": "correct horse"}
    assert client.put("/api/auth/profile", json=moved, headers=own).status_code == 200
    change = {"password": "correct horse", "new_password": "battery staple"}
    pair = client.put("/api/auth/password", json=change, headers=own).get_json()
    own = {"Authorization": f"Bearer {pair['access_token']}"}
    assert client.get("/api/auth/export", headers=own).status_code == 200
    app.extensions["onsale-revocations"].prune()
    assert client.post("/api/auth/logout", headers=own).status_code == 204
    login = {"email": "al@example.com", "password": "battery staple"}
    own = {"Authorization": f"Bearer {client.post('/api/auth/login', json=login).get_json()['access_token']}"}
    proof = {"password": "battery staple"}
    assert client.delete("/api/auth/profile", json=proof, headers=own).status_code == 204


def test_all_steps_of_the_catalogue_are_granted(app: Flask, carol: dict[str, str]) -> None:
    client = app.test_client()
    movie = client.post("/api/movies", json={"title": "Gone", "duration_min": 90}, headers=carol).get_json()["id"]
    for image in (jpeg(), png()):
        assert client.put(f"/api/movies/{movie}/poster", data=image, headers=carol).status_code == 200
    body = {"name": "Gala", "movie_id": movie, "total_seats": 5, "starts_at": "2100-01-01T20:00:00Z"}
    show = client.post("/api/shows", json=body, headers=carol).get_json()
    assert client.get("/api/shows?day=2100-01-01&free=true").get_json()["shows"] == [show]
    assert client.get(f"/api/movies/{movie}").get_json()["shows"] == [show]

    gone = [f"/api/admin/shows/{show['id']}", f"/api/halls/{show['hall']['id']}", f"/api/movies/{movie}/poster",
            f"/api/movies/{movie}"]  # fmt: skip
    assert [client.delete(path, headers=carol).status_code for path in gone] == [204] * 4


@pytest.mark.parametrize("group", GROUPS)
def test_a_log_in_needs_its_password(urls: dict[str, str], group: str) -> None:
    engine = make_engine(urls[group].replace(PASSWORD.replace(" ", "-"), "another"), pool_size=1)

    with pytest.raises(PostgresUnavailable, match="password authentication failed"), transaction(engine):
        pytest.fail("let in")
    engine.dispose()


@pytest.mark.parametrize("group", GROUPS)
def test_a_log_in_has_timeouts_whatever_its_client_says(urls: dict[str, str], group: str) -> None:
    url = make_url(urls[group])
    with psycopg.connect(url.set(drivername="postgresql").render_as_string(hide_password=False)) as connection:
        shown = {
            name: connection.execute(f"SHOW {name}".encode()).fetchone()
            for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
        }

    assert ("0",) not in shown.values()


@pytest.mark.parametrize(
    "address",
    ["postgresql+psycopg://nobody@/onsale", "postgresql+psycopg:///onsale", "postgresql+psycopg://onsale:x@/onsale"],
)
def test_an_address_without_a_password_or_of_the_owner_is_refused(engine: Engine, address: str) -> None:
    with pytest.raises(ConfigurationError), transaction(engine) as connection:
        ensure_login(connection, "onsale_api", address)


def test_a_strange_role_name_is_quoted(engine: Engine, database_url: str) -> None:
    name = 'x" SUPERUSER; --'
    url = make_url(database_url).set(username=name, password="p'; DROP TABLE users; --")

    with transaction(engine) as connection:
        ensure_login(connection, "onsale_api", url.render_as_string(hide_password=False))
        found = connection.execute(text("SELECT rolsuper FROM pg_roles WHERE rolname = :name"), {"name": name})
        assert found.scalar() is False
        connection.exec_driver_sql('DROP OWNED BY "x"" SUPERUSER; --"; DROP ROLE "x"" SUPERUSER; --"')


def test_every_table_is_named_in_the_grants() -> None:
    """The rights on a new table must be decided explicitly."""
    from db.postgres.migrate import SCHEMA

    source = SCHEMA.read_text()
    tables = set(re.findall(r"^CREATE TABLE (\w+)", source, re.M))
    granted = set(re.findall(r"\w+", " ".join(re.findall(r"^GRANT .*?;", source, re.M | re.S))))

    assert len(tables) > 12
    assert tables <= granted
