"""Every property of a project goes into an export and comes back, or is counted: in the report, in JSON and in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from core.formats import csv
from core.formats.annotations import WRITTEN, Format
from core.formats.export_losses import Loss
from core.formats.exporting import ExportOptions, ExportReport, export_project
from core.formats.importing import import_into
from core.formats.registry import read_annotations
from core.imaging.cameras import Cameras
from core.project.edits import image_edits, label_edits
from core.project.edits.box_edits import toggle_difficult
from core.project.project import Project
from core.types import Label, Split, Status
from tests.builders import draw, project_with_pictures
from tests.core.conftest import Run


def rich_project(folder: Path) -> Project:
    """Every property once: an image with boxes of all kinds, a reviewed, a clean, and one that nobody has looked at."""
    project = project_with_pictures(folder, 4, ())
    labels = [Label(1, "pit", "#112233", "1"), Label(2, "stain", "#445566")]
    project.apply(label_edits.set_labels(project, labels))
    first, second, third, fourth = project.image_ids()
    draw(project, first, (1, 1, 10, 10), ["pit"])
    hard = draw(project, first, (20.25, 1, 30.5, 10), ["pit", "stain"])
    draw(project, first, (40, 1, 50, 10), [])
    hard_bare = draw(project, first, (1, 20, 10.125, 30), [])
    project.apply(toggle_difficult(project, first, [hard, hard_bare]))
    draw(project, second, (5, 5, 9, 9), ["stain"])
    project.apply(image_edits.set_status(project, [second], Status.REVIEWED))
    project.apply(image_edits.set_status(project, [third], Status.CLEAN))
    project.apply(image_edits.set_split(project, [first, second], Split.TRAIN))
    project.apply(image_edits.put_in_group(project, [first], "lot 7"))
    project.apply(image_edits.set_note(project, fourth, "blurred"))
    project.depths.set_cameras(Cameras.of_window((0, 4095)))
    return project


def list_boxes(project: Project) -> list[list[Any]]:
    names = {label.id: label.name for label in project.labels()}
    return [
        sorted(
            (tuple(round(corner, 6) for corner in box.xyxy), sorted(names[one] for one in box.labels), box.difficult)
            for box in project.boxes(image)
        )
        for image in project.image_ids()
    ]


def list_fields(project: Project) -> list[Any]:
    return [(image.status, image.split, image.group, image.note) for image in project.images()]


def count_kinds(losses: tuple[Loss, ...]) -> dict[str, int]:
    return {loss.kind: loss.count for loss in losses}


def export_as(project: Project, folder: Path, format: Format, **more: Any) -> ExportReport:
    return export_project(project, ExportOptions(format, folder, "copy", **more))


ALWAYS = {"no label": 2, "several labels": 1, "unlabelled": 1, "color": 2, "shortcut": 1, "camera": 1}
LOST = {
    Format.COCO: ALWAYS | {"clean": 1, "reviewed": 1, "split": 2, "group": 1, "note": 1},
    Format.VOC: ALWAYS | {"corners": 2, "clean": 1, "reviewed": 1, "group": 1, "note": 1},
    Format.YOLO: ALWAYS | {"difficult": 2, "clean": 1, "reviewed": 1, "group": 1, "note": 1},
    Format.LABELME: ALWAYS | {"clean": 1, "reviewed": 1, "split": 2, "group": 1, "note": 1},
    Format.CSV: ALWAYS,
}


@pytest.mark.parametrize("format", WRITTEN)
def test_what_is_no_loss_for_good_comes_back_and_the_rest_is_counted(tmp_path: Path, format: Format) -> None:
    with rich_project(tmp_path / "p") as project:
        report = export_as(project, tmp_path / "out", format)
        boxes, fields = list_boxes(project), list_fields(project)
    assert count_kinds(report.losses) == LOST[format]
    assert {loss.kind for loss in report.losses if not loss.comes_back} == {"shortcut", "camera"}
    with Project.create(tmp_path / "q") as other:
        import_into(other, read_annotations(tmp_path / "out"))
        assert list_boxes(other) == boxes and list_fields(other) == fields
        assert {label.name: label.color for label in other.labels()} == {"pit": "#112233", "stain": "#445566"}


@pytest.mark.parametrize("format", WRITTEN)
def test_a_plain_project_loses_nothing_but_what_every_export_does(tmp_path: Path, format: Format) -> None:
    with project_with_pictures(tmp_path / "p", 1) as project:
        draw(project, project.image_ids()[0], (1, 1, 10, 10), ["pit"])
        report = export_as(project, tmp_path / "out", format)
    assert set(count_kinds(report.losses)) <= {"color", "shortcut"}


def test_images_that_were_not_chosen_and_notes_that_are_too_long_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv, "_LONGEST_NOTE", 3)
    with rich_project(tmp_path / "p") as project:
        chosen = frozenset([Status.UNLABELLED, Status.CLEAN])
        report = export_as(project, tmp_path / "out", Format.CSV, statuses=chosen)
    assert count_kinds(report.losses) == {
        "unlabelled": 1,
        "long note": 1,
        "color": 2,
        "shortcut": 1,
        "camera": 1,
        "not chosen": 2,
    }


def test_a_box_that_another_program_moved_in_a_label_file_is_no_longer_difficult(tmp_path: Path) -> None:
    with rich_project(tmp_path / "p") as project:
        export_as(project, tmp_path / "out", Format.YOLO)
    (file,) = (path for path in (tmp_path / "out" / "labels").iterdir() if len(path.read_text().splitlines()) == 3)
    plain, *hard = file.read_text().splitlines()
    moved = [" ".join([*line.split()[:3], "0.125", "0.125"]) for line in hard]
    file.write_text("\n".join([plain, *moved]) + "\n")
    marks = {labels: marks for image in read_annotations(tmp_path / "out").images for labels, marks in _pair(image)}
    assert marks == {
        frozenset({"pit"}): frozenset(),
        frozenset({"pit", "stain"}): frozenset(),
        frozenset(): frozenset({"difficult"}),
        frozenset({"stain"}): frozenset(),
    }


def _pair(image: Any) -> Any:
    return zip(image.label_sets, image.marks or [frozenset()] * len(image.label_sets), strict=True)


def test_the_command_says_it_in_words_and_as_json(run: Run, tmp_path: Path) -> None:
    with rich_project(tmp_path / "p"):
        pass
    words = ("export", tmp_path / "p", tmp_path / "out", "--format", "yolo")
    code, out, _ = run(*words)
    told = " ".join(out.split())
    assert code == 0 and "2 difficult boxes: other programs see no mark" in told
    assert "1 image has a note: only DefectDesk reads that back" in told
    code, out, _ = run(*words, "--overwrite", "--json")
    found = json.loads(out)["not_for_others"]
    assert code == 0 and {one["kind"]: one["count"] for one in found} == LOST[Format.YOLO]
    assert {one["kind"] for one in found if not one["comes_back"]} == {"shortcut", "camera"}
