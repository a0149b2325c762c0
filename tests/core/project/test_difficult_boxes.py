"""The mark of a difficult box: kept, undone, migrated, frozen, and ignored wherever something is learnt or judged."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from core.evaluation.average_precision import evaluate_detections
from core.formats.annotations import Format
from core.formats.exporting import ExportOptions, export_project
from core.formats.importing import import_into
from core.formats.registry import read_annotations
from core.project.edits import image_edits
from core.project.edits.box_edits import set_box, toggle_difficult
from core.project.images.query import Filter, ImageIndex
from core.project.project import Project
from core.project.records import DATABASE_FILE
from core.project.snapshot import Snapshot, make_snapshot, take_snapshot
from core.project.storage import checking, database
from core.types import Detections, Split
from tests.builders import draw, project_with_pictures, write_coco, write_pictures


def marked(folder: Path) -> Project:
    """An image with a plain and a difficult box, in the train split."""
    project = project_with_pictures(folder, 1)
    (image,) = project.image_ids()
    draw(project, image, (1, 1, 20, 20), ("pit",))
    hard = draw(project, image, (30, 20, 50, 40), ("pit", "stain"))
    project.apply(toggle_difficult(project, image, [hard]))
    project.apply(image_edits.set_split(project, [image], Split.TRAIN))
    return project


def marks_of(project: Project) -> list[bool]:
    return [box.difficult for image in project.image_ids() for box in project.boxes(image)]


def test_the_mark_is_kept_moved_undone_and_done_again(tmp_path: Path) -> None:
    with marked(tmp_path / "p") as project:
        (image,) = project.image_ids()
        project.apply(set_box(project, image, project.boxes(image)[1].id, (31, 21, 51, 41)))
    with Project.open(tmp_path / "p") as project:
        assert marks_of(project) == [False, True]
        project.history.undo()
        project.history.undo()
        assert project.history.undo_name == "Mark difficult" and marks_of(project) == [False, True]
        project.history.undo()
        assert marks_of(project) == [False, False]
        project.history.redo()
        assert marks_of(project) == [False, True]
        ids = [box.id for box in project.boxes(image)]
        project.apply(toggle_difficult(project, image, ids))  # not all have it: all get it
        assert marks_of(project) == [True, True]
        project.apply(toggle_difficult(project, image, ids))
        assert marks_of(project) == [False, False] and project.history.undo_name == "Mark not difficult"


@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_the_boxes_of_an_older_project_are_not_difficult(tmp_path: Path, version: int) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    with closing(sqlite3.connect(folder / DATABASE_FILE, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA application_id={checking.APPLICATION_ID}")
        connection.executescript(database.list_migrations()[0])
        connection.execute("INSERT INTO images VALUES (1, 'images/1.png', 64, 48, 9, '', 'labelled', 'none', '', '')")
        connection.execute("INSERT INTO labels VALUES (1, 0, 'pit', '#112233', '')")
        connection.execute("INSERT INTO boxes VALUES (1, 1, 1.0, 2.0, 9.0, 9.5, '1')")
        for script in database.list_migrations()[1:version]:
            connection.executescript(script)
        connection.execute(f"PRAGMA user_version={version}")
    with Project.open(folder) as project:
        assert marks_of(project) == [False] and project.boxes(1)[0].xyxy == (1, 2, 9, 9.5)


def test_a_project_from_before_they_were_counted_gets_its_counts(tmp_path: Path) -> None:
    with marked(tmp_path / "p"):
        pass
    with closing(sqlite3.connect(tmp_path / "p" / DATABASE_FILE, isolation_level=None)) as connection:
        connection.execute("ALTER TABLE images DROP COLUMN difficult_count")
        connection.execute("PRAGMA user_version=5")
    with Project.open(tmp_path / "p") as project:
        assert [image.difficult_count for image in project.images()] == [1]


def test_images_with_difficult_boxes_are_found_also_while_edits_wait(tmp_path: Path) -> None:
    with marked(tmp_path / "p") as project:
        (image,) = project.image_ids()
        edit = toggle_difficult(project, image, [project.boxes(image)[1].id])
        for reader, found in ((project, [image]), (project.with_pending([edit]), [])):
            index = ImageIndex(reader.images())
            assert index.ids(index.select(Filter(difficult=True))).tolist() == found
            assert index.ids(index.select(Filter(difficult=False))).tolist() == [one for one in [image] if not found]
        project.apply(edit)
        assert project.image(image).difficult_count == 0
        project.history.undo()
        assert project.image(image).difficult_count == 1


def test_a_snapshot_holds_them_apart_and_its_hash_tells_of_them_alone(tmp_path: Path) -> None:
    with marked(tmp_path / "p") as project:
        (image,) = project.image_ids()
        snapshot = take_snapshot(project)
        project.apply(toggle_difficult(project, image, [project.boxes(image)[1].id]))
        plain = take_snapshot(project)
        assert plain.hash != snapshot.hash and not len(plain.images[0].ignored)
        assert make_snapshot(plain.label_names, plain.label_colors, plain.images).hash == plain.hash
        project.history.undo()
        assert take_snapshot(project).hash == snapshot.hash
    snapshot.save(tmp_path / "snapshot.json")
    (train,) = Snapshot.load(tmp_path / "snapshot.json").of_split(Split.TRAIN)
    assert train.boxes.tolist() == [[1, 1, 20, 20]] and train.ignored.tolist() == [[30, 20, 50, 40]]
    assert train.ignored_labels.tolist() == [[False, True, True]]


def test_an_image_of_difficult_boxes_alone_is_trained_on(tmp_path: Path) -> None:
    with marked(tmp_path / "p") as project:
        (image,) = project.image_ids()
        project.apply(toggle_difficult(project, image, [box.id for box in project.boxes(image)]))
        (train,) = take_snapshot(project).of_split(Split.TRAIN)
        assert len(train.boxes) == 0 and len(train.ignored) == 2 and project.image(image).is_trainable


def test_it_is_neither_to_be_found_nor_wrong_to_find_by_its_own_labels(tmp_path: Path) -> None:
    with marked(tmp_path / "p") as project:
        snapshot = take_snapshot(project)
    (train,) = snapshot.of_split(Split.TRAIN)
    boxes = np.array([[1, 1, 20, 20], [30, 20, 50, 40]], np.float32)
    scores = np.array([[0, 0.9, 0], [0.8, 0.95, 0]], np.float32)
    result = evaluate_detections([train.truth], [Detections(boxes, scores, snapshot.label_names)], snapshot.label_names)
    assert result.labels["pit"].ap == 1.0 and result.labels["pit"].boxes == 1
    assert result.labels["stain"].ap is None
    assert result.to_json()["ignored_boxes"] == 1 and result.labels["pit"].ignored == 1
    lower = evaluate_detections(
        [train.truth],
        [Detections(boxes, scores, snapshot.label_names)],
        snapshot.label_names,
        score_threshold=0.5,
    ).to_json()["labels"]
    assert {name: one["ignored_detections"] for name, one in lower.items()} == {"scratch": 0, "pit": 1, "stain": 0}
    assert result.labels["scratch"].precision is None or result.labels["scratch"].precision == 0


@pytest.mark.parametrize("format", [Format.COCO, Format.VOC, Format.LABELME, Format.CSV])
def test_formats_carry_the_mark(tmp_path: Path, format: Format) -> None:
    with marked(tmp_path / "p") as project:
        report = export_project(project, ExportOptions(format, tmp_path / "out", "copy"))
        assert report.dropped == ()
    with Project.create(tmp_path / "q") as other:
        imported = read_annotations(tmp_path / "out")
        import_into(other, imported)
        (image,) = other.image_ids()
        assert {box.xyxy: box.difficult for box in other.boxes(image)} == {
            (1, 1, 20, 20): False,
            (30, 20, 50, 40): True,
        }
        assert [len(box.labels) for box in other.boxes(image)] == [1, 2]
    assert any("marked as difficult: training and judging ignore" in problem.problem for problem in imported.problems)


def test_an_export_says_where_the_mark_is_lost(tmp_path: Path) -> None:
    with marked(tmp_path / "p") as project:
        report = export_project(project, ExportOptions(Format.YOLO, tmp_path / "out", "copy"))
    assert [problem.problem.split(":")[0] for problem in report.dropped] == ["1 difficult box"]


def test_a_crowd_region_of_coco_is_a_difficult_box(tmp_path: Path) -> None:
    write_pictures(tmp_path / "images", 1)
    images = [{"id": 1, "file_name": "part1.png", "width": 64, "height": 48}]
    boxes = [
        {"image_id": 1, "category_id": 1, "bbox": [2, 3, 10, 12], "iscrowd": crowd, "id": crowd + 1} for crowd in (0,)
    ]
    boxes.append({"image_id": 1, "category_id": 1, "bbox": [30, 3, 20, 12], "iscrowd": 1, "id": 2})
    file = write_coco(tmp_path / "images" / "coco.json", images, boxes, ("pit",))
    with Project.create(tmp_path / "q") as project:
        import_into(project, read_annotations(file, Format.COCO))
        assert marks_of(project) == [False, True]


def test_a_table_of_an_older_export_is_still_known_as_our_own(tmp_path: Path) -> None:
    with marked(tmp_path / "p") as project:
        export_project(project, ExportOptions(Format.CSV, tmp_path / "out", "copy"))
    file = tmp_path / "out" / "annotations.csv"
    older = [line.rpartition(",")[0] for line in file.read_text(encoding="utf-8").splitlines()]
    file.write_text("\r\n".join(older) + "\r\n", encoding="utf-8")
    (image,) = read_annotations(tmp_path / "out").images
    assert image.label_sets == (frozenset({"pit"}), frozenset({"pit", "stain"})) and image.split is Split.TRAIN


def test_an_import_adds_the_mark_to_a_box_that_is_there_and_takes_none_away(tmp_path: Path) -> None:
    with marked(tmp_path / "p") as project:
        export_project(project, ExportOptions(Format.VOC, tmp_path / "out"))
        (image,) = project.image_ids()
        ids = [box.id for box in project.boxes(image)]
        project.apply(toggle_difficult(project, image, ids[1:]))
        project.apply(toggle_difficult(project, image, ids[:1]))
        import_into(project, read_annotations(tmp_path / "out", images_root=project.folder / "images"))
        assert [box.id for box in project.boxes(image)] == ids and marks_of(project) == [True, True]
