"""Exact copies under other names stay together in splits, and are told of where they come in."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from core.operations.start_run import frozen_snapshot
from core.project.edits import box_edits, image_edits
from core.project.images.copies import bind_images, find_divided_copies
from core.project.images.split_table import split_table
from core.project.project import Project
from core.recipe.recipe import default_recipe
from core.types import ImageRecord, Split, Status
from tests.builders import project_with_pictures
from tests.core.conftest import Run


def make_image(number: int, content: str = "", group: str = "") -> ImageRecord:
    return ImageRecord(
        number, f"{number}.png", 10, 10, Status.CLEAN, Split.NONE, group, content_hash=content or f"own {number}"
    )


def test_copies_and_groups_are_bound_through_each_other() -> None:
    images = [
        make_image(1, group="a"),
        make_image(2, "same"),
        make_image(3, group="b"),
        make_image(4, "same", "a"),
        make_image(5, "same too", "b"),
        make_image(6, "same too"),
        make_image(7),
    ]
    assert [[image.id for image in bundle] for bundle in bind_images(images)] == [[1, 2, 4], [3, 5, 6], [7]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project of twelve labelled pictures, of which each has a copy."""
    folder = tmp_path / "p"
    with project_with_pictures(folder, count=12) as project:
        pictures = sorted((folder / "images").iterdir())
        for picture in pictures:
            shutil.copy(picture, tmp_path / f"again-{picture.name}")
        _, problems = project.files.add_images([tmp_path / f"again-{picture.name}" for picture in pictures])
        assert len(problems) == 1 and "exact copy of images/" in problems[0].problem
        assert "and 11 more" in problems[0].problem
        label = project.labels()[0].id
        for image_id in project.image_ids():
            project.apply(box_edits.add_box(project, image_id, (1, 1, 9, 9), {label}))
    return folder


def test_copies_come_into_one_split_whatever_the_seed(folder: Path) -> None:
    with Project.open(folder) as project:
        for seed in range(5):
            project.apply(image_edits.assign_splits(project, seed=seed, all=True))
            assert {image.split for image in project.images()} >= {Split.TRAIN, Split.VAL}
            assert find_divided_copies(project.images()) == []


def test_copies_that_are_divided_are_told_of(folder: Path) -> None:
    with Project.open(folder) as project:
        copies = [image.id for image in project.images() if "again" in image.path]
        originals = [image.id for image in project.images() if "again" not in image.path]
        project.apply(image_edits.set_split(project, originals, Split.TRAIN))
        project.apply(image_edits.set_split(project, copies, Split.VAL))
        table = split_table(project.images(), project.labels())
        assert any("12 pictures are in more than one of train, val and test" in text for text in table.warnings)
        _, notices = frozen_snapshot(project, default_recipe("ssd_compact"))
        assert any("12 validation images are exact copies of training images" in text for text in notices)


def test_new_and_import_tell_of_copies(run: Run, folder: Path, tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for name in ("a.png", "b.png"):
        shutil.copy(folder / "images" / "part1.png", pictures / name)
    shutil.copy(folder / "images" / "part2.png", pictures / "c.png")
    told = json.loads(run("new", tmp_path / "q", "--images", pictures, "--json")[1])
    assert told["images"] == 3
    assert [Path(one["file"]).name for one in told["problems"]] == ["b.png"]
    assert "a.png" in told["problems"][0]["problem"]

    (pictures / "boxes.csv").write_text("image,x1,y1,x2,y2,label\n" + "".join(f"{n}.png,1,1,9,9,pit\n" for n in "abc"))
    told = json.loads(run("import", tmp_path / "r", pictures / "boxes.csv", "--json")[1])
    assert told["images"] == 3 and any("exact copy" in one["problem"] for one in told["problems"])
    with Project.open(folder) as project:
        before = project.counts().images
    told = json.loads(run("import", folder, pictures / "boxes.csv", "--json")[1])
    assert told["images"] == before
    same = [one for one in told["problems"] if "holds the same as" in one["problem"]]
    assert sorted(Path(one["file"]).name for one in same) == ["a.png", "b.png", "c.png"]
