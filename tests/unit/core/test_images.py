"""Pictures are recognised by their content, and truncated ones are refused."""

from __future__ import annotations

import struct

import pytest

from core.images import MAX_SIDE, BadImage, Picture, recognise
from tests.support.pictures import jpeg, png, png_chunk, webp

LOSSY = webp(b"VP8 ", b"\x00\x00\x00\x9d\x01\x2a" + struct.pack("<HH", 7, 6))
LOSSLESS = webp(b"VP8L", b"\x2f" + struct.pack("<I", 8 - 1 | (9 - 1) << 14) + b"\x00")
EXTENDED = webp(b"VP8X", b"\x00\x00\x00\x00" + b"\x0a\x00\x00" + b"\x01\x01\x00")

WHOLE = {
    "png": (png(), Picture("image/png", 3, 2)),
    "jpeg": (jpeg(), Picture("image/jpeg", 5, 4)),
    "lossy webp": (LOSSY, Picture("image/webp", 7, 6)),
    "lossless webp": (LOSSLESS, Picture("image/webp", 8, 9)),
    "extended webp": (EXTENDED, Picture("image/webp", 11, 258)),
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_picture_is_recognised_with_its_size(name: str) -> None:
    data, picture = WHOLE[name]

    assert recognise(data) == picture


@pytest.mark.parametrize("name", WHOLE)
def test_a_picture_that_was_cut_short_is_refused_wherever_it_ends(name: str) -> None:
    data, _ = WHOLE[name]

    for length in range(len(data)):
        with pytest.raises(BadImage):
            recognise(data[:length])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF89a\x01\x00\x01\x00\x00\x00\x00;",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"BM" + b"\x00" * 60,
        b"\x89PNG\r\n\x1a\n" + png_chunk(b"IDAT", b"") + png_chunk(b"IEND", b""),
        b"\xff\xd8\xff\xd9\x00\x02",
        b"\xff\xd8\xff\xe0\x00\x01" + b"\x00" * 20,
        webp(b"ALPH", b"\x00" * 20),
    ],
)
def test_everything_else_is_refused(data: bytes) -> None:
    with pytest.raises(BadImage):
        recognise(data)


@pytest.mark.parametrize(("width", "height", "good"), [(1, MAX_SIDE, True), (MAX_SIDE + 1, 1, False), (0, 1, False)])
def test_a_side_has_limits(width: int, height: int, good: bool) -> None:
    if good:
        assert recognise(png(width, height)).height == height
    else:
        with pytest.raises(BadImage):
            recognise(png(width, height))
