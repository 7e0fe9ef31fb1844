"""What was generated at the first start and never changes: the id, the number of lanes and the booking secret.

Kept in Postgres, and copied to Redis so that an api can start while Postgres is unavailable. The copy also tells
whose Redis it is: an api, a worker or a migration that finds another installation's there must not go on.
"""

from __future__ import annotations

import json
import secrets
from contextlib import suppress
from dataclasses import dataclass

from redis.exceptions import OutOfMemoryError
from sqlalchemy import Connection, text

from core.errors import WrongInstallation
from db.kv import keys
from db.kv.rounds import Rounds


@dataclass(frozen=True, slots=True)
class Installation:
    """`lanes`: how many; `booking_secret`: 32 bytes that key the derivation of booking ids."""

    lanes: int
    booking_secret: bytes
    id: str

    def to_json(self) -> str:
        """The copy for Redis."""
        values = {"id": self.id, "lanes": self.lanes, "booking_secret": self.booking_secret.hex()}
        return json.dumps(values)

    @classmethod
    def from_json(cls, text_: str) -> Installation:
        """The values of a copy in Redis. One that an older version made has no id."""
        values = json.loads(text_)
        return cls(values["lanes"], bytes.fromhex(values["booking_secret"]), values.get("id", ""))

    def check(self, copy: str) -> None:
        """Raise WrongInstallation unless a copy that Redis holds is this installation's."""
        other = Installation.from_json(copy)
        both_known = "" not in (other.id, self.id)
        if other.booking_secret != self.booking_secret or (both_known and other.id != self.id):
            raise WrongInstallation(
                f"REDIS_URL: this Redis serves another installation ({other.id or 'of an older version'}), not "
                f"{self.id}, which DATABASE_URL names. Each installation needs a Redis database of its own."
            )


def create(connection: Connection, lanes: int) -> Installation:
    """Draw the installation's values at the first start; later starts get what was drawn.

    Raises: WrongInstallation: `lanes` is not the number that was drawn. Shows would change their lane.
    """
    statement = text("""
        INSERT INTO installation (lanes, booking_secret)
        VALUES (:lanes, :secret)
            ON CONFLICT DO NOTHING
    """)
    connection.execute(statement, {"lanes": lanes, "secret": secrets.token_bytes(32)})
    kept = get(connection)
    if kept.lanes != lanes:
        raise WrongInstallation(
            f"LANES: this installation was made with {kept.lanes} lanes; {lanes} would move its shows to other lanes."
        )
    return kept


def get(connection: Connection) -> Installation:
    """The installation's values, from Postgres."""
    row = connection.execute(text("SELECT id, lanes, booking_secret FROM installation")).one()
    return Installation(row.lanes, bytes(row.booking_secret), str(row.id))


def publish(rounds: Rounds, installation: Installation) -> None:
    """Copy the values to Redis, if it has none. Repeat: safe.

    Raises: WrongInstallation: it has another installation's.   RedisUnavailable, AcceptUnknown.
    """
    copy = installation.to_json()
    [found] = rounds.call([("GET", keys.INSTALLATION)], writes=False)
    if found is None:  # NX: another installation may be quicker
        with suppress(OutOfMemoryError):  # a full Redis must be drained all the same
            rounds.call([("SET", keys.INSTALLATION, copy, "NX")], writes=False)  # safe to repeat
        [found] = rounds.call([("GET", keys.INSTALLATION)], writes=False)
    if found is None or found == copy:
        return
    installation.check(found)
    with suppress(OutOfMemoryError):
        rounds.call([("SET", keys.INSTALLATION, copy)], writes=True)  # an older version's, without the id


def published(rounds: Rounds) -> Installation | None:
    """The values as copied to Redis; None if they are not there. Raises RedisUnavailable."""
    [text_] = rounds.call([("GET", keys.INSTALLATION)], writes=False)
    return None if text_ is None else Installation.from_json(text_)
