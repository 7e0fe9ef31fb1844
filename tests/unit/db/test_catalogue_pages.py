"""What Redis has of a page of the catalogue: the right page, current, or nothing; in bounded memory."""

from __future__ import annotations

import pytest

from db.kv import catalogue_pages
from db.kv.catalogue_pages import MOST_BYTES, SLOTS, Kind

PAGE = catalogue_pages.page(Kind.MOVIES, ("list", 20))


def kept(token: str = "t", version: int = 7) -> str:
    command = catalogue_pages.keep_command(PAGE, token, b'{"a":"1\\n2"}', version, 30_000)
    assert command is not None
    return str(command[2])


def test_a_kept_body_is_found_with_its_age():
    found = catalogue_pages.parse(PAGE, ["t", kept(), 29_000])

    assert (found.body, found.age_ms, found.left_ms, found.version) == (b'{"a":"1\\n2"}', 1_000, 29_000, 7)


@pytest.mark.parametrize(
    "replies",
    [
        ["other", kept(), 29_000],  # something has changed
        [None, kept(), 29_000],
        ["t", kept(), -2],  # it has just expired
        ["t", kept(), -1],  # nothing that we keep has no TTL
        ["t", None, -2],
        ["t", "", 29_000],
        ["t", "no such head", 29_000],
        ["t", kept().replace(PAGE.digest, "0" * 32), 29_000],  # another page has its slot
    ],
)
def test_anything_else_is_no_body(replies: list[object]):
    assert catalogue_pages.parse(PAGE, replies).body is None


def test_pages_differ_by_kind_and_by_everything_that_was_asked():
    asked = [
        (kind, what) for kind in Kind for what in (("list", 20), ("list", "20"), ("list", 20, None), ("list20",))
    ]
    assert len({catalogue_pages.page(*each).digest for each in asked}) == len(asked)


def test_memory_is_bounded_whatever_is_asked():
    keys = {catalogue_pages.page(Kind.SHOWS, (number,)).key for number in range(20_000)}

    assert len(keys) == SLOTS
    assert catalogue_pages.keep_command(PAGE, "t", b"x" * MOST_BYTES, 0, 1) is not None
    assert catalogue_pages.keep_command(PAGE, "t", b"x" * (MOST_BYTES + 1), 0, 1) is None
