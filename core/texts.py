"""Texts that people write (names, titles, passwords, addresses): what of them is visible, and when two are equal.

Unicode can spell one text in many ways, and has characters that show nothing or reverse what follows them.
"""

from __future__ import annotations

import unicodedata

#: Letters, digits, punctuation, symbols: general categories whose characters show something by themselves.
_SHOWN = ("L", "N", "P", "S")
#: Characters of these categories that show nothing: the Hangul fillers and the blank Braille pattern.
_EMPTY = frozenset("\u115f\u1160\u3164\uffa0\u2800")
#: Embeddings, overrides and isolates: they change the direction of what follows, even beyond this text. The marks
#: U+200E, U+200F and U+061C do not; Hebrew and Arabic need them, as other scripts and emoji need joiners.
_BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
#: Zero-width characters that mean nothing at either end of a text, and that str.strip() leaves there.
_ZERO_WIDTH = "\u200b\u2060\ufeff\u00ad\u180e"


def composed(text: str) -> str:
    """Return the text in its composed spelling (NFC): an accented letter is one character, however it was typed."""
    return unicodedata.normalize("NFC", text)


def shows_something(text: str) -> bool:
    """Return whether anything of a text is visible: not if it has only blanks, zero-width characters and accents."""
    return any(unicodedata.category(character)[0] in _SHOWN and character not in _EMPTY for character in text)


def visible(text: str) -> str:
    """Return a name or title, composed and trimmed.

    Raises: ValueError with a sentence for the sender: nothing of it is visible, or it contains control characters,
            line breaks, or characters that change the direction of what follows.
    """
    trimmed = _trimmed(composed(text))
    if not shows_something(trimmed):
        raise ValueError("Nothing of it can be seen.")
    if any(character in _BIDI_CONTROLS for character in trimmed):
        raise ValueError("Holds a character that changes the direction of what follows.")
    if any(unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in trimmed):
        raise ValueError("Holds a line break or another control character.")
    return trimmed


def folded(text: str) -> str:
    """Return a text's key: equal for texts that differ only in case, Unicode spelling, and blanks around them.

    Unicode's canonical caseless match (chapter 3.13, D145), the same in every locale: ß is ss. Not for display.
    """
    return composed(unicodedata.normalize("NFD", _trimmed(text)).casefold())


def _trimmed(text: str) -> str:
    """Strip blanks and zero-width characters from both ends."""
    while (shorter := text.strip().strip(_ZERO_WIDTH)) != text:
        text = shorter
    return text
