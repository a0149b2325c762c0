import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from core.errors import InputError
from core.formats.annotations import Format
from core.formats.exporting import ExportOptions, export_project
from core.formats.registry import read_annotations
from core.project.edits import box_edits, image_edits, label_edits
from core.project.project import Project
from core.project.snapshot import Snapshot, take_snapshot
from core.types import Split, Status, is_trainable
from tests.builders import draw, project_with_pictures


def made(folder: Path) -> Project:
    project = project_with_pictures(folder, 5)
    two, clean, bare, mixed, _ = project.image_ids()
    draw(project, two, (1, 2, 30, 40), ["scratch", "stain"])
    draw(project, two, (5.5, 5.5, 10, 10), ["pit"])
    project.apply(image_edits.set_status(project, [clean], Status.CLEAN))
    draw(project, bare, (1, 1, 9, 9), [])
    draw(project, mixed, (1, 1, 9, 9), [])
    draw(project, mixed, (20, 20, 30, 30), ["pit"])
    project.apply(image_edits.set_split(project, project.image_ids(), Split.TRAIN))
    return project


def test_only_what_a_user_has_finished_is_trained_on(tmp_path: Path) -> None:
    with made(tmp_path / "p") as project:
        snapshot = take_snapshot(project)
    assert snapshot.label_names == ("scratch", "pit", "stain")
    assert len(snapshot.label_colors) == 3 and len(snapshot.images) == 5
    train = snapshot.of_split(Split.TRAIN)
    # Not the image whose only box has no label yet, nor the unlabelled one.
    assert [Path(image.path).name for image in train] == ["part1.png", "part2.png", "part4.png"]
    assert train[0].boxes.tolist() == [[1, 2, 30, 40], [5.5, 5.5, 10, 10]]
    assert train[0].labels.tolist() == [[True, False, True], [False, True, False]]
    assert train[1].boxes.shape == (0, 4) and train[1].labels.shape == (0, 3)
    assert train[2].boxes.tolist() == [[20, 20, 30, 30]]
    assert snapshot.of_split("train") == train or len(snapshot.of_split("train")) == 3
    assert snapshot.of_split(Split.VAL) == []
    assert all(Path(image.path).is_file() and (image.width, image.height) == (64, 48) for image in snapshot.images)


def test_records_and_snapshots_agree_on_what_is_trainable(tmp_path: Path) -> None:
    with made(tmp_path / "p") as project:
        records = [image.is_trainable for image in project.images()]
        snapshot = take_snapshot(project)
    # The third is labelled, but its only box has no label; the last is unlabelled.
    assert records == [True, True, False, True, False] == [image.is_trainable for image in snapshot.images]


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("has_label", [False, True])
def test_an_image_is_trainable_if_it_is_clean_or_labelled_with_a_label(status: Status, has_label: bool) -> None:
    expected = status is Status.CLEAN or (has_label and status in (Status.LABELLED, Status.REVIEWED))
    assert is_trainable(status, has_label=has_label) is expected


def test_what_is_saved_is_what_is_loaded(tmp_path: Path) -> None:
    with made(tmp_path / "p") as project:
        project.apply(image_edits.set_note(project, project.image_ids()[1], "the lamp was dim"))
        snapshot = take_snapshot(project)
    snapshot.save(tmp_path / "snapshot.json")
    loaded = Snapshot.load(tmp_path / "snapshot.json")
    assert (loaded.hash, loaded.label_names, loaded.label_colors) == (
        snapshot.hash,
        snapshot.label_names,
        snapshot.label_colors,
    )
    for first, second in zip(snapshot.images, loaded.images, strict=True):
        assert (first.path, first.status, first.split, first.group) == (
            second.path,
            second.status,
            second.split,
            second.group,
        )
        assert np.array_equal(first.boxes, second.boxes) and first.boxes.dtype == second.boxes.dtype == np.float32
        assert np.array_equal(first.labels, second.labels) and second.labels.dtype == np.bool_
    assert [image.note for image in loaded.images] == ["", "the lamp was dim", "", "", ""]


def test_notes_of_a_snapshot_are_exported(tmp_path: Path) -> None:
    with made(tmp_path / "p") as project:
        image = project.image_ids()[0]
        project.apply(image_edits.set_note(project, image, "the lamp was dim"))
        name = Path(project.image(image).path).name
        snapshot = take_snapshot(project)
    export_project(snapshot, ExportOptions(Format.CSV, tmp_path / "out"))
    notes = {Path(one.path).name: one.note for one in read_annotations(tmp_path / "out").images}
    assert notes[name] == "the lamp was dim"


def test_the_hash_does_not_depend_on_where_files_lie(tmp_path: Path) -> None:
    with made(tmp_path / "p") as project:
        first = take_snapshot(project)
    shutil.move(tmp_path / "p", tmp_path / "elsewhere")
    with Project.open(tmp_path / "elsewhere") as project:
        second = take_snapshot(project)
    assert first.images[0].path != second.images[0].path and first.hash == second.hash


def test_the_hash_changes_with_everything_that_training_sees(tmp_path: Path) -> None:
    with made(tmp_path / "p") as project:
        image = project.image_ids()[0]
        box = project.boxes(image)[0].id
        label = project.labels()[0]
        hashes = [take_snapshot(project).hash]
        for edit in (
            box_edits.set_box(project, image, box, (1, 2, 30, 40.5)),
            label_edits.toggle_label(project, image, [box], 2),
            image_edits.set_split(project, [image], Split.VAL),
            image_edits.set_status(project, [image], Status.REVIEWED),
            box_edits.delete_boxes(project, image, [box]),
            image_edits.remove_images(project, [image]),
            label_edits.set_labels(project, [type(label)(1, "renamed", label.color), *project.labels()[1:]]),
        ):
            project.apply(edit)
            hashes.append(take_snapshot(project).hash)
            project.history.undo()
            assert take_snapshot(project).hash == hashes[0]
        assert len(set(hashes)) == len(hashes) == 8
        project.apply(image_edits.set_note(project, image, "says nothing about pixels"))
        assert take_snapshot(project).hash == hashes[0]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "not JSON"),
        ("[1]", "not a snapshot"),
        ('{"format": "defectdesk-snapshot", "version": 9}', "version 9"),
        ('{"format": "defectdesk-snapshot", "version": 1}', "damaged"),
    ],
)
def test_a_damaged_snapshot_is_refused(tmp_path: Path, content: str, reason: str) -> None:
    (tmp_path / "s.json").write_text(content)
    with pytest.raises(InputError, match=f"s.json: .*{reason}"):
        Snapshot.load(tmp_path / "s.json")


def test_a_changed_or_missing_snapshot_is_refused(tmp_path: Path) -> None:
    with made(tmp_path / "p") as project:
        take_snapshot(project).save(tmp_path / "s.json")
    tree = json.loads((tmp_path / "s.json").read_text())
    tree["images"][0]["boxes"][0][2] += 1
    (tmp_path / "s.json").write_text(json.dumps(tree))
    with pytest.raises(InputError, match="does not match its hash"):
        Snapshot.load(tmp_path / "s.json")
    with pytest.raises(InputError, match="cannot be read"):
        Snapshot.load(tmp_path / "gone.json")
