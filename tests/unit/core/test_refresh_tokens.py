"""Refresh tokens: they are read as made, and cannot be forged without the secret."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from core import refresh_tokens
from core.refresh_tokens import CHARS, LAST, make, read
from core.tokens import key_id
from proof.kit.environment import SECRET, offline_settings
from tests.support.buyer import refused
from tests.support.factories import opened_app

OTHER = "the secret of another installation, as long as it"


@given(st.uuids(), st.integers(0, LAST))
def test_a_token_is_read_as_made_and_always_the_same(session: object, generation: int) -> None:
    token = make(SECRET, session, generation)  # type: ignore[arg-type]

    assert len(token) == CHARS
    assert token == make(SECRET, session, generation)  # type: ignore[arg-type]
    assert read(token, [SECRET]) == (session, generation)


def test_each_of_several_secrets_is_accepted_and_no_other() -> None:
    session = uuid4()
    token = make(SECRET, session, 3)

    assert read(token, ["", OTHER, SECRET]) == (session, 3)
    assert read(token, [OTHER, ""]) is None
    assert read(make("", session, 3), [""]) is None
    assert key_id(SECRET) not in token


def test_no_character_of_it_can_be_changed() -> None:
    token = make(SECRET, uuid4(), 1)

    for at in range(CHARS - 1):  # not the last one, four bits of which are padding
        forged = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
        assert read(forged, [SECRET]) is None, at


@given(st.text(max_size=80) | st.text("AZaz09-_+/=\u00e9", min_size=CHARS, max_size=CHARS))
def test_anything_else_is_none(text: str) -> None:
    assert read(text, [SECRET]) is None


def test_a_generation_whose_successor_postgres_cannot_store_is_none() -> None:
    assert read(make(SECRET, uuid4(), LAST + 1), [SECRET]) is None


@pytest.fixture
def unserved() -> Iterator[FlaskClient]:
    """A client of an api whose Postgres and Redis do not exist."""
    with opened_app(offline_settings()) as app:
        yield app.test_client()


def test_an_unknown_token_is_refused_without_a_server(unserved: FlaskClient) -> None:
    forged = base64.urlsafe_b64encode(bytes(52)).decode().rstrip("=")

    for token in (forged, make(OTHER, uuid4(), 0), "x"):
        refused(unserved.post("/api/auth/refresh", json={"refresh_token": token}), 401, "refresh_invalid")
    known = refresh_tokens.make(SECRET, uuid4(), 0)
    refused(unserved.post("/api/auth/refresh", json={"refresh_token": known}), 503, "redis_unavailable")
