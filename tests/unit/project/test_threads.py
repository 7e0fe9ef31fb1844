"""A file that leaves a thread of the product running fails."""

from __future__ import annotations

import threading

import pytest

from tests.support.threads import NAMES, expect_no_others


@pytest.mark.parametrize("name", NAMES)
def test_a_thread_of_the_product_that_is_left_is_found(name: str) -> None:
    before, over = threading.enumerate(), threading.Event()
    thread = threading.Thread(target=over.wait, name=f"{name}_0")
    thread.start()
    try:
        expect_no_others([*before, thread], end_s=0)
        with pytest.raises(AssertionError, match=name):
            expect_no_others(before, end_s=0)
    finally:
        over.set()
        thread.join()
    expect_no_others(before)
