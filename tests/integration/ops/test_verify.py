"""`onsale verify` finds a corruption of each kind, and no violation in an unchanged database."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from db.postgres.engine import transaction
from ops import verify as verifying
from ops.verify import verify
from tests.support.stage import Stage


@pytest.fixture
def played(stage: Stage) -> Stage:
    """A stage with one show that has a confirmed, a held and a failed booking, and two cancelled ones."""
    show = stage.show(rows=3, seats=5)
    stage.book(show, "A1", "A2")
    stage.book(show, "A1", user=stage.bob)
    held = stage.book(show, "B1", hold=True)
    cancelled = stage.book(show, "B2")
    stage.drain()
    stage.cancel(cancelled)
    stage.cancel(held)
    stage.book(show, "C1", hold=True)
    stage.change(show, seats_per_user=8)
    stage.drain()
    return stage


def corrupt(stage: Stage, statement: str) -> None:
    with transaction(stage.stores.engine) as connection:
        changed = connection.execute(text(statement)).rowcount
    assert changed > 0


def test_an_untouched_database_is_clean(played: Stage) -> None:
    report = verify(played.stores.settings.database_url)

    assert report.violations == []
    assert (report.decisions, report.bookings, report.seats_owned) == (8, 5, 3)


CORRUPTIONS = {
    "a seat given to another booking": """
        UPDATE seats SET booking_id = (SELECT id FROM bookings WHERE status = 'FAILED' LIMIT 1) WHERE label = 'A1'
    """,
    "a seat taken from its booking": """
        UPDATE seats SET booking_id = NULL, status = 'AVAILABLE' WHERE label = 'A2'
    """,
    "a held seat marked as sold": "UPDATE seats SET status = 'SOLD' WHERE label = 'C1'",
    "a seat owned by nobody that exists": """
        UPDATE seats SET booking_id = gen_random_uuid(), status = 'SOLD' WHERE label = 'C5'
    """,
    "a counter that is off": "UPDATE shows SET sold = sold + 1",
    "a second live booking of a seat": """
        UPDATE bookings SET status = 'CONFIRMED', reason = NULL, confirmed_at = now(), seats = ARRAY['A1']
         WHERE status = 'FAILED'
    """,
    "a booking that vanished": "DELETE FROM bookings WHERE status = 'FAILED'",
    "a booking without a decision": """
        INSERT INTO bookings (id, show_id, user_id, status, reason, fingerprint, seats, amount_cents, version,
                              last_operation, accepted_at, decided_at)
        SELECT CAST(left(CAST(id AS text), 8) || '-0000-8000-8000-000000000000' AS uuid), show_id, user_id, 'FAILED',
               'SEAT_TAKEN', 'f', '{}', 0, 1, last_operation, now(), now()
          FROM bookings
         LIMIT 1
    """,
    "another price": "UPDATE bookings SET amount_cents = 1 WHERE status = 'CONFIRMED'",
    "another owner": "UPDATE bookings SET user_id = gen_random_uuid() WHERE status = 'CONFIRMED'",
    "another deadline": "UPDATE bookings SET expires_at = now() WHERE status = 'PENDING'",
    "an outcome changed in the journal": "UPDATE journal SET outcome = 'FAILED' WHERE outcome = 'CONFIRMED'",
    "a decision missing from the journal": "DELETE FROM journal WHERE outcome = 'CANCELLED'",
    "the last decision missing": "DELETE FROM journal WHERE seq = (SELECT max(seq) FROM journal)",
    "two decisions in the wrong order": """
        UPDATE journal SET stream_ms = stream_ms + 100000 WHERE seq = 1
    """,
    "a decision recorded twice": """
        INSERT INTO journal
        SELECT lane, seq + 100, epoch, stream_ms + 1000, stream_seq, part, kind, show_id, booking_id, outcome, reason,
               operation, decision, decided_ms, recorded_at
          FROM journal
         WHERE seq = 1
    """,
    "settings changed behind the lane's back": """
        UPDATE shows SET settings = jsonb_set(settings, '{seats_per_user}', '9')
    """,
    "more seats than the limit": """
        UPDATE shows SET settings = jsonb_set(settings, '{seats_per_user}', '1'),
                         initial_settings = jsonb_set(initial_settings, '{seats_per_user}', '1')
    """,
}


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corruption_is_found(played: Stage, name: str) -> None:
    corrupt(played, CORRUPTIONS[name])

    assert verify(played.stores.settings.database_url).violations


@pytest.mark.parametrize(("statement", "code"), [(None, 0), ("UPDATE shows SET sold = sold + 1", 1)])
def test_the_command_exits_with_1_on_a_violation(
    played: Stage, monkeypatch: pytest.MonkeyPatch, statement: str | None, code: int
) -> None:
    if statement:
        corrupt(played, statement)

    result = CliRunner().invoke(command(), ["--json"])

    assert result.exit_code == code
    assert ('"violations": 0' in result.output) == (code == 0)


def command() -> Callable[..., object]:
    return verifying.command
