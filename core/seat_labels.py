"""Labels of seats: how a section, a row and a seat's name become the one label that names the seat everywhere.

    A12         row A, seat 12: a row of letters without a section, whose seats all have numbers
    12-7        row 12, seat 7;   A-W1: row A, which names its seats
    BALC-A-12   section BALC, row A, seat 12

The hyphens say which parts a label has, so it can be read in only one way, and each seat has only one label.
"""

from __future__ import annotations

import re

SECTION_KEY = re.compile(r"[A-Z0-9]{1,8}")
ROW_LABEL = re.compile(r"[A-Z0-9]{1,6}")
#: A row whose label needs no hyphen before the number: "A11" is row A, seat 11.
LETTERS = re.compile(r"[A-Z]{1,3}")
#: A seat's number without leading zeros, or a name with at least one letter: 12, W1, 12B, C.
SEAT_NAME = re.compile(r"[1-9][0-9]{0,3}|(?=[0-9]*[A-Z])[A-Z0-9]{1,5}")
#: Every seat's label has this form (as a regular expression of JSON Schema).
SEAT_LABEL = "^([A-Z]{1,3}[0-9]{1,4}|([A-Z0-9]{1,8}-)?[A-Z0-9]{1,6}-[A-Z0-9]{1,5})$"
MAX_LABEL_CHARS = 8 + 1 + 6 + 1 + 5
CATEGORY = re.compile(r"[a-z][a-z0-9_-]{0,29}")
MAX_NUMBER = 9_999
MAX_DIGITS = len(str(MAX_NUMBER))


def prefix(section: str, row: str, *, named: bool) -> str:
    """Return what the labels of a row's seats begin with; a seat's name follows it.

    Args: section: its key, "" for none.   named: the row names its seats, instead of counting them.
    """
    if section:
        return f"{section}-{row}-"
    return row if not named and LETTERS.fullmatch(row) else f"{row}-"
