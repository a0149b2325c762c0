"""What `new`, `split` and a bare folder say and leave behind."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import tifffile

from core.errors import InputError
from core.operations.picture_folder import PictureFolder
from core.project.project import Project
from core.project.storage import database
from tests.builders import picture, project_with_pictures, write_picture, write_pictures
from tests.core.conftest import Run


def write_pages(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pages = np.stack([picture(seed=seed + page)[..., 0] for page in range(3)])
    tifffile.imwrite(path, pages, photometric="minisblack")


def test_new_says_how_files_are_read_that_hold_more_than_is_taken(run: Run, tmp_path: Path) -> None:
    for number in range(3):
        write_pages(tmp_path / "in" / f"pages{number}.tif", number)
    lab = np.full((48, 64, 3), 40, np.uint8)
    tifffile.imwrite(tmp_path / "in" / "lab.tif", lab, photometric="cielab")
    write_picture(tmp_path / "in" / "plain.png")
    code, text, _ = run("new", tmp_path / "p", "--images", tmp_path / "in", "--json")
    told = {Path(one["file"]).name: one["problem"] for one in json.loads(text)["problems"]}
    assert code == 0
    assert told == {
        "lab.tif": "its CIELAB colours are turned into RGB",
        "pages0.tif": "has 3 pages; only the first is shown and used, and so with 2 more",
    }


@pytest.mark.parametrize("name", ["runs", "cache", "backups"])
def test_folders_that_were_there_stay_when_new_fails(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / "p" / name).mkdir(parents=True)
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "a.txt").write_text("no image")
    code, _, _ = run("new", tmp_path / "p", "--images", tmp_path / "text")
    assert code == 2 and [path.name for path in (tmp_path / "p").iterdir()] == [name]
    full = sqlite3.OperationalError("database or disk is full")
    full.sqlite_errorcode = sqlite3.SQLITE_FULL
    monkeypatch.setattr(database, "_migrate_database", Mock(side_effect=full))
    with pytest.raises(InputError, match="disk is full"):
        Project.create(tmp_path / "p")
    assert [path.name for path in (tmp_path / "p").iterdir()] == [name]


def test_split_says_that_copies_stay_together_where_a_split_gets_nothing(run: Run, tmp_path: Path) -> None:
    for number in range(4):
        write_picture(tmp_path / "in" / f"{number}.png", picture(seed=1))
    run("new", tmp_path / "p", "--images", tmp_path / "in")
    code, _, err = run("split", tmp_path / "p")
    assert code == 0
    assert "No image comes to val" in err and "No image comes to test" in err and "copies" in err
    code, text, _ = run("split", tmp_path / "p", "--json")
    assert len(json.loads(text)["empty"]) == 2
    code, text, _ = run("split", tmp_path / "p", "--all", "--train", "1", "--val", "0", "--test", "0", "--json")
    assert json.loads(text)["empty"] == []


def test_a_folder_alone_is_opened(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project_with_pictures(tmp_path / "parts").close()
    opened: list[Path | None] = []

    def start_window(folder: Path | None = None) -> int:
        opened.append(folder)
        return 0

    monkeypatch.setattr("desktop.start.start_window", start_window)
    assert run(tmp_path / "parts")[0] == 0
    assert opened == [tmp_path / "parts"]
    (tmp_path / "empty").mkdir()
    code, _, err = run(tmp_path / "empty")
    assert code == 2 and "not a project" in err
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()  # the name of a command stays one
    assert run("models")[0] == 0 and len(opened) == 1


def test_no_empty_folder_is_left_where_no_picture_could_be_drawn(tmp_path: Path) -> None:
    (image,) = write_pictures(tmp_path / "in", 1)
    with pytest.raises(OSError), PictureFolder(tmp_path / "new" / "deep", [image], [image]).removed_on_failure():
        (tmp_path / "new" / "deep").mkdir(parents=True)
        raise OSError("the disk is full")
    assert not (tmp_path / "new").exists()
    (tmp_path / "own").mkdir()
    for failing in (lambda: (tmp_path / "own" / "deep").mkdir(), lambda: (tmp_path / "own" / "a.png").touch()):
        with pytest.raises(OSError), PictureFolder(tmp_path / "own", [image], [image]).removed_on_failure():
            failing()
            raise OSError("the disk is full")
    assert sorted(path.name for path in (tmp_path / "own").iterdir()) == ["a.png", "deep"]


@pytest.mark.parametrize(
    ("refuse", "said"),
    [
        (lambda path: not path.name.endswith(".sqlite"), "its folder is read-only"),
        (lambda path: path.name.endswith(".sqlite"), "the file is read-only"),
    ],
)
def test_what_is_read_only_is_called_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refuse: Callable[[Path], bool], said: str
) -> None:
    project_with_pictures(tmp_path / "p").close()
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR  # as SQLite says of a drive that is read-only
    monkeypatch.setattr(os, "access", lambda path, _mode: not refuse(Path(path)))
    with pytest.raises(InputError, match=said) as told, database.explain_errors(tmp_path / "p" / "project.sqlite"):
        raise error
    assert "disk I/O error" not in str(told.value)
