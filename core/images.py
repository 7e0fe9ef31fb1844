"""Pictures that people upload: PNG, JPEG or WebP, recognised by their content, never by what the sender calls them.

Only the structure is read, nothing is decoded: enough to tell a whole picture from a truncated one, from another
format, and from one whose decoding would take a browser's memory.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from core.errors import OnsaleError

#: Max pixels of each side.
MAX_SIDE = 10_000
MEDIA_TYPES = ("image/jpeg", "image/png", "image/webp")
_PNG = b"\x89PNG\r\n\x1a\n"
#: JPEG: markers of a frame header, which has the size; markers without a length.
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})


class BadImage(OnsaleError):
    """The body must be a whole picture: PNG, JPEG or WebP, with up to 10,000 pixels on each side."""

    code = "bad_image"


@dataclass(frozen=True, slots=True)
class Picture:
    """What a picture is. `width` and `height` in pixels."""

    media_type: str
    width: int
    height: int


def recognise(data: bytes) -> Picture:
    """Return what these bytes are. Raises: BadImage: no picture of a supported format, or not a whole one."""
    try:
        if data.startswith(_PNG):
            found = Picture("image/png", *_png_size(data))
        elif data.startswith(b"\xff\xd8\xff"):
            found = Picture("image/jpeg", *_jpeg_size(data))
        elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            found = Picture("image/webp", *_webp_size(data))
        else:
            raise BadImage
    except (struct.error, IndexError):  # it ends in the middle
        raise BadImage from None
    if not (1 <= found.width <= MAX_SIDE and 1 <= found.height <= MAX_SIDE):
        raise BadImage
    return found


def _png_size(data: bytes) -> tuple[int, int]:
    """Walk the chunks from IHDR to IEND."""
    at, kind, size = len(_PNG), b"", (0, 0)
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, at)
        if at == len(_PNG):
            if kind != b"IHDR" or length != 13:
                raise BadImage
            size = struct.unpack_from(">II", data, at + 8)
        at += 12 + length
    if at > len(data):
        raise BadImage
    return size


def _jpeg_size(data: bytes) -> tuple[int, int]:
    """Walk the segments to the frame header; the picture's data must end with an end marker."""
    at = 2
    while True:
        if data[at] != 0xFF:
            raise BadImage
        marker = data[at + 1]
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", data, at + 5)
            break
        if marker == 0xFF:  # a fill byte
            at += 1
        elif marker in _ALONE:
            at += 2
        else:
            (length,) = struct.unpack_from(">H", data, at + 2)
            if length < 2 or marker == 0xD9:
                raise BadImage
            at += 2 + length
    if data.find(b"\xff\xd9", at) < 0:
        raise BadImage
    return width, height


def _webp_size(data: bytes) -> tuple[int, int]:
    """Read the first chunk: lossy, lossless or extended."""
    (length,) = struct.unpack_from("<I", data, 4)
    if length + 8 > len(data):
        raise BadImage
    kind, body = data[12:16], 20
    if kind == b"VP8X":
        return 1 + _three(data, body + 4), 1 + _three(data, body + 7)
    if kind == b"VP8L" and data[body] == 0x2F:
        (bits,) = struct.unpack_from("<I", data, body + 1)
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 " and data[body + 3 : body + 6] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", data, body + 6)
        return width & 0x3FFF, height & 0x3FFF
    raise BadImage


def _three(data: bytes, at: int) -> int:
    """Return the little-endian number in three bytes."""
    low, high = struct.unpack_from("<HB", data, at)
    return int(low | high << 16)
