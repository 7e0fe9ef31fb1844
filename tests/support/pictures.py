"""Small pictures for tests, whole and made by hand."""

from __future__ import annotations

import struct
import zlib


def png(width: int = 3, height: int = 2, padding: int = 0) -> bytes:
    """Return a PNG picture. `padding`: bytes of an extra chunk, to make it as long as a test needs."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"\x00" * (min(width, 10) + 1) * min(height, 10))
    extra = [png_chunk(b"teXt", b"x" * (padding - 12))] if padding else []
    chunks = [png_chunk(b"IHDR", header), *extra, png_chunk(b"IDAT", pixels), png_chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def png_chunk(kind: bytes, body: bytes) -> bytes:
    """Return one chunk of a PNG picture."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def jpeg(width: int = 5, height: int = 4) -> bytes:
    """Return what a JPEG picture has around its pixels: a comment, a fill byte, a frame header, and the end."""
    frame = b"\xff\xc0\x00\x0b\x08" + struct.pack(">HH", height, width) + b"\x01\x01\x11\x00"
    comment = b"\xff\xfe\x00\x04hi"
    return b"\xff\xd8" + comment + b"\xff" + frame + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00data\xff\xd9"


def webp(kind: bytes, body: bytes) -> bytes:
    """Return a WebP file with one chunk."""
    inner = b"WEBP" + kind + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", len(inner)) + inner
