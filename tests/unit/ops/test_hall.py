"""`onsale hall import`: the preview needs no running system; a bad file is one line with its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from core.errors import ConfigurationError
from ops import hall
from ops.cli import main
from ops.hall import read_file
from tests.support.sources import PROJECT


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["hall", "import", *arguments])
    return result.exit_code, result.output


def test_a_preview_shows_the_hall(tmp_path: Path) -> None:
    code, output = run(str(PROJECT / "docs/halls/opera.json"), "--preview", "--home", str(tmp_path))

    assert code == 0
    assert output.startswith("Small opera: 122 seats in 8 rows\n")
    assert "is stored" not in output


def test_a_hall_without_a_name_of_its_own_has_that_of_the_file() -> None:
    path = str(PROJECT / "docs/halls/cinema.csv")

    assert run(path, "--preview")[1].startswith("cinema: 120 seats")
    assert run(path, "--preview", "--name", "Kino 1")[1].startswith("Kino 1: 120 seats")
    assert run(path, "--preview", "--name", "\u200b")[0] == 2


def test_a_time_zone_that_is_none_is_refused_before_anything_is_shown() -> None:
    path = str(PROJECT / "docs/halls/cinema.csv")

    assert run(path, "--preview", "--time-zone", "Europe/Berlin")[0] == 0
    code, output = run(path, "--preview", "--time-zone", "Europe/Nowhere")
    assert (code, len(output.splitlines())) == (2, 1)
    assert "Europe/Nowhere" in output


def test_a_bad_file_is_one_line_with_the_place(tmp_path: Path) -> None:
    path = tmp_path / "hall.csv"
    path.write_text("row,number,category\nA,1,a\nA,,a\n")
    code, output = run(str(path), "--preview")

    assert code == 2
    assert len(output.splitlines()) == 1
    assert f'{path}: line 3, column "number": ' in output


def test_a_file_that_cannot_be_read_or_is_too_large_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_file(tmp_path / "none.csv")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_file(tmp_path)
    monkeypatch.setattr(hall, "MAX_FILE_BYTES", 1024 * 1024)
    path = tmp_path / "large.csv"
    path.write_bytes(b" " * (1024 * 1024 + 1))
    with pytest.raises(ConfigurationError, match="larger than 1 MiB"):
        read_file(path)
