"""The command line and the depth scale: `depth`, and what `new`, `import`, `train` and `predict` say of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core.imaging.cameras import Camera, Cameras
from core.project.project import Project
from tests.builders import write_picture
from tests.core.conftest import Run


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Two folders of grey images of 16 bits, of which one uses 10 bits and one 12."""
    for folder, top in (("dim", 800), ("bright", 4000)):
        for number in range(2):
            values = np.full((40, 60), 500, np.uint16)
            values[5:9, 5:9] = top - number
            write_picture(tmp_path / "images" / folder / f"{number}.png", values)
    return tmp_path / "images"


def test_a_new_project_says_which_scale_was_taken(tmp_path: Path, images: Path, run: Run) -> None:
    code, out, err = run("new", tmp_path / "p", "--images", images)
    assert code == 0, err
    assert "depth scale of grey, 16 bits: 0 to 4,095" in out and "--by folder" in out
    code, out, _ = run("new", tmp_path / "q", "--images", images, "--json")
    told = json.loads(out)
    assert told["cameras"] == [{"window": [0, 4095], "channels": 1, "bits": 16}]
    assert any("0 to 4,095" in text for text in told["notices"])


def test_an_import_says_which_scale_was_taken_and_what_exceeds_it(tmp_path: Path, images: Path, run: Run) -> None:
    table = tmp_path / "boxes.csv"
    rows = [f"images/dim/{number}.png,5,5,9,9,pit" for number in range(2)]
    table.write_text("\n".join(["filename,xmin,ymin,xmax,ymax,class", *rows]))
    code, out, err = run("import", tmp_path / "p", table)
    assert code == 0 and "0 to 1,023" in out, err
    table.write_text("filename,xmin,ymin,xmax,ymax,class\nimages/bright/0.png,5,5,9,9,pit")
    code, out, err = run("import", tmp_path / "p", table, "--json")
    (said,) = json.loads(out)["notices"]
    assert code == 0 and "values above 1,023" in said and "bright/0.png" in said, err


def test_depth_lists_cameras_and_sets_them(tmp_path: Path, images: Path, run: Run) -> None:
    run("new", tmp_path / "p", "--images", images)
    code, out, err = run("depth", tmp_path / "p", "--camera", "folder=dim", "--window", "0", "1023", "--json")
    assert code == 0, err
    told = json.loads(out)
    assert [(one["name"], one["window"], one["images"], one["highest"], one["above"]) for one in told["cameras"]] == [
        ("grey, 16 bits", [0, 4095], 2, 4000, 0),
        ("folder dim", [0, 1023], 2, 800, 0),
    ]
    code, out, _ = run("depth", tmp_path / "p")
    assert code == 0 and "folder dim" in out and "1,023" in out
    code, out, err = run("depth", tmp_path / "p", "--by", "folder")
    assert code == 0, err
    with Project.open(tmp_path / "p") as project:
        assert {(one.folder, one.window) for one in project.depths.cameras().cameras} == {
            ("images/bright", (0, 4095)),
            ("images/dim", (0, 1023)),
        }
    code, _, err = run("depth", tmp_path / "p", "--camera", "folder=images/dim,grey,bits=16", "--remove")
    assert code == 0, err
    code, out, _ = run("depth", tmp_path / "p", "--json")
    assert any(one["window"] is None and one["images"] == 2 for one in json.loads(out)["cameras"])


def test_a_project_without_deep_images_has_no_scale(tmp_path: Path, run: Run) -> None:
    write_picture(tmp_path / "a.png")
    run("new", tmp_path / "p", "--images", tmp_path / "a.png")
    code, out, _ = run("depth", tmp_path / "p")
    assert code == 0 and "no image above 8 bits" in out
    code, _, err = run("depth", tmp_path / "p", "--fit")
    assert code == 2 and "no image above 8 bits" in err


@pytest.mark.parametrize(
    "options",
    [
        ["--window", "9", "9"],
        ["--window", "0", "70000"],
        ["--window", "0", "9", "--fit"],
        ["--camera", "blue", "--fit"],
        ["--camera", "grey"],
        ["--remove"],
        ["--by", "folder", "--camera", "grey"],
        ["--by", "day"],
    ],
)
def test_wrong_options_are_refused_in_one_line(tmp_path: Path, images: Path, run: Run, options: list[str]) -> None:
    run("new", tmp_path / "p", "--images", images)
    code, out, err = run("depth", tmp_path / "p", *options)
    assert code == 2 and not out and err.count("\n") == 1
    with Project.open(tmp_path / "p") as project:
        assert project.depths.cameras() == Cameras((Camera((0, 4095), 1, 16),))
