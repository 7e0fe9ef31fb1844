"""Every operation of the OpenAPI document, with every check of schemathesis: `make schema` in a small size."""

from __future__ import annotations

import pytest

from proof.kit.system import Up
from proof.openapi.command import NO_LIMITS, look
from proof.openapi.probe import Size

#: What CI draws for each of three callers, besides what follows from the document.
SMALL = Size(seed=2026, seconds=3, examples=2)


@pytest.mark.timeout(400)
def test_the_api_keeps_to_its_document(fresh_up: Up) -> None:
    fresh_up.environment.update(NO_LIMITS)
    fresh_up.start()

    assert look(fresh_up, SMALL) == []
