"""Where `predict` reads and draws: nothing that it did not make is replaced, and nothing that it drew is read."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from core.errors import InputError
from core.inspection import drawing
from core.operations.picture_folder import PictureFolder, gather_inputs
from core.project.project import Project

GREY = np.full((8, 8, 3), 128, np.uint8)


def write_image(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    drawing.write_picture(path, GREY)
    return path


def test_a_name_that_is_there_is_left_alone_also_in_another_case(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "A.PNG").write_bytes(b"mine")
    (out / "b.png").symlink_to(tmp_path / "nowhere")
    folder = PictureFolder(out, [tmp_path / "in" / "a.jpg"], [])
    (out / "a-2.png").write_bytes(b"made meanwhile")
    assert folder.write_picture(tmp_path / "in" / "a.jpg", GREY).name == "a-3.png"
    assert folder.write_picture(tmp_path / "in" / "a.png", GREY).name == "a-4.png"
    assert folder.write_picture(tmp_path / "in" / "b.png", GREY).name == "b-2.png"
    assert (out / "A.PNG").read_bytes() == b"mine" and (out / "a-2.png").read_bytes() == b"made meanwhile"
    assert not (tmp_path / "nowhere").exists()
    assert sorted(path.name for path in out.iterdir()) == ["A.PNG", "a-2.png", "a-3.png", "a-4.png", "b-2.png", "b.png"]


@pytest.mark.parametrize("other", ["images", "link", "images/more"])
def test_a_folder_of_the_images_is_refused(tmp_path: Path, other: str) -> None:
    image = write_image(tmp_path / "images" / "more" / "a.png")
    (tmp_path / "link").symlink_to(tmp_path / "images")
    with pytest.raises(InputError, match="holds the images to predict"):
        PictureFolder(tmp_path / other, [image], [tmp_path / "images"])


def test_a_folder_among_the_images_may_hold_drawings_but_no_image(tmp_path: Path) -> None:
    image = write_image(tmp_path / "images" / "a.png")
    out = tmp_path / "images" / "drawn"
    drawn = PictureFolder(out, [image], [tmp_path / "images"]).write_picture(image, GREY)
    assert np.array_equal(cv2.imread(str(drawn)), GREY)
    PictureFolder(out, [image], [tmp_path / "images"])
    write_image(out / "deep" / "original.png")
    with pytest.raises(InputError, match="among the images to predict and holds deep.original.png"):
        PictureFolder(out, [image], [tmp_path / "images"])
    PictureFolder(out, [image], [image])  # only a file was named: the folder is not read


@pytest.mark.parametrize("stem", ["\U0001f600" * 62, "x" * 251, "\u5b57" * 83])
def test_the_longest_names_get_pictures_of_their_own(tmp_path: Path, stem: str) -> None:
    folder = PictureFolder(tmp_path / "out", [], [])
    found = [folder.write_picture(tmp_path / f"{stem}.jpg", GREY) for _ in range(2)]
    assert found[0].name == f"{stem}.png" and found[0] != found[1] and all(path.is_file() for path in found)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(path.name for path in found)


def test_what_is_no_folder_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(InputError, match="not a folder"):
            PictureFolder(out, [], [])
    PictureFolder(tmp_path / "new" / "deep", [], [])
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_inputs_are_those_that_a_new_project_would_take(tmp_path: Path) -> None:
    images = tmp_path / "images"
    good = [write_image(images / name) for name in ("2.png", "10.png")]
    write_image(images / "._2.png")
    write_image(images / ".trash" / "3.png")
    Project.create(images / "project").close()
    write_image(images / "project" / "cache" / "thumbnails" / "0f" / "thumbnail.png")
    write_image(images / "project" / "runs" / "machine 7" / "1.png")
    drawn = write_image(images / "drawn" / "deep" / "2.png").parents[1]
    (images / "note.txt").write_text("")
    found, problems = gather_inputs([images, images / ".." / "images" / "2.png", good[0], tmp_path / "gone.png"], drawn)
    assert found == good
    assert [(Path(one.file).name, one.problem.split(";")[0]) for one in problems] == [
        ("note.txt", "not an image file (.txt)"),
        ("drawn", "1 image in it passed over: this is where the results go"),
        ("runs", "1 image in it passed over: a project keeps its own files there"),
        ("gone.png", "there is no such file or folder"),
    ]
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="there are no images in this folder"):
        gather_inputs([images, tmp_path / "empty"], None)
