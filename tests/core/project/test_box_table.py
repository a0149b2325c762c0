"""The boxes that are kept of the images looked at last are those of the database, whoever changes it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from core.project.edits import box_edits
from core.project.project import Project
from core.project.storage.box_table import KEPT, BoxTable
from core.project.storage.store import Store
from core.types import Box
from tests.builders import project_with_pictures

DATABASE = "project.sqlite"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of a closed project whose first image has one box."""
    project = project_with_pictures(tmp_path / "parts", KEPT + 2)
    project.apply(box_edits.add_box(project, project.image_ids()[0], (1, 1, 20, 20), ()))
    project.close()
    return tmp_path / "parts"


def test_many_images_in_turn_have_their_own_boxes(folder: Path) -> None:
    with Project.open(folder) as project:
        for image_id in project.image_ids():
            project.apply(box_edits.add_box(project, image_id, (2, 2, 10 + image_id, 10), ()))
        for _ in range(2):
            for image_id in project.image_ids():
                assert project.boxes(image_id)[-1].x2 == 10 + image_id
                assert project.boxes_of([image_id]) == {image_id: project.boxes(image_id)}


def test_what_another_process_writes_is_seen(folder: Path) -> None:
    reading, writing = sqlite3.connect(folder / DATABASE), sqlite3.connect(folder / DATABASE)
    table = BoxTable(reading)
    (box,) = table.boxes(1)
    writing.execute("UPDATE boxes SET x2 = 30")
    writing.commit()
    assert table.boxes(1) == (Box(box.id, 1, 1, 30, 20, frozenset()),)
    reading.close()
    writing.close()


def test_boxes_that_were_read_in_a_transaction_which_failed_are_read_again(folder: Path) -> None:
    with Project.open(folder) as project:
        edit = box_edits.add_box(project, 1, (5, 5, 30, 30), ())
    connection = sqlite3.connect(folder / DATABASE, isolation_level=None)
    store = Store(connection)
    before = store.boxes(1)
    with pytest.raises(ZeroDivisionError), store.transaction():
        store.write_edit(edit)
        assert len(store.boxes(1)) == 2
        raise ZeroDivisionError
    assert store.boxes(1) == before
    connection.close()
