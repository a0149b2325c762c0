"""What was predicted in a project is found in its copy."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from core.inspection.load_inspection import Inspection, InspectionRequest, load_inspection
from core.inspection.prediction_job import prepare_prediction
from core.project.project import Project
from tests.builders import draw, project_with_pictures
from tests.desktop.model_builders import write_checkpoint, write_predictions


def make_predicted(folder: Path) -> None:
    """A project of three images, with a checkpoint and its predictions."""
    with project_with_pictures(folder, 3) as project:
        for image_id in project.image_ids():
            draw(project, image_id, (4, 4, 24, 26))
        write_checkpoint(project, "r001", "best")
        project.runs.sync_folders()
        write_predictions(project, project.runs.list_checkpoints()[0])


def inspect_in(folder: Path) -> Inspection:
    with Project.open(folder) as project:
        project.runs.sync_folders()
        [checkpoint] = project.runs.list_checkpoints()
        return load_inspection(project, InspectionRequest(checkpoint, "all", 0.5))


def copy_with_new_times(folder: Path, copy: Path) -> None:
    """As a plain copy does: the time of each file is when it was copied."""
    shutil.copytree(folder, copy, copy_function=shutil.copyfile)
    for place, file in enumerate(sorted(path for path in copy.rglob("*") if path.is_file())):
        os.utime(file, (1_700_000_000 + place, 1_700_000_000 + place))


def test_a_copied_project_has_its_predictions(tmp_path: Path) -> None:
    make_predicted(tmp_path / "project")
    original = inspect_in(tmp_path / "project")
    copy_with_new_times(tmp_path / "project", tmp_path / "copy")
    shutil.rmtree(tmp_path / "project")  # nothing may come from there
    copied = inspect_in(tmp_path / "copy")
    assert len(original.paths) == len(copied.paths) == 3 and copied.unpredicted == 0
    assert all(path.is_relative_to(tmp_path / "copy") for path in copied.paths)
    assert original.images is not None and copied.images is not None


def test_a_moved_project_has_its_predictions(tmp_path: Path) -> None:
    make_predicted(tmp_path / "project")
    (tmp_path / "project").rename(tmp_path / "moved")
    assert inspect_in(tmp_path / "moved").unpredicted == 0


def test_another_checkpoint_in_a_copied_project_has_none(tmp_path: Path) -> None:
    make_predicted(tmp_path / "project")
    copy_with_new_times(tmp_path / "project", tmp_path / "copy")
    with Project.open(tmp_path / "copy") as project:
        write_checkpoint(project, "r001", "best")  # other weights under the same name
    assert inspect_in(tmp_path / "copy").images is None
    assert inspect_in(tmp_path / "project").images is not None


def test_a_prediction_in_a_copied_project_leaves_what_is_true_still(tmp_path: Path) -> None:
    make_predicted(tmp_path / "project")
    copy_with_new_times(tmp_path / "project", tmp_path / "copy")
    with Project.open(tmp_path / "copy") as project:
        project.runs.sync_folders()
        prepare_prediction(project, project.runs.list_checkpoints()[0], "val")
    assert inspect_in(tmp_path / "copy").unpredicted == 0
