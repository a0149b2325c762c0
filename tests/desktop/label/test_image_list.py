"""The list of images: rows, filters, order, thumbnails, and following the session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QPixmap
from pytestqt.qtbot import QtBot

from core.changes import Changes
from core.project.edits import box_edits, image_edits
from core.project.images.query import Filter, SortKey
from core.types import Split, Status
from desktop.base.background import Tasks
from desktop.base.session import Session
from desktop.label.images.image_list import BOX_COUNT, IMAGE_ID, OUTDATED, PROBLEM, STATUS, THUMBNAIL, ImageListModel
from desktop.viewer.thumbnails import ThumbnailLoader
from tests.builders import draw, project_with_pictures, write_pictures

UNLABELLED = Filter(statuses=frozenset({Status.UNLABELLED}))


@pytest.fixture
def threads() -> int | None:
    """As many as the program takes, unless a test is about fewer."""
    return None


@pytest.fixture
def tasks(qtbot: QtBot, threads: int | None) -> Iterator[Tasks]:
    tasks = Tasks(threads=threads)
    yield tasks
    tasks.shut_down()


@pytest.fixture
def session(qtbot: QtBot, tmp_path: Path) -> Iterator[Session]:
    session = Session()
    session.adopt(project_with_pictures(tmp_path / "project", 12))
    yield session
    session.close()


@pytest.fixture
def thumbnails(tasks: Tasks, tmp_path: Path) -> ThumbnailLoader:
    thumbnails = ThumbnailLoader(tasks)
    thumbnails.set_cache(tmp_path / "cache")
    return thumbnails


@pytest.fixture
def model(session: Session, thumbnails: ThumbnailLoader) -> ImageListModel:
    return ImageListModel(session, thumbnails)


def names(model: ImageListModel) -> list[str]:
    return [model.index(row, 0).data() for row in range(model.rowCount())]


def test_images_are_listed_in_natural_order(model: ImageListModel) -> None:
    assert names(model) == [f"part{number}.png" for number in range(1, 13)]


def test_an_edit_refreshes_only_its_row(model: ImageListModel, session: Session) -> None:
    assert session.project is not None
    touched: list[tuple[int, int]] = []
    model.dataChanged.connect(lambda first, last, *_: touched.append((first.row(), last.row())))
    image_id = session.project.image_ids()[4]
    session.apply(box_edits.add_box(session.project, image_id, (1, 1, 20, 20), ()))
    assert touched == [(4, 4)]
    assert model.index(4).data(BOX_COUNT) == 1
    assert model.index(4).data(STATUS) == Status.LABELLED


def test_an_edit_of_very_many_images_is_told_once(
    model: ImageListModel, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("desktop.label.images.image_list.ONE_BY_ONE", 5)
    assert session.project is not None
    touched: list[tuple[int, int]] = []
    model.dataChanged.connect(lambda first, last, *_: touched.append((first.row(), last.row())))
    session.apply(image_edits.set_split(session.project, session.project.image_ids()[2:9], Split.VAL))
    assert touched == [(2, 8)]


def test_a_thumbnail_arrives_later_and_is_then_at_hand(model: ImageListModel, tasks: Tasks, qtbot: QtBot) -> None:
    assert model.index(2).data(Qt.ItemDataRole.DecorationRole) is None
    with qtbot.waitSignal(model.dataChanged) as changed:
        assert tasks.wait_idle()
    assert changed.args[0].row() == 2
    picture = model.index(2).data(Qt.ItemDataRole.DecorationRole)
    assert isinstance(picture, QPixmap)
    assert 0 < max(picture.width(), picture.height()) <= THUMBNAIL


def test_a_thumbnail_finds_its_row_in_the_order_that_is_shown_now(
    model: ImageListModel, tasks: Tasks, qtbot: QtBot
) -> None:
    model.index(2).data(Qt.ItemDataRole.DecorationRole)
    model.set_sorting(SortKey.NAME, descending=True)
    with qtbot.waitSignal(model.dataChanged) as changed:
        assert tasks.wait_idle()
    assert changed.args[0].data() == "part3.png"


@pytest.mark.parametrize("threads", [1])
def test_what_was_asked_for_last_is_made_first(
    model: ImageListModel, thumbnails: ThumbnailLoader, tasks: Tasks
) -> None:
    made: list[str] = []
    thumbnails.loaded.connect(lambda path, _size: made.append(Path(path).name))
    for row in range(12):
        model.index(row).data(Qt.ItemDataRole.DecorationRole)
    while len(made) < 12:
        assert tasks.wait_idle()
    # Two were under way before the others came.
    assert made[2:] == [f"part{number}.png" for number in range(12, 2, -1)]


def test_a_file_that_went_away_is_marked_and_asked_for_once(
    model: ImageListModel, session: Session, tasks: Tasks
) -> None:
    assert session.project is not None
    session.project.image_path(session.project.image_ids()[0]).unlink()
    model.index(0).data(Qt.ItemDataRole.DecorationRole)
    assert tasks.wait_idle()
    assert "part1.png" in model.index(0).data(PROBLEM)
    assert model.index(0).data(Qt.ItemDataRole.DecorationRole) is None
    assert tasks.wait_idle(0)


def test_a_filter_shows_what_passes_and_the_empty_one_everything(model: ImageListModel) -> None:
    model.set_filter(Filter(words="PART1 png"))
    assert names(model) == ["part1.png", "part10.png", "part11.png", "part12.png"]
    assert (model.rowCount(), model.total) == (4, 12)
    model.set_filter(Filter())
    assert model.rowCount() == 12


def test_rows_are_ordered_by_what_was_chosen(model: ImageListModel, session: Session) -> None:
    assert session.project is not None
    ids = session.project.image_ids()
    for image_id in (ids[7], ids[3], ids[7]):
        session.apply(box_edits.add_box(session.project, image_id, (1, 1, 20, 20), ()))
    model.set_sorting(SortKey.BOXES, descending=True)
    assert names(model)[:3] == ["part8.png", "part4.png", "part1.png"]
    assert [model.row_of(image_id) for image_id in (ids[7], ids[3], ids[0])] == [0, 1, 2]
    assert model.image_ids([1, 0]) == [ids[3], ids[7]]


def test_an_image_being_worked_on_stays_marked_though_it_no_longer_passes_the_filter(
    model: ImageListModel, session: Session
) -> None:
    assert session.project is not None
    model.set_filter(UNLABELLED)
    image_id = session.project.image_ids()[3]
    session.apply(box_edits.add_box(session.project, image_id, (1, 1, 20, 20), ()))
    assert model.row_of(image_id) == 3 and model.rowCount() == 12
    assert model.index(3).data(OUTDATED) is True and model.outdated == 1
    assert "no longer passes" in model.index(3).data(Qt.ItemDataRole.ToolTipRole)
    session.undo()
    assert model.index(3).data(OUTDATED) is False and model.outdated == 0
    session.redo()
    model.set_filter(UNLABELLED)
    assert model.row_of(image_id) == -1 and model.rowCount() == 11 and model.outdated == 0


def test_the_next_unlabelled_goes_round_and_says_when_there_is_none(model: ImageListModel, session: Session) -> None:
    assert session.project is not None
    ids = session.project.image_ids()
    done = [image_id for place, image_id in enumerate(ids) if place not in (2, 9)]
    session.apply(image_edits.set_status(session.project, done, Status.CLEAN))
    assert [model.next_unlabelled(after, 1) for after in (-1, 0, 2, 9, 11)] == [2, 2, 9, 2, 2]
    assert [model.next_unlabelled(after, -1) for after in (-1, 0, 2, 9, 11)] == [9, 9, 9, 2, 9]
    model.set_filter(Filter(statuses=frozenset({Status.CLEAN})))
    assert model.next_unlabelled(0, 1) is None


def test_files_that_are_said_to_be_missing_are_marked_and_can_be_asked_for(
    model: ImageListModel, session: Session
) -> None:
    assert session.project is not None
    ids = session.project.image_ids()
    model.set_flag("missing", {ids[4]})
    assert "not there" in model.index(4).data(PROBLEM)
    model.set_filter(Filter(missing=True))
    assert model.image_ids() == [ids[4]]
    # Found again while it is listed: it stays, and is marked.
    model.set_flag("missing", set())
    assert model.image_ids() == [ids[4]] and model.outdated == 1
    # A list that is made anew keeps what is known of the files.
    model.set_flag("missing", {ids[4]})
    session.apply(image_edits.remove_images(session.project, ids[:1]))
    assert model.image_ids() == [ids[4]]


def test_removed_images_leave_and_undo_brings_them_back(model: ImageListModel, session: Session) -> None:
    assert session.project is not None
    ids = session.project.image_ids()
    draw(session.project, ids[1])
    session.apply(image_edits.remove_images(session.project, ids[:2]))
    assert names(model)[0] == "part3.png"
    assert session.image_id == ids[2]
    session.undo("Remove 2 images")
    assert names(model)[:2] == ["part1.png", "part2.png"]
    assert model.index(1).data(BOX_COUNT) == 1


def test_another_project_replaces_the_list_and_is_not_filtered(
    model: ImageListModel, session: Session, tmp_path: Path
) -> None:
    model.set_filter(Filter(words="part12"))
    session.adopt(project_with_pictures(tmp_path / "second", 2))
    assert names(model) == ["part1.png", "part2.png"]
    assert session.project is not None
    assert [model.index(row).data(IMAGE_ID) for row in range(2)] == session.project.image_ids()
    session.close()
    assert model.rowCount() == 0


def test_a_list_prepared_in_a_thread_is_shown_only_of_the_project_as_it_is(
    model: ImageListModel, session: Session, tmp_path: Path
) -> None:
    project = session.project
    assert project is not None
    first = project.image_ids()[0]
    model.images.status_counts()
    write_pictures(tmp_path / "more", 2)
    changes, _ = project.files.add_images([tmp_path / "more"])
    session.prepare_lists(project)
    prepared = session.image_index.prepared
    session.notify(changes)
    assert model.images is prepared and session.image_index.prepared is None
    assert model.image_ids() == project.image_ids()
    session.prepare_lists(project)
    stale = session.image_index.prepared
    changes = project.apply(image_edits.set_status(project, [first], Status.CLEAN))
    session.notify(changes | Changes(image_list=True))
    assert model.images is not stale and model.images.records == project.images()
    assert model.images.status_counts()[Status.CLEAN] == 1
