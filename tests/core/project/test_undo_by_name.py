"""Which edits are undone by name only, what is said of them before, and how older projects know them."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from core.formats.annotations import Format
from core.formats.importing import import_into
from core.formats.registry import read_annotations
from core.project.edits import box_edits, image_edits, label_edits
from core.project.edits.edit import Edit, HistoryEntry
from core.project.project import Project
from core.project.records import DATABASE_FILE
from core.project.storage import checking, database
from core.types import Split, Status
from tests.builders import draw, label_named, project_with_pictures, write_coco, write_pictures


def last_entry(project: Project) -> HistoryEntry:
    entry = project.history.find_entry(project.history.position)
    assert entry is not None
    return entry


def import_boxes(project: Project, folder: Path) -> None:
    """Two new images with a box each, of which one has a label that the project does not know."""
    write_pictures(folder, 2)
    images = [{"id": n, "file_name": f"part{n}.png", "width": 64, "height": 48} for n in (1, 2)]
    boxes = [{"image_id": n, "category_id": n, "bbox": [2, 3, 10, 12]} for n in (1, 2)]
    file = write_coco(folder / "coco.json", images, boxes, ("scratch", "open"))
    import_into(project, read_annotations(file, Format.COCO))


Build = Callable[[Project, list[int]], Edit]
DRAWN_AND_MARKED: dict[str, Build] = {
    "a drawn box": lambda p, ids: box_edits.add_box(p, ids[0], (1, 1, 9, 9), {1}),
    "deleted boxes": lambda p, ids: box_edits.delete_boxes(p, ids[0], [box.id for box in p.boxes(ids[0])]),
    "many images marked": lambda p, ids: image_edits.mark_images(p, ids[1:], Status.CLEAN).edit,
    "a note": lambda p, ids: image_edits.set_note(p, ids[0], "glare"),
    "the split of one image": lambda p, ids: image_edits.set_split(p, ids[:1], Split.TEST),
    "the group of one image": lambda p, ids: image_edits.put_in_group(p, ids[:1], "lot 7"),
    "a new label": lambda p, _: label_edits.create_label(p, "dent"),
    "an unused label deleted": lambda p, _: label_edits.delete_labels(p, [3]),
}
BY_NAME: dict[str, Build] = {
    "removed images": lambda p, ids: image_edits.remove_images(p, ids[:1]),
    "assigned splits": lambda p, _: image_edits.assign_splits(p),
    "the split of several images": lambda p, ids: image_edits.move_to_split(p, ids[:2], Split.TEST),
    "groups": lambda p, ids: image_edits.set_groups(p, dict.fromkeys(ids, "lot 7")),
    "a merge of labels": lambda p, _: label_edits.merge_labels(p, [1], 2),
    "a merge of labels without boxes": lambda p, _: label_edits.merge_labels(p, [3], 2),
    "a label taken off boxes": lambda p, _: label_edits.delete_labels(p, [1]),
}


@pytest.mark.parametrize("what", DRAWN_AND_MARKED)
def test_what_the_user_drew_and_marked_is_undone_by_the_key(tmp_path: Path, what: str) -> None:
    with project_with_pictures(tmp_path / "p", 6) as project:
        draw(project, project.image_ids()[0])
        project.apply(DRAWN_AND_MARKED[what](project, project.image_ids()))
        assert not last_entry(project).by_name


@pytest.mark.parametrize("what", BY_NAME)
def test_what_touches_the_project_at_large_is_undone_by_name(tmp_path: Path, what: str) -> None:
    with project_with_pictures(tmp_path / "p", 6) as project:
        draw(project, project.image_ids()[0])
        project.apply(BY_NAME[what](project, project.image_ids()))
        assert last_entry(project).by_name
        project.history.undo()
        redo = project.history.find_entry(project.history.position + 1)
        assert redo is not None and redo.by_name and not redo.done
    with Project.open(tmp_path / "p") as project:
        assert [entry.by_name for entry in project.history.list_entries()] == [True, False, True]


def test_added_relocated_and_imported_images_are_undone_by_name(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 2) as project:
        assert last_entry(project).name == "Add 2 images" and last_entry(project).by_name
        first = project.image_ids()[0]
        there = tmp_path / "moved" / "other.png"
        there.parent.mkdir()
        project.image_path(first).rename(there)
        project.files.relocate_images({first: there})
        assert last_entry(project).by_name
        import_boxes(project, tmp_path / "more")
        assert last_entry(project).name.startswith("Import ") and last_entry(project).by_name


def test_an_import_of_boxes_alone_is_undone_by_name(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 2) as project:
        import_boxes(project, project.folder / "images")
        assert len(project.image_ids()) == 2 and last_entry(project).by_name


def test_what_undoing_does_is_said_in_numbers(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p", ("scratch",)) as project:
        import_boxes(project, tmp_path / "images")
        assert project.history.describe_step(last_entry(project)) == (
            "It takes 2 images out of the project, deletes 2 boxes and deletes the label open."
        )
        import_edit = last_entry(project)
        project.history.undo()
        redo = project.history.find_entry(import_edit.position)
        assert redo is not None
        assert project.history.describe_step(redo) == (
            "It puts 2 images into the project, brings 2 boxes and brings the label open."
        )
        project.history.redo()
        project.apply(image_edits.assign_splits(project))
        assert project.history.describe_step(last_entry(project)) == "It changes the split of 2 images."
        into = label_named(project, "scratch")
        gone = label_named(project, "open")
        assert into is not None and gone is not None
        project.apply(label_edits.merge_labels(project, [gone.id], into.id))
        assert project.history.describe_step(last_entry(project)) == "It changes 1 box and brings the label open."


OLD = {
    "Draw box": False,
    "Import 1 box": True,
    "Import 6,873 boxes": True,
    "Add image": True,
    "Add 1,000 images": True,
    "Add label images": False,
    "Remove 12 images": True,
    "Remove scratch": False,
    "Relocate 3 images": True,
    "Merge pit into scratch": True,
    "Delete label pit": True,
    "Delete 2 labels": True,
    "Delete 2 boxes": False,
    "Assign splits": True,
    "Set 40 images to train": True,
    "Set scratch on 2 boxes": False,
    "Put 40 images into group A": True,
    "Group 40 images": True,
    "Mark 40 images clean": False,
    "Set note": False,
}


def test_the_edits_of_an_older_project_are_told_apart_by_their_names(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    with closing(sqlite3.connect(folder / DATABASE_FILE, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA application_id={checking.APPLICATION_ID}")
        for script in database.list_migrations()[:2]:
            connection.executescript(script)
        connection.execute("PRAGMA user_version=2")
        empty = zlib.compress(b'{"before":{},"after":{}}')
        rows = [(place, name, empty, 40) for place, name in enumerate(OLD)]
        connection.executemany("INSERT INTO history (position, name, edit, images) VALUES (?, ?, ?, ?)", rows)
        connection.execute("INSERT INTO counters VALUES ('history', ?)", (len(OLD),))
    with Project.open(folder) as project:
        assert {entry.name: entry.by_name for entry in project.history.list_entries()} == OLD
