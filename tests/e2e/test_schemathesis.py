"""Every operation of the OpenAPI document with every check of schemathesis: `make schema`, small."""

from __future__ import annotations

import pytest

from proof.kit.system import Up
from proof.openapi.command import NO_LIMITS, look
from proof.openapi.probe import Size

#: How much schemathesis generates for each of three callers, besides the cases that follow from the document: the
#: administrator sends them to all operations, the others each to a third. `make schema` sends all of them as each.
SMALL = Size(seed=2026, seconds=3, examples=2, coverage=1 / 3)


@pytest.mark.timeout(400)
def test_the_api_keeps_to_its_document(fresh_up: Up) -> None:
    fresh_up.environment.update(NO_LIMITS)
    fresh_up.start()

    wrong = look(fresh_up, SMALL)

    assert not wrong, "\n".join(wrong)
