"""Pages from a build: what is found, below which prefix, and what there is without a build."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.pages.files import Pages


@pytest.fixture
def built(tmp_path: Path) -> Path:
    (tmp_path / "assets" / "AB12").mkdir(parents=True)
    (tmp_path / "assets" / "AB12" / "main.js").write_text("const seat = 1;" * 200)
    (tmp_path / "storefront.html").write_text('<!doctype html><base href="/"><p>Onsale</p>')
    (tmp_path / "console.html").write_text('<!doctype html><base href="/"><p>Console</p>')
    return tmp_path


@pytest.mark.parametrize(
    ("path", "text"),
    [("/", b"Onsale"), ("/shows/7", b"Onsale"), ("/account/sign-in", b"Onsale"), ("/console/shows/7", b"Console")],
)
def test_a_path_of_a_page_gets_its_html(built: Path, path: str, text: bytes) -> None:
    reply = Pages(built).find(path, "")

    assert reply is not None
    assert text in reply.body
    assert reply.page


def test_a_page_names_the_prefix_that_it_is_below(built: Path) -> None:
    pages = Pages(built)

    one, other = pages.find("/", ""), pages.find("/", "/shop")

    assert one is not None
    assert other is not None
    assert b'<base href="/">' in one.body
    assert b'<base href="/shop/">' in other.body
    assert one.etag != other.etag


def test_a_file_is_kept_for_ever_and_compressed_once(built: Path) -> None:
    pages = Pages(built)

    found = pages.find("/assets/AB12/main.js", "")

    assert found is not None
    assert found.immutable
    assert 0 < len(found.gzipped) < len(found.body)
    assert pages.find("/assets/AB12/main.js", "/shop") is found


@pytest.mark.parametrize(
    "path", ["", "/storefront.html", "/assets/../console.html", "/assets", "/shows//", "/x", "/ "]
)
def test_other_paths_have_no_page(built: Path, path: str) -> None:
    assert Pages(built).find(path, "") is None


def test_without_a_build_there_are_no_pages(tmp_path: Path) -> None:
    assert Pages(tmp_path / "missing").find("/", "") is None
