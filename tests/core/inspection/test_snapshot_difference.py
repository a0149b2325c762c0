"""What the data of two runs have in common, and in what they differ."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import InputError
from core.inspection.snapshot_difference import compare_run_data, compare_snapshots
from core.project.edits import box_edits, image_edits
from core.project.project import Project
from core.project.snapshot import take_snapshot
from core.types import Split
from tests.builders import draw, project_with_pictures, write_picture


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Six images with a scratch each, four to train on and two to judge by."""
    project = project_with_pictures(tmp_path / "parts", 6)
    ids = project.image_ids()
    for image_id in ids:
        draw(project, image_id, (4, 4, 24, 26), ["scratch"])
    project.apply(image_edits.set_split(project, ids[:4], Split.TRAIN))
    project.apply(image_edits.set_split(project, ids[4:], Split.VAL))
    return project


def test_the_same_data_are_the_same(project: Project) -> None:
    found = compare_snapshots(take_snapshot(project), take_snapshot(project))
    assert found.is_same and found.same_validation
    assert found.images_by_split["train"] == (4, 4) and found.boxes_by_label["scratch"] == (6, 6)


def test_added_moved_and_relabelled_images_are_counted(project: Project) -> None:
    before = take_snapshot(project)
    ids = project.image_ids()
    draw(project, ids[0], (30, 30, 50, 50), ["pit"])
    project.apply(image_edits.set_split(project, [ids[1]], Split.TEST))
    path = write_picture(project.folder / "images" / "new.png", seed=99)
    project.files.add_images([path])
    after = take_snapshot(project)
    found = compare_snapshots(before, after)
    assert not found.is_same and found.same_validation
    assert (found.only_first, found.only_second, found.relabelled, found.moved) == (0, 1, 1, 1)
    assert found.images_by_split["train"] == (4, 3) and found.images_by_split["test"] == (0, 1)
    assert found.boxes_by_label["pit"] == (0, 1)
    back = compare_snapshots(after, before)
    assert (back.only_first, back.only_second) == (1, 0)


def test_a_box_of_a_validation_image_makes_another_test(project: Project) -> None:
    before = take_snapshot(project)
    last = project.image_ids()[-1]
    box = project.boxes(last)[0]
    project.apply(box_edits.toggle_difficult(project, last, [box.id]))
    found = compare_snapshots(before, take_snapshot(project))
    assert not found.same_validation and found.relabelled == 1
    assert found.boxes_by_label["scratch"] == (6, 5)


def test_a_run_without_a_snapshot_is_named(project: Project, tmp_path: Path) -> None:
    take_snapshot(project).save(tmp_path / "r001" / "snapshot.json")
    (tmp_path / "r002").mkdir()
    assert compare_run_data(tmp_path / "r001", tmp_path / "r001").is_same
    with pytest.raises(InputError, match="r002"):
        compare_run_data(tmp_path / "r001", tmp_path / "r002")
