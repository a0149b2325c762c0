"""Figures of Inspect are kept with the checkpoint, and are said to be outdated once what they depend on changed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.evaluation.average_precision import evaluate_detections
from core.inspection.kept_evaluations import keep_inspection, list_standings
from core.inspection.load_inspection import Inspection, InspectionRequest, load_inspection
from core.project.edits import box_edits, image_edits
from core.project.evaluations import evaluation_file, load_evaluations
from core.project.project import Project
from core.project.snapshot import take_snapshot
from core.types import Split, Status
from tests.builders import draw, project_with_pictures
from tests.desktop.model_builders import write_checkpoint, write_predictions


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Six images, four of them in val, and a checkpoint with predictions of all."""
    with project_with_pictures(tmp_path / "project", 6) as project:
        ids = project.image_ids()
        for image_id in ids:
            draw(project, image_id, (4, 4, 24, 26))
        project.apply(image_edits.set_split(project, ids[:4], Split.VAL))
        project.apply(image_edits.set_split(project, ids[4:], Split.TRAIN))
        write_checkpoint(project, "r001", "best")
        project.runs.sync_folders()
        write_predictions(project, project.runs.list_checkpoints()[0])
        yield project


def inspect_in(project: Project, split: str = "val") -> Inspection:
    [checkpoint] = project.runs.list_checkpoints()
    return load_inspection(project, InspectionRequest(checkpoint, split, 0.5))


def list_reasons(project: Project) -> list[str]:
    [checkpoint] = project.runs.list_checkpoints()
    [judged] = list_standings([checkpoint.path], take_snapshot(project)).values()
    return [one.outdated for one in judged.standings]


def test_what_inspect_shows_is_kept_once_with_the_figures_of_evaluate(project: Project) -> None:
    inspection = inspect_in(project)
    assert keep_inspection(inspection)
    assert not keep_inspection(inspect_in(project)), "the same figures were written again"
    path = project.runs.list_checkpoints()[0].path
    [kept] = load_evaluations(path).found
    images, stored = inspection.images, inspection.stored
    assert images is not None and stored is not None
    wanted = evaluate_detections(
        images.truth, images.detections, images.label_names, score_threshold=stored.point.thresholds
    )
    assert (kept.made_by, kept.images, kept.left_out, kept.key.split) == ("inspect", 4, 0, "val")
    assert kept.figures["map50"] == wanted.map50 and kept.figures["map"] == wanted.map
    assert list_reasons(project) == [""]


@pytest.mark.parametrize("labels", [["pit"], {"pit": 0.5}, {"pit": {"threshold": "high", "ap50": "good"}}])
def test_figures_that_somebody_wrote_otherwise_stop_nothing(project: Project, labels: object) -> None:
    keep_inspection(inspect_in(project))
    path = project.runs.list_checkpoints()[0].path
    file = evaluation_file(path, "val")
    tree = json.loads(file.read_text(encoding="utf-8"))
    tree["figures"]["labels"] = labels
    file.write_text(json.dumps(tree), encoding="utf-8")
    [kept] = load_evaluations(path).found
    assert kept.thresholds == {} and kept.label_ap.get("pit") is None
    assert not keep_inspection(inspect_in(project))


def test_an_inspection_of_which_images_are_missing_is_not_kept(project: Project) -> None:
    shutil.rmtree(project.folder / "cache" / "predictions")
    write_predictions(project, project.runs.list_checkpoints()[0], "val")
    assert not keep_inspection(inspect_in(project, "all"))
    assert keep_inspection(inspect_in(project, "val"))


def test_a_box_that_changed_makes_the_figures_outdated_and_looking_again_mends_it(project: Project) -> None:
    keep_inspection(inspect_in(project))
    first = project.image_ids()[0]
    [box] = project.boxes(first)
    project.apply(box_edits.delete_boxes(project, first, [box.id]))
    project.apply(image_edits.set_status(project, [first], Status.CLEAN))
    assert list_reasons(project) == ["images, boxes or labels changed since"]
    assert keep_inspection(inspect_in(project))
    assert list_reasons(project) == [""]
    # What is undone is as it was: figures depend on what is there, not on when it was drawn.


def test_what_no_figure_depends_on_leaves_them_true(project: Project) -> None:
    keep_inspection(inspect_in(project))
    ids = project.image_ids()
    project.apply(image_edits.set_status(project, ids, Status.REVIEWED))
    draw(project, ids[5], (30, 30, 40, 40))  # of another split
    assert list_reasons(project) == [""]


def test_another_file_of_the_checkpoint_makes_the_figures_outdated(project: Project) -> None:
    keep_inspection(inspect_in(project))
    write_checkpoint(project, "r001", "best")
    project.runs.sync_folders()
    assert list_reasons(project) == ["the checkpoint was replaced since"]


def test_a_copied_project_has_its_figures(project: Project, tmp_path: Path) -> None:
    keep_inspection(inspect_in(project))
    folder = project.folder
    project.close()
    shutil.copytree(folder, tmp_path / "copy", copy_function=shutil.copyfile)
    with Project.open(tmp_path / "copy") as copy:
        copy.runs.sync_folders()
        assert list_reasons(copy) == [""]


def test_a_checkpoint_without_evaluations_has_none(project: Project) -> None:
    assert list_reasons(project) == []
    assert not evaluation_file(project.runs.list_checkpoints()[0].path, "val").exists()
