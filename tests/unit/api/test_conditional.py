"""If-None-Match: a client's version is recognised even if a proxy has changed its ETag."""

from __future__ import annotations

import pytest

from api.web.conditional import has_version


@pytest.mark.parametrize(
    "given", ['"v3"', 'W/"v3"', "*", '"x", "v3"', 'W/"x",W/"v3"', '"x" ,  "v3" , "y"', '"a,b", "v3"', 'w/"v3"']
)
def test_a_client_with_this_version_gets_304(given: str) -> None:
    assert has_version(given, "v3")


@pytest.mark.parametrize("given", [None, "", '"v30"', '"v"', 'W/"V3"', '"x,v3"', '"v3-gzip"', ",", '"'])
def test_a_client_with_another_version_gets_the_body(given: str | None) -> None:
    assert not has_version(given, "v3")
