"""The records that finish.lua declares and the fields that db/kv/finish.py sends are the same."""

from __future__ import annotations

import re
from uuid import UUID

import pytest

from core.operations import StreamId
from db.kv import finish, scripts
from db.kv.finish import RECORDS, CardChange, Pace, Publication

CARD = {"v": 3, "state": "ON_SALE", "opens": 1, "closes": 2, "sold_out_until": 0, "hall": 7, "forgets_at": 9}
USER = UUID(int=5)


def publication() -> Publication:
    change = CardChange(1, CARD, 2, True, {4: 60, 5: 0}, b"", {USER: 2}, {USER: (70, 3)})
    return Publication(2, "epoch", StreamId(10, 0), 8, 6, [], {}, [change], [(1, StreamId(10, 0))], [USER])


def test_every_record_is_declared_once_and_read_by_the_script():
    assert set(RECORDS) == {"BATCH", "STATUS", "CARD", "EXPIRE"}
    for name, fields in RECORDS.items():
        assert len(fields) == len(set(fields))
        assert f"read({name})" in scripts.FINISH.source or name == "STATUS"


def test_the_script_names_the_fields_of_a_status_in_their_order():
    [arguments] = re.findall(r"function publish_status\((.*?)\)", scripts.FINISH.source)

    assert arguments.split(", ") == ["key", *RECORDS["STATUS"]]


def test_every_field_that_the_script_uses_is_in_a_record():
    used = set(re.findall(r"\b(?:new|batch)\.([a-z_]+)", scripts.FINISH.source))

    assert used <= {field for fields in RECORDS.values() for field in fields}


def test_fields_are_sent_in_the_order_of_the_script():
    sent = dict(zip(RECORDS["CARD"], finish._card(publication().cards[0]), strict=True))
    batch = dict(zip(RECORDS["BATCH"], finish._batch(publication(), "token", 2_000, Pace(50.0, False)), strict=True))

    assert {name: sent[name] for name in CARD} == CARD
    assert sent["taken"] == "4 60 5 0"
    assert sent["books"] == f"{USER} 2 all 2"
    assert sent["limits"] == f"{USER} 70 3"
    assert batch["keep_from"] == "10-1"
    assert batch["pace"] == "50.0 0"
    assert (batch["statuses"], batch["cards"], batch["expires"]) == (0, 1, 1)


@pytest.mark.parametrize("values", [{}, {"id": "1-0", "more": 1}, {"other": "1-0"}])
def test_other_fields_than_the_script_declares_are_refused(values: dict[str, object]):
    with pytest.raises((KeyError, ValueError)):
        finish.encode("EXPIRE", values)
