"""Ending all sessions of an account, in a command's transaction: its tokens are void everywhere within a second."""

from __future__ import annotations

import time

from sqlalchemy import Connection

from api.access.revocations import Revocations
from core.errors import ConfigurationError
from db import revocations
from db.kv.rounds import Rounds
from db.postgres import sessions, users
from db.postgres.users import User


def end_sessions(connection: Connection, rounds: Rounds, user: User, password_hash: str | None = None) -> None:
    """End an account's sessions and void its tokens; also set a new password hash, if one is given.

    Call it as the last step of the transaction.
    Raises: ConfigurationError: the account has just been deleted.  RedisUnavailable, AcceptUnknown: roll back.
    """
    version = users.raise_version(connection, user.id, password_hash)
    if version is None:
        raise ConfigurationError(f"The account {user.email} has just been deleted.")
    sessions.delete_of_user(connection, user.id)
    revocation = revocations.insert_of_user(connection, user.id, version, Revocations.kept_s())
    revocations.publish(rounds, revocation, now_s=time.time(), ttl_s=Revocations.kept_s())
