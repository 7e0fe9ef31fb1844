"""What was drawn at the first start and never changes: the number of lanes and the booking secret.

Kept in Postgres, and copied to Redis so that an api can start while Postgres is away.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass

from sqlalchemy import Connection, text

from core.errors import ConfigurationError
from db import keys
from db.rounds import Rounds


@dataclass(frozen=True, slots=True)
class Installation:
    """`lanes`: how many; `booking_secret`: 32 bytes that key the derivation of booking ids."""

    lanes: int
    booking_secret: bytes


def create(connection: Connection, lanes: int) -> Installation:
    """Draw the installation's values at the first start; later starts get what was drawn.

    Raises: ConfigurationError: `lanes` is not the number that was drawn. Shows would change their lane.
    """
    statement = text("""
        INSERT INTO installation (lanes, booking_secret)
        VALUES (:lanes, :secret)
            ON CONFLICT DO NOTHING
    """)
    connection.execute(statement, {"lanes": lanes, "secret": secrets.token_bytes(32)})
    kept = get(connection)
    if kept.lanes != lanes:
        raise ConfigurationError(
            f"LANES: this installation was made with {kept.lanes} lanes; {lanes} would move its shows to other lanes."
        )
    return kept


def get(connection: Connection) -> Installation:
    """The installation's values, from Postgres."""
    row = connection.execute(text("SELECT lanes, booking_secret FROM installation")).one()
    return Installation(row.lanes, bytes(row.booking_secret))


def publish(rounds: Rounds, installation: Installation) -> None:
    """Copy the values to Redis. Raises RedisAway, AcceptUnknown. Repeat: safe."""
    values = {"lanes": installation.lanes, "booking_secret": installation.booking_secret.hex()}
    rounds.call([("SET", keys.INSTALLATION, json.dumps(values))], writes=True)


def published(rounds: Rounds) -> Installation | None:
    """The values as copied to Redis; None if they are not there. Raises RedisAway."""
    [text_] = rounds.call([("GET", keys.INSTALLATION)], writes=False)
    if text_ is None:
        return None
    values = json.loads(text_)
    return Installation(values["lanes"], bytes.fromhex(values["booking_secret"]))
