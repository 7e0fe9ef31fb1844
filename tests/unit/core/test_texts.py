"""Texts that people write: what of them is visible, and when two are equal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.texts import folded, shows_something, visible


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "\t\n",
        "\u00a0\u2003\u3000",  # blanks of other widths
        "\u200b\u200c\u200d",  # zero-width
        "\u2060\ufeff\u00ad",
        "\u202e\u202c",  # direction
        "\u200e\u200f\u061c",
        "\u2066 \u2069",
        "\u3164\u115f\u2800",  # letters that show nothing
        "\u0301",  # an accent on nothing
        "\ufe0f\u034f",
        "\x00\x07",
    ],
)
def test_invisible_texts_are_refused(text: str) -> None:
    assert not shows_something(text)
    with pytest.raises(ValueError, match="Nothing of it can be seen"):
        visible(text)


@pytest.mark.parametrize("text", ["admin\u202enimda", "\u202aRow Lock\u202c", "\u2067Row Lock\u2069"])
def test_texts_that_reverse_other_text_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="direction"):
        visible(text)


@pytest.mark.parametrize("text", ["Row\nLock", "Row\u2028Lock", "Row\x1b[31mLock", "Row\tLock"])
def test_a_name_is_one_line(text: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        visible(text)


@pytest.mark.parametrize(
    "text",
    [
        "Row Lock",
        "Zoë",
        "七人の侍",
        "می\u200cخواهم",  # noqa: RUF001  (Persian needs the non-joiner)
        "שלום\u200f!",  # and Hebrew the mark
        "क्\u200dष",
        "👩\u200d👩\u200d👧",
        "❤\ufe0f",
        "8½",
        "…",
    ],
)
def test_names_of_all_scripts_pass_as_they_are(text: str) -> None:
    assert visible(text) == text


def test_ends_are_trimmed_and_spellings_composed() -> None:
    assert visible(" \u200b\ufeff Zoe\u0308\u00a0 \u200b") == "Zoë"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Alice@Example.com", " alice@example.COM "),
        ("STRASSE@x.example", "straße@x.example"),
        ("ΟΔΟΣ@x.example", "οδος@x.example"),
        ("ÄRGER@x.example", "a\u0308rger@x.example"),
        ("\u1fb3", "\u0391\u0399"),
        ("\u212bngstro\u0308m", "ångström"),
    ],
)
def test_folding_ignores_case_spelling_and_blanks(one: str, other: str) -> None:
    assert folded(one) == folded(other)


def test_folding_keeps_different_texts_different() -> None:
    assert len({folded(text) for text in ("ole", "olé", "o le", "ölé")}) == 4


@given(st.text())
def test_folding_is_idempotent_and_ignores_the_spelling(text: str) -> None:
    once = folded(text)

    assert folded(once) == once
    assert {folded(unicodedata.normalize(form, text)) for form in ("NFC", "NFD")} == {once}


@given(st.text())
def test_visible_is_idempotent(text: str) -> None:
    try:
        once = visible(text)
    except ValueError:
        return
    assert visible(once) == once
    assert unicodedata.is_normalized("NFC", once)
