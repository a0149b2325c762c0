"""Writing files that must be new, and names that are free."""

from __future__ import annotations

from pathlib import Path

import pytest

from core import files


def test_new_texts_are_written_all_or_none(tmp_path: Path) -> None:
    files.write_new_texts({tmp_path / "a.csv": "a", tmp_path / "b.csv": "b"})
    with pytest.raises(FileExistsError):
        files.write_new_texts({tmp_path / "c.csv": "c", tmp_path / "b.csv": "other"})
    with pytest.raises(OSError, match="File exists|Not a directory"):
        files.write_new_texts({tmp_path / "d.csv": "d", tmp_path / "a.csv" / "below.csv": "e"})
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a.csv": "a", "b.csv": "b"}


def test_a_free_name_has_a_number_where_it_or_what_goes_with_it_is_taken(tmp_path: Path) -> None:
    wanted = tmp_path / "a.csv"
    assert files.find_free_path(wanted) == wanted
    wanted.symlink_to(tmp_path / "nowhere")
    assert files.find_free_path(wanted).name == "a-2.csv"
    (tmp_path / "a-2.txt").touch()
    assert files.find_free_path(wanted, lambda path: [path.with_suffix(".txt")]).name == "a-3.csv"
