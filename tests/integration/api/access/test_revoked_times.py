"""How long a revocation is kept: until the last of its tokens expires, whatever the settings are now."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import Engine, text

from db.postgres.engine import transaction
from tests.integration.api.access.test_revocations import log_out, look, of
from tests.integration.api.accounts.test_login_limits import Clients, client_with
from tests.integration.api.accounts.test_sessions import ALICE, bearer, log_in, refresh
from tests.support.buyer import refused

__all__ = ["client_with"]

DAY_S = 86_400


def test_what_is_revoked_after_tokens_were_made_shorter_stays_so_until_the_old_ones_end(
    client_with: Clients,
) -> None:
    """The token lives for seven days; the api where it is logged out mints tokens for one minute."""
    long = client_with(JWT_EXPIRY_MINUTES=str(7 * 24 * 60))
    long.post("/api/auth/signup", json=ALICE)
    one, other_one = log_in(long).get_json(), log_in(long).get_json()
    short = client_with(JWT_EXPIRY_MINUTES="1")
    younger = refresh(short, other_one).get_json()

    log_out(short, one)
    log_out(short, younger)  # with the one-minute token of the same session

    for app in (short.application, client_with(JWT_EXPIRY_MINUTES="1").application):
        look(of(app))
        of(app)._forget(time.time() + 6 * DAY_S)
        for token in (one, other_one):
            refused(app.test_client().get("/api/auth/bookings", headers=bearer(token)), 401, "token_revoked")
        of(app)._forget(time.time() + 8 * DAY_S)
        assert of(app)._sessions == {}


@pytest.mark.parametrize("ending", ["everywhere", "password", "deletion", "stolen", "pushed out"])
def test_a_revoked_old_token_stays_revoked_until_it_expires(
    client_with: Clients, engine: Engine, ending: str
) -> None:
    long = client_with(JWT_EXPIRY_MINUTES=str(7 * 24 * 60), LOGINS_PER_ADDRESS="0")
    one = long.post("/api/auth/signup", json=ALICE).get_json()
    short = client_with(JWT_EXPIRY_MINUTES="1")
    if ending == "everywhere":
        short.delete("/api/auth/sessions", headers=bearer(one))
    elif ending == "password":
        body = {"password": ALICE["password"], "new_password": "battery staple"}
        short.put("/api/auth/password", json=body, headers=bearer(one))
    elif ending == "deletion":
        short.delete("/api/auth/profile", json={"password": ALICE["password"]}, headers=bearer(one))
    elif ending == "stolen":
        refresh(short, refresh(short, one).get_json())
        refused(refresh(short, one), 401, "refresh_invalid")
    else:  # its session has left Postgres, so the lifetime of its tokens is unknown
        with transaction(engine) as connection:
            connection.execute(text("DELETE FROM sessions"))
        log_out(short, one)

    app = client_with(JWT_EXPIRY_MINUTES="1").application
    look(of(app))
    of(app)._forget(time.time() + 6 * DAY_S)

    refused(app.test_client().get("/api/auth/bookings", headers=bearer(one)), 401, "token_revoked")
