"""The installation's id, number of lanes and booking secret: generated at the first start, never changed.

Kept in Postgres, and copied to Redis so that an api can start while Postgres is unavailable. The copy also shows to
which installation the Redis belongs: an api, a worker or a migration stops if it is another one.
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
    """`lanes`: their number; `booking_secret`: the 32-byte key from which booking ids are derived."""

    lanes: int
    booking_secret: bytes
    id: str

    def to_json(self) -> str:
        """Return the copy for Redis."""
        values = {"id": self.id, "lanes": self.lanes, "booking_secret": self.booking_secret.hex()}
        return json.dumps(values)

    @classmethod
    def from_json(cls, text_: str) -> Installation:
        """Read a copy from Redis. Copies by older versions have no id."""
        values = json.loads(text_)
        return cls(values["lanes"], bytes.fromhex(values["booking_secret"]), values.get("id", ""))

    def check(self, copy: str) -> None:
        """Raise WrongInstallation if the copy in Redis is another installation's."""
        other = Installation.from_json(copy)
        both_known = "" not in (other.id, self.id)
        if other.booking_secret != self.booking_secret or (both_known and other.id != self.id):
            raise WrongInstallation(
                f"REDIS_URL: this Redis serves another installation ({other.id or 'of an older version'}), not "
                f"{self.id}, which DATABASE_URL names. Each installation needs its own Redis database."
            )


def create(connection: Connection, lanes: int) -> Installation:
    """Generate the installation's values at the first start; later calls return the same values.

    Raises: WrongInstallation: `lanes` differs from the first start's, so shows would change their lane.
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
    """Return the installation's values from Postgres."""
    row = connection.execute(text("SELECT id, lanes, booking_secret FROM installation")).one()
    return Installation(row.lanes, bytes(row.booking_secret), str(row.id))


def publish(rounds: Rounds, installation: Installation) -> None:
    """Copy the values to Redis, unless it has them. Repeat: safe.

    Raises: WrongInstallation: Redis has another installation's.   RedisUnavailable, AcceptUnknown.
    """
    copy = installation.to_json()
    [found] = rounds.call([("GET", keys.INSTALLATION)], writes=False)
    if found is None:  # NX, because another installation may be quicker
        with suppress(OutOfMemoryError):  # lanes in a full Redis must still be drained
            rounds.call([("SET", keys.INSTALLATION, copy, "NX")], writes=False)  # safe to repeat
        [found] = rounds.call([("GET", keys.INSTALLATION)], writes=False)
    if found is None or found == copy:
        return
    installation.check(found)
    with suppress(OutOfMemoryError):
        rounds.call([("SET", keys.INSTALLATION, copy)], writes=True)  # replaces an older version's, without id


def published(rounds: Rounds) -> Installation | None:
    """Return the values from Redis; None if they are not there. Raises RedisUnavailable."""
    [text_] = rounds.call([("GET", keys.INSTALLATION)], writes=False)
    return None if text_ is None else Installation.from_json(text_)
