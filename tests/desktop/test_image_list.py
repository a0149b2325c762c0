"""The list of images: rows, filters, thumbnails, and following the session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QPixmap
from pytestqt.qtbot import QtBot

from core.project import edits
from core.types import Split, Status
from desktop.models.image_list import (
    BOX_COUNT,
    IMAGE_ID,
    PROBLEM,
    STATUS,
    THUMBNAIL,
    ImageFilterModel,
    ImageListModel,
    matches,
)
from desktop.models.thumbnails import ThumbnailLoader
from desktop.session import Session
from desktop.tasks import Tasks
from tests.builders import draw, project_with_pictures


@pytest.fixture
def tasks(qtbot: QtBot) -> Iterator[Tasks]:
    tasks = Tasks()
    yield tasks
    tasks.shut_down()


@pytest.fixture
def session(qtbot: QtBot, tmp_path: Path) -> Iterator[Session]:
    session = Session()
    session.adopt(project_with_pictures(tmp_path / "project", 12))
    yield session
    session.close()


@pytest.fixture
def model(session: Session, tasks: Tasks, tmp_path: Path) -> ImageListModel:
    thumbnails = ThumbnailLoader(tasks)
    thumbnails.set_cache(tmp_path / "cache")
    return ImageListModel(session, thumbnails)


def names(model: ImageListModel | ImageFilterModel) -> list[str]:
    return [model.index(row, 0).data() for row in range(model.rowCount())]


def test_images_are_listed_in_natural_order(model: ImageListModel) -> None:
    assert names(model) == [f"part{number}.png" for number in range(1, 13)]


def test_an_edit_refreshes_only_its_row(model: ImageListModel, session: Session) -> None:
    assert session.project is not None
    touched: list[tuple[int, int]] = []
    model.dataChanged.connect(lambda first, last, *_: touched.append((first.row(), last.row())))
    image_id = session.project.image_ids()[4]
    session.apply(edits.add_box(session.project, image_id, (1, 1, 20, 20), ()))
    assert touched == [(4, 4)]
    assert model.index(4).data(BOX_COUNT) == 1
    assert model.index(4).data(STATUS) == Status.LABELLED


def test_a_thumbnail_arrives_later_and_is_then_at_hand(model: ImageListModel, tasks: Tasks, qtbot: QtBot) -> None:
    assert model.index(2).data(Qt.ItemDataRole.DecorationRole) is None
    with qtbot.waitSignal(model.dataChanged) as changed:
        assert tasks.wait_idle()
    assert changed.args[0].row() == 2
    picture = model.index(2).data(Qt.ItemDataRole.DecorationRole)
    assert isinstance(picture, QPixmap)
    assert 0 < max(picture.width(), picture.height()) <= THUMBNAIL


def test_what_was_asked_for_last_is_made_first(model: ImageListModel, tasks: Tasks) -> None:
    made: list[str] = []
    model._thumbnails.loaded.connect(lambda path, _size: made.append(Path(path).name))
    tasks._pool.setMaxThreadCount(1)
    for row in range(12):
        model.index(row).data(Qt.ItemDataRole.DecorationRole)
    while len(made) < 12:
        assert tasks.wait_idle()
    # Two were under way before the others came.
    assert made[2:] == [f"part{number}.png" for number in range(12, 2, -1)]


def test_a_file_that_went_away_is_marked_and_asked_for_once(model: ImageListModel, session: Session, tasks: Tasks) -> None:
    assert session.project is not None
    session.project.image_path(session.project.image_ids()[0]).unlink()
    model.index(0).data(Qt.ItemDataRole.DecorationRole)
    assert tasks.wait_idle()
    assert "part1.png" in model.index(0).data(PROBLEM)
    assert model.index(0).data(Qt.ItemDataRole.DecorationRole) is None
    assert not tasks._latest


def test_the_filter_takes_words_statuses_and_splits(session: Session) -> None:
    assert session.project is not None
    record = session.project.images()[10]
    none: frozenset[Status] = frozenset()
    assert matches(record, ["part11", "images"], none, frozenset())
    assert not matches(record, ["part11", "nowhere"], none, frozenset())
    assert matches(record, [], frozenset({Status.UNLABELLED}), frozenset({Split.NONE}))
    assert not matches(record, [], frozenset({Status.CLEAN}), frozenset())
    assert not matches(record, [], none, frozenset({Split.TEST}))


def test_filtering_by_text_ignores_case_and_keeps_the_order(model: ImageListModel) -> None:
    shown = ImageFilterModel(model)
    shown.set_text("PART1 png")
    assert names(shown) == ["part1.png", "part10.png", "part11.png", "part12.png"]
    shown.set_text("")
    assert shown.rowCount() == 12


def test_an_image_being_worked_on_stays_though_it_no_longer_passes_the_filter(
    model: ImageListModel, session: Session
) -> None:
    assert session.project is not None
    shown = ImageFilterModel(model)
    shown.set_statuses(frozenset({Status.UNLABELLED}))
    assert shown.rowCount() == 12
    image_id = session.project.image_ids()[3]
    session.apply(edits.add_box(session.project, image_id, (1, 1, 20, 20), ()))
    assert shown.index_of(image_id).row() == 3
    shown.set_statuses(frozenset({Status.UNLABELLED}))
    assert not shown.index_of(image_id).isValid()
    assert shown.rowCount() == 11


def test_removed_images_leave_and_undo_brings_them_back(model: ImageListModel, session: Session) -> None:
    assert session.project is not None
    ids = session.project.image_ids()
    draw(session.project, ids[1])
    session.apply(edits.remove_images(session.project, ids[:2]))
    assert names(model)[0] == "part3.png"
    assert session.image_id == ids[2]
    session.undo()
    assert names(model)[:2] == ["part1.png", "part2.png"]
    assert model.index(1).data(BOX_COUNT) == 1


def test_another_project_replaces_the_list(model: ImageListModel, session: Session, tmp_path: Path) -> None:
    session.adopt(project_with_pictures(tmp_path / "second", 2))
    assert names(model) == ["part1.png", "part2.png"]
    assert session.project is not None
    assert [model.index(row).data(IMAGE_ID) for row in range(2)] == session.project.image_ids()
    session.close()
    assert model.rowCount() == 0
