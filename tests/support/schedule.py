"""Which tests stay together in one process of pytest-xdist, and which files begin first.

The longest first: what begins last must be short, or one core waits for the other at the end.
"""

from __future__ import annotations

import pytest
from xdist.scheduler import LoadFileScheduling

#: Starts that are shared by all files of a folder. It is one unit; every other file is a unit by itself.
TOGETHER = ("tests/contract/", "tests/browser/")
#: In this order; each entry is a file or a folder, and what is not listed comes after them. What waits for half of
#: its time (the crash runs, the broker's outage) runs beside what computes, so that neither core is idle.
#: Seconds fall from a minute and a half to a second per file.
LONGEST_FIRST = (
    "tests/e2e/test_crash_drain.py",
    "tests/e2e/test_schemathesis.py",
    "tests/e2e/test_crash.py",
    "tests/browser/",
    "tests/e2e/test_broker_outage.py",
    "tests/proof/model/",
    "tests/e2e/test_supervisor.py",
    "tests/contract/",
    "tests/e2e/test_rush.py",
    "tests/e2e/test_crash_planted.py",
    "tests/integration/proof/",
    "tests/e2e/",
    "tests/proof/",
    "tests/integration/workers/",
    "tests/integration/api/web/",
    "tests/integration/",
    "tests/race/",
    "tests/unit/project/",
    "tests/unit/core/",
)


class ByFile(LoadFileScheduling):
    """As `--dist loadfile`, in the order of the collection, and with some folders as one file."""

    def __init__(self, config: pytest.Config, log: object = None) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return next((folder for folder in TOGETHER if nodeid.startswith(folder)), nodeid.partition("::")[0])


def turn(item: pytest.Item) -> int:
    """When an item's file begins."""
    places = (place for place, start in enumerate(LONGEST_FIRST) if item.nodeid.startswith(start))
    return next(places, len(LONGEST_FIRST))
