"""What the import of annotations asks and takes on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.project.project import Project
from tests.builders import write_picture
from tests.core.conftest import Run


@pytest.fixture
def cells(tmp_path: Path) -> Path:
    """A table whose label column no program would know."""
    write_picture(tmp_path / "a.png")
    path = tmp_path / "cells.csv"
    path.write_text("image,cell_type,left edge,ymin,xmax,ymax\na.png,pit,10,20,30,40\n")
    return path


def test_columns_are_named_by_the_user(run: Run, tmp_path: Path, cells: Path) -> None:
    code, out, _ = run("import", tmp_path / "p", cells, "--columns", "label=cell_type,x1=left edge", "--json")
    assert code == 0 and json.loads(out)["labels"] == {"pit": 1}


@pytest.mark.parametrize(
    ("columns", "text"),
    [
        ((), "its columns are image, cell_type, left edge, ymin, xmax, ymax"),
        (("--columns", "label=cell_type"), "no column is known as x1, y1, x2, y2 (or x, y, w, h)"),
        (("--columns", "label"), "write FIELD=COLUMN, such as label=cell_type"),
        (("--columns", "label=kind"), "it has no column 'kind'"),
        (("--columns", "colour=kind"), "there is no field 'colour' of a box; choose one of image, label"),
    ],
)
def test_columns_that_are_not_known_are_asked_for_and_nothing_is_made(
    run: Run, tmp_path: Path, cells: Path, columns: tuple[str, ...], text: str
) -> None:
    code, out, err = run("import", tmp_path / "p", cells, *columns)
    assert code == 2 and out == "" and text in " ".join(err.split()) and "Traceback" not in err
    assert not (tmp_path / "p").exists()


def write_shares(folder: Path) -> Path:
    """Three images: with a box, without one, and with a box that cannot be used."""
    for name in "abc":
        write_picture(folder / f"{name}.png", seed=ord(name))
    rows = ["image,label,x1,y1,x2,y2", "a.png,pit,10,20,30,40", "b.png,,,,,", "c.png,pit,x,20,30,40", ""]
    (folder / "boxes.csv").write_text("\n".join(rows))
    return folder / "boxes.csv"


@pytest.mark.parametrize(
    ("options", "statuses", "asked"),
    [
        ((), {"a.png": "labelled", "b.png": "unlabelled", "c.png": "unlabelled"}, True),
        (("--empty", "unlabelled"), {"a.png": "labelled", "b.png": "unlabelled", "c.png": "unlabelled"}, False),
        (("--empty", "clean"), {"a.png": "labelled", "b.png": "clean", "c.png": "unlabelled"}, False),
    ],
)
def test_images_without_a_box_become_what_the_user_says(
    run: Run, tmp_path: Path, options: tuple[str, ...], statuses: dict[str, str], asked: bool
) -> None:
    code, _, err = run("import", tmp_path / "p", write_shares(tmp_path / "data"), *options)
    assert code == 0
    with Project.open(tmp_path / "p") as project:
        assert {Path(image.path).name: str(image.status) for image in project.images()} == statuses
    assert ("mark it clean if it is" in err) == asked


def test_another_word_for_images_without_a_box_is_refused(run: Run, tmp_path: Path) -> None:
    code, _, err = run("import", tmp_path / "p", write_shares(tmp_path / "data"), "--empty", "good")
    assert code == 2 and "good" in err and not (tmp_path / "p").exists()
