"""Booking ids: UUIDs that carry their show, derived so that a repeated key always gives the same booking.

Layout (RFC 9562 version 8): 32 bits show id | 16 bits | version 8 | 12 bits | variant 10 | 62 bits. The free
90 bits are HMAC-SHA256(secret, show, user, key), or random without a key. So the id alone gives show and
lane, and ids of one show are adjacent in an index.
"""

from __future__ import annotations

import re
import secrets
from uuid import UUID

from core.signing import sign

#: Crockford's base 32: without I, L, O and U, so a reference can be read out over the telephone.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_READ_AS = str.maketrans("OIL", "011")
#: Separators between the characters: whitespace, and the hyphens and dashes that editors put in their stead.
_SEPARATORS = re.compile(r"[\s\u2010-\u2015\u2212-]+")
#: 10 characters are 50 bits: the chance that any two of a million bookings of one show share a reference is 1 in
#: 2,000, and a reference is only ever looked up among its owner's bookings.
_REFERENCE_CHARS = 10
_SHOW_CHARS = 8
#: Max length of a reference as typed, with a blank or two after each character; longer texts are no references.
_MAX_CHARS = 64
_DIGITS = frozenset(_ALPHABET)
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]


#: The bits of an id that are derived or random, and those that every id has: version 8, variant 10.
_FREE = (1 << 96) - 1 & ~(0xF << 76) & ~(0b11 << 62)
_FIXED = 8 << 76 | 0b10 << 62


def booking_id(secret: bytes, show_id: int, user_id: UUID, key: str | None) -> UUID:
    """Return the id of the booking that `user_id` requests with `key` at this show. Scope of a key: user and show.

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
    """Return the show that a booking id carries."""
    return id_.int >> 96


def lane_of(show_id: int, lanes: int) -> int:
    """Return the lane of a show."""
    return show_id % lanes


def reference(id_: UUID) -> str:
    """Return a short form of a booking id, such as `1-7QK2M-9XV4T`: its show and the first 50 of its free bits."""
    code = _encode(_free_bits(id_) >> 40, _REFERENCE_CHARS)
    return f"{_encode(show_of(id_), _SHOW_CHARS).lstrip('0') or '0'}-{code[:5]}-{code[5:]}"


def read_reference(text: str) -> str | None:
    """Return a reference as people type it in the form of `reference`; None if it is not valid.

    O is read as 0, I and L as 1; case, blanks and hyphens do not matter.
    """
    if len(text) > _MAX_CHARS:
        return None
    plain = _SEPARATORS.sub("", text).upper().translate(_READ_AS)
    show, code = plain[:-_REFERENCE_CHARS].lstrip("0"), plain[-_REFERENCE_CHARS:]
    if len(plain) <= _REFERENCE_CHARS or not set(plain) <= _DIGITS or _decode(show) >= 1 << 31:
        return None
    return f"{show or '0'}-{code[:5]}-{code[5:]}"


def ids_of_reference(reference_: str) -> tuple[UUID, UUID]:
    """Return the first and last id of the range that contains all booking ids with this reference.

    Args: reference_: as `read_reference` returns it. Its last 22 bits lie behind the id's variant and do not narrow
          the range, so compare the `reference` of each id found.
    """
    show, _, code = reference_.partition("-")
    code_bits = _decode(code.replace("-", ""))
    before_version = code_bits >> 34  # 16 bits
    after_version = code_bits >> 22 & 0xFFF  # 12 bits
    upper_half = _decode(show) << 32 | before_version << 16 | 8 << 12 | after_version
    first = upper_half << 64
    last = first | (1 << 64) - 1
    return UUID(int=first), UUID(int=last)


def _free_bits(id_: UUID) -> int:
    """Return the 90 bits that are neither show, version nor variant."""
    bits = id_.int
    return (bits >> 80 & 0xFFFF) << 74 | (bits >> 64 & 0xFFF) << 62 | bits & ((1 << 62) - 1)


def _encode(number: int, chars: int) -> str:
    """Write a number with `chars` digits of base 32, two at a time; `chars` is even."""
    return "".join([_PAIRS[number >> shift & 1023] for shift in range(5 * chars - 10, -1, -10)])


def _decode(digits: str) -> int:
    """Read digits of base 32."""
    number = 0
    for digit in digits:
        number = number << 5 | _ALPHABET.index(digit)
    return number
