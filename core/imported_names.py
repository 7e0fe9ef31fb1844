"""Names in the files that halls are imported from: as the labels, keys and categories of a plan.

Files write "row 7", "Balkon links" or "Kategorie 1"; labels are short, of capital letters and digits
(core/seat_labels.py).
"""

from __future__ import annotations

import re
import unicodedata

from core.drawings import COLOR
from core.plans import BadPlan
from core.plans_by_place import MAX_SECTION_NAME
from core.seat_labels import CATEGORY, MAX_DIGITS, ROW_LABEL, SEAT_NAME, SECTION_KEY
from core.texts import visible

#: A file's texts are shortened to this in messages.
SHOWN = 40
MAX_HALL_NAME = 200
#: As many as a show can have prices.
MAX_CATEGORIES = 50


def shown(text: str) -> str:
    """Return a text from a file for a message: quoted, not too long, and safe to print."""
    short = text if len(text) <= SHOWN else text[:SHOWN] + "..."
    return '"' + "".join(character if character.isprintable() else "?" for character in short) + '"'


def token(text: str) -> str:
    """Return a text's letters and digits in capitals and without accents: MEZZANINE for "Mezzanine"."""
    folded = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Z0-9]", "", folded.upper())


def row_label(text: str, at: str) -> str:
    """Return a row's label. Raises BadPlan."""
    label = token(text)
    if not ROW_LABEL.fullmatch(label):
        raise BadPlan(f"A row's name has one to six letters or digits, not {shown(text)}.", at)
    return label


def seat_name(text: str, at: str) -> str:
    """Return a seat's number or name. Leading zeros of a number are dropped. Raises BadPlan."""
    name = token(text)
    if name.isdigit():
        name = name.lstrip("0")
        if not 0 < len(name) <= MAX_DIGITS:
            raise BadPlan(f"A seat's number is 1 to {10**MAX_DIGITS - 1}, not {shown(text)}.", at)
    if not SEAT_NAME.fullmatch(name):
        raise BadPlan(f"A seat has a number, or up to five letters and digits, not {shown(text)}.", at)
    return name


def shown_name(text: str, at: str) -> str:
    """Return the name of a section or category, which is to be shown. Raises BadPlan."""
    if len(text) > MAX_SECTION_NAME:
        raise BadPlan(f"A name has at most {MAX_SECTION_NAME} characters.", at)
    try:
        text.encode()
        return visible(text)
    except UnicodeEncodeError:
        raise BadPlan("Contains a character that cannot be stored.", at) from None
    except ValueError as error:
        raise BadPlan(str(error), at) from None


def hall_name(text: str) -> str:
    """Return a hall's name, shortened if it is too long; "" if it has none that can be shown."""
    try:
        return visible(text.encode("utf-8", "ignore").decode())[:MAX_HALL_NAME].strip()
    except ValueError:
        return ""


def not_utf8(data: bytes, error: UnicodeDecodeError) -> BadPlan:
    """Return what is wrong with a file that is not UTF-8: the line of the first such byte."""
    line = data.count(b"\n", 0, error.start) + 1
    return BadPlan("Not UTF-8.", f"line {line}")


class Keys:
    """The sections or categories of a file by their names, each with a key of its own."""

    def __init__(self) -> None:
        self.by_name: dict[str, str] = {}
        self._taken: set[str] = set()

    def section(self, name: str) -> str:
        """Return the key of a section: its name in capitals, or what fits of it, with a number if that is taken."""
        if name not in self.by_name:
            whole = token(name)
            first = token(name.split()[0]) if name.split() else ""
            fits = next((key for key in (whole, first) if SECTION_KEY.fullmatch(key)), whole[:4]) or "S"
            self.by_name[name] = self._unused(fits, most=8)
        return self.by_name[name]

    def category(self, name: str) -> str:
        """Return the key of a category: its name as a short lower-case word, with a number if that is taken."""
        if name not in self.by_name:
            folded = unicodedata.normalize("NFKD", name.casefold()).encode("ascii", "ignore").decode().lower()
            word = re.sub(r"[^a-z0-9_]+", "-", folded).strip("-")
            word = (word if CATEGORY.match(word) else f"c-{word}").rstrip("-")[:30].rstrip("-")
            self.by_name[name] = self._unused(word, most=30, between="-")
        return self.by_name[name]

    def _unused(self, key: str, *, most: int, between: str = "") -> str:
        candidate, number = key, 1
        while candidate in self._taken:
            number += 1
            end = f"{between}{number}"
            candidate = key[: most - len(end)] + end
        self._taken.add(candidate)
        return candidate


def color(value: object) -> str:
    """Return a colour as drawings have it; "" for none, and for notations that they do not have."""
    written = value.strip().lower() if isinstance(value, str) else ""
    return written if COLOR.fullmatch(written) else ""
