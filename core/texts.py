"""Texts that people write: names, titles, passwords, addresses. What can be seen of them, and when two are the same.

Unicode has many spellings of one text, and characters that show nothing, or turn round what follows them. The rule
for both stands here once.
"""

from __future__ import annotations

import unicodedata

#: Letters, digits, punctuation, symbols: general categories whose characters show something by themselves.
_SHOWN = ("L", "N", "P", "S")
#: Of these categories, and yet nothing is shown: the fillers of Hangul, and the empty pattern of Braille.
_EMPTY = frozenset("\u115f\u1160\u3164\uffa0\u2800")
#: Embeddings, overrides and isolates: they change the direction of what follows, also beyond this text. The marks
#: U+200E, U+200F and U+061C do not, and Hebrew and Arabic need them, as other scripts and emoji need joiners.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
#: Without width, and without any use at either end of a text; no blanks to str.strip().
_ENDS = "\u200b\u2060\ufeff\u00ad\u180e"


def composed(text: str) -> str:
    """The text in its composed spelling (NFC): an accented letter is one character, however it was typed."""
    return unicodedata.normalize("NFC", text)


def shows_something(text: str) -> bool:
    """Whether anything of a text can be seen: not of blanks, zero-width characters and lone accents."""
    return any(unicodedata.category(character)[0] in _SHOWN and character not in _EMPTY for character in text)


def visible(text: str) -> str:
    """A name or title, composed and trimmed.

    Raises: ValueError, whose message is a sentence for who sent it: nothing of it can be seen, or it holds control
            characters, line breaks, or characters that change the direction of what follows.
    """
    trimmed = _trimmed(composed(text))
    if not shows_something(trimmed):
        raise ValueError("Nothing of it can be seen.")
    if any(character in _TURNING for character in trimmed):
        raise ValueError("Holds a character that changes the direction of what follows.")
    if any(unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in trimmed):
        raise ValueError("Holds a line break or another control character.")
    return trimmed


def folded(text: str) -> str:
    """A text's key: the same for two texts that differ only in capitals, spelling and blanks around them.

    Unicode's canonical caseless match (chapter 3.13, D145), the same in every locale: ß is ss. Not to be shown.
    """
    return composed(unicodedata.normalize("NFD", _trimmed(text)).casefold())


def _trimmed(text: str) -> str:
    """The text without blanks, and what is like them, at both ends."""
    while (shorter := text.strip().strip(_ENDS)) != text:
        text = shorter
    return text
