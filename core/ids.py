"""Booking ids: UUIDs that carry their show, derived so that a repeated key gives the same booking for ever.

Layout (RFC 9562 version 8): 32 bits show id | 16 bits | version 8 | 12 bits | variant 10 | 62 bits. The free
90 bits are HMAC-SHA256(secret, show, user, key), or random without a key. So the id alone tells show and
lane, and ids of one show lie together in an index.
"""

from __future__ import annotations

import re
import secrets
from uuid import UUID

from core.signing import sign

#: Crockford's base 32: no I, L, O, U, so that a reference can be read out over the telephone.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_READ_AS = str.maketrans("OIL", "011")
#: What people put between the characters: any blank, and the hyphens and dashes that programs make of one.
_BETWEEN = re.compile(r"[\s\u2010-\u2015\u2212-]+")
#: 50 bits: among a million bookings of one show two share a reference with a chance of 1 in 2,000, and
#: a reference is only ever looked up among its owner's.
_REFERENCE_CHARS = 10
_SHOW_CHARS = 8
#: Characters of a reference as somebody may write it, with a blank or two after each. What is longer is none.
_MAX_CHARS = 64
_DIGITS = frozenset(_ALPHABET)
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]


#: The bits of an id that are drawn, and those that every id has: version 8, variant 10.
_FREE = (1 << 96) - 1 & ~(0xF << 76) & ~(0b11 << 62)
_FIXED = 8 << 76 | 0b10 << 62


def booking_id(secret: bytes, show_id: int, user_id: UUID, key: str | None) -> UUID:
    """The id of the booking that `user_id` asks for with `key` at this show. Scope of a key: user and show.

    Repeat: the same arguments give the same id, unless `key` is None (then random).
    """
    if key is None:
        tail = secrets.token_bytes(16)
    else:
        text = key.encode()
        message = show_id.to_bytes(4) + user_id.bytes + len(text).to_bytes(2) + text
        tail = sign(secret, message)[:16]
    return UUID(int=int.from_bytes(tail) & _FREE | _FIXED | show_id << 96)


def show_of(id_: UUID) -> int:
    """The show that a booking id carries."""
    return id_.int >> 96


def lane_of(show_id: int, lanes: int) -> int:
    """The lane of a show."""
    return show_id % lanes


def reference(id_: UUID) -> str:
    """A short human form of a booking id, such as `1-7QK2M-9XV4T`: its show and 50 bits of the rest."""
    code = _encode(_free_bits(id_) >> 40, _REFERENCE_CHARS)
    return f"{_encode(show_of(id_), _SHOW_CHARS).lstrip('0') or '0'}-{code[:5]}-{code[5:]}"


def read_reference(text: str) -> str | None:
    """The reference that somebody means, in the form of `reference`; None if it is none.

    O is read as 0, I and L as 1; small letters, blanks and hyphens do not matter, nor where they stand.
    """
    if len(text) > _MAX_CHARS:
        return None
    plain = _BETWEEN.sub("", text).upper().translate(_READ_AS)
    show, code = plain[:-_REFERENCE_CHARS].lstrip("0"), plain[-_REFERENCE_CHARS:]
    if len(plain) <= _REFERENCE_CHARS or not set(plain) <= _DIGITS or _decode(show) >= 1 << 31:
        return None
    return f"{show or '0'}-{code[:5]}-{code[5:]}"


def ids_of_reference(reference_: str) -> tuple[UUID, UUID]:
    """The first and the last booking id whose prefix a reference names, as `read_reference` returns it.

    The range covers 28 of the 50 bits; compare `reference` of what is found.
    """
    show, _, code = reference_.partition("-")
    bits = _decode(code.replace("-", ""))
    head = _decode(show) << 32 | (bits >> 34) << 16 | 8 << 12 | (bits >> 22) & 0xFFF
    return UUID(int=head << 64), UUID(int=head << 64 | ((1 << 64) - 1))


def _free_bits(id_: UUID) -> int:
    """The 90 bits that are neither show, version nor variant."""
    bits = id_.int
    return (bits >> 80 & 0xFFFF) << 74 | (bits >> 64 & 0xFFF) << 62 | bits & ((1 << 62) - 1)


def _encode(number: int, chars: int) -> str:
    """Two characters at a time; `chars` is even."""
    return "".join([_PAIRS[number >> shift & 1023] for shift in range(5 * chars - 10, -1, -10)])


def _decode(digits: str) -> int:
    number = 0
    for digit in digits:
        number = number << 5 | _ALPHABET.index(digit)
    return number
