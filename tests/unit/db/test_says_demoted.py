"""Errors that only a replica sends are recognised, whichever exception redis-py turns them into."""

from __future__ import annotations

import pytest
from redis._parsers.base import BaseParser

from db.kv.demotion import says_demoted


@pytest.mark.parametrize(
    ("reply", "demoted"),
    [
        ("READONLY You can't write against a read only replica.", True),
        ("MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", True),
        ("UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)", True),
        ("ERR Error running script: -READONLY You can't write against a read only replica.", True),
        ("WRONGTYPE Operation against a key holding the wrong kind of value", False),
    ],
)
def test_a_reply(reply: str, demoted: bool) -> None:
    assert says_demoted(BaseParser.parse_error(reply)) is demoted
