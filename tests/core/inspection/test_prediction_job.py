"""The folder of a prediction, and what is read of it afterwards."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from core.errors import InputError
from core.inspection.load_inspection import InspectionRequest, find_replaced, load_inspection
from core.inspection.other_scale import OtherScale
from core.inspection.prediction_job import prepare_prediction
from core.operations.depth import divide_cameras
from core.project.project import Project
from core.project.records import CheckpointRecord
from core.project.snapshot import Snapshot
from tests.builders import draw, picture, project_with_pictures, write_picture
from tests.desktop.model_builders import write_checkpoint, write_predictions


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with project_with_pictures(tmp_path / "project", 4) as project:
        for image_id in project.image_ids()[:3]:
            draw(project, image_id)
        write_checkpoint(project, "r001", "best")
        project.runs.sync_folders()
        yield project


def only_checkpoint(project: Project) -> CheckpointRecord:
    [record] = project.runs.list_checkpoints()
    return record


def test_the_folder_says_what_to_predict_and_on_which_images(project: Project) -> None:
    record = only_checkpoint(project)
    folder = prepare_prediction(project, record, "all")
    job = folder.read_job()
    assert (job["kind"], job["checkpoint"], job["split"]) == ("predict", str(record.path), "all")
    assert len(Snapshot.load(folder.path / "snapshot.json").images) == 4


def test_what_a_cancelled_prediction_left_is_replaced(project: Project) -> None:
    folder = prepare_prediction(project, only_checkpoint(project), "all")
    (folder.path / "stop").touch()
    again = prepare_prediction(project, only_checkpoint(project), "all")
    assert again.path == folder.path and not (folder.path / "stop").exists()


def test_predictions_of_an_earlier_file_of_the_checkpoint_are_deleted(project: Project) -> None:
    record = only_checkpoint(project)
    file = write_predictions(project, record)
    write_checkpoint(project, "r001", "best")
    prepare_prediction(project, record, "all")
    assert not file.parent.exists()


def test_a_checkpoint_whose_file_is_gone_is_named(project: Project) -> None:
    record = only_checkpoint(project)
    record.path.unlink()
    with pytest.raises(InputError, match=r"best\.safetensors: cannot be read"):
        prepare_prediction(project, record, "all")
    with pytest.raises(InputError, match=r"best\.safetensors: cannot be read"):
        load_inspection(project, InspectionRequest(record, "all", 0.5))


def test_only_images_with_a_known_truth_are_inspected_and_those_without_predictions_counted(project: Project) -> None:
    request = InspectionRequest(only_checkpoint(project), "all", 0.5)
    nothing = load_inspection(project, request)
    assert (nothing.usable, nothing.images, nothing.unpredicted) == (3, None, 3)
    write_predictions(project, request.checkpoint)
    draw(project, project.image_ids()[3])
    found = load_inspection(project, request)
    assert found.images is not None and len(found.images.image_ids) == 3
    assert (found.usable, found.unpredicted) == (4, 1)


def test_predictions_of_a_file_that_holds_another_picture_are_stale_and_judge_nothing(project: Project) -> None:
    request = InspectionRequest(only_checkpoint(project), "all", 0.5)
    write_predictions(project, request.checkpoint)
    first, second, third, _ = project.image_ids()
    before = project.image_path(first).read_bytes()
    write_picture(project.image_path(first), picture(seed=70))
    os.utime(project.image_path(second))  # only touched: what it was
    found = load_inspection(project, request)
    assert found.images is not None and found.images.image_ids == (second, third)
    assert [(one.image_id, one.is_replaced) for one in found.stale] == [(first, True)]
    assert "another picture" in found.stale[0].reason
    assert (found.usable, found.unpredicted) == (2, 0)
    assert find_replaced(project, "all") == {str(project.image_path(first))}
    # The old file is brought back: its predictions are of this file again.
    project.image_path(first).write_bytes(before)
    found = load_inspection(project, request)
    assert found.images is not None and found.images.image_ids == (first, second, third) and found.stale == ()


def test_a_picture_that_was_taken_over_is_stale_until_it_is_predicted_again(project: Project) -> None:
    request = InspectionRequest(only_checkpoint(project), "all", 0.5)
    write_predictions(project, request.checkpoint)
    first = project.image_ids()[0]
    path = project.image_path(first)
    write_picture(path, picture(seed=70))
    project.files.relocate_images({first: path}, other_content=True)
    found = load_inspection(project, request)
    assert [(one.image_id, one.is_replaced) for one in found.outdated] == [(first, False)] and found.replaced == ()
    assert found.images is not None and first not in found.images.image_ids
    assert (found.usable, found.unpredicted) == (3, 0)
    write_predictions(project, request.checkpoint, seed=1)
    found = load_inspection(project, request)
    assert found.images is not None and first in found.images.image_ids and found.stale == ()


def test_where_every_picture_was_replaced_nothing_is_judged(project: Project) -> None:
    request = InspectionRequest(only_checkpoint(project), "all", 0.5)
    write_predictions(project, request.checkpoint)
    for number, image_id in enumerate(project.image_ids()):
        write_picture(project.image_path(image_id), picture(seed=70 + number))
    found = load_inspection(project, request)
    assert (found.usable, found.images, len(found.replaced), found.unpredicted) == (0, None, 3, 0)


def test_images_that_a_checkpoint_sees_through_another_scale_than_the_project_are_counted(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p", ["pit"]) as project:
        deep = [np.full((20, 30), 500 + number, np.uint16) for number in range(2)]
        paths = [write_picture(tmp_path / "line-1" / f"{number}.png", one) for number, one in enumerate(deep)]
        project.files.add_images([*paths, write_picture(tmp_path / "flat.png")])
        divide_cameras(project, "folder")
        for image_id in project.image_ids():
            draw(project, image_id, labels=("pit",))
        write_checkpoint(project, "r001", "best", cameras=project.depths.cameras())
        project.runs.sync_folders()
        request = InspectionRequest(only_checkpoint(project), "all", 0.5)
        write_predictions(project, request.checkpoint)
        assert load_inspection(project, request).other_scale is None
        # One comes into another folder: the project keeps its scale there, which the checkpoint does not know.
        first = project.files.ids_by_path()[str(paths[0])]
        (tmp_path / "new").mkdir()
        project.files.relocate_images({first: paths[0].rename(tmp_path / "new" / "0.png")})
        write_predictions(project, request.checkpoint)
        found = load_inspection(project, request).other_scale
        assert found == OtherScale(1, "../new/0.png", (0, 65535), (0, 1023))
