"""What the import of annotations asks and takes on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

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
