"""The label panel and the list of boxes: ticking, editing, merging, ordering, what occurs together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QPointF, Qt, QTimer
from PySide6.QtWidgets import QApplication, QCheckBox, QMessageBox
from pytestqt.qtbot import QtBot

from core.project.cooccurrence import count_cooccurrence
from desktop.base.session import Session
from desktop.label.boxes.box_delegate import NARROWEST, chip_widths
from desktop.label.boxes.box_table import LABELS, SIZE
from desktop.label.label_page import LabelPage
from desktop.label.labels.label_list import LABEL
from desktop.label.labels.label_panel import LabelPanel
from desktop.label.labels.label_together import TogetherDialog
from desktop.label.labels.merge_dialog import MergeLabelsDialog
from desktop.services import Services
from tests.builders import add_labels, draw, project_with_pictures
from tests.desktop.label.label_builders import CONTROL, SHIFT, boxes_of, names, project_of, shown_page
from tests.desktop.label.page_driver import find_button, find_only, refresh_image
from tests.desktop.mouse import drag

ALT = Qt.KeyboardModifier.AltModifier


@pytest.fixture
def session(qtbot: QtBot, tmp_path: Path) -> Iterator[Session]:
    session = Session()
    project = project_with_pictures(tmp_path / "project", 2)
    first, second = project.image_ids()
    draw(project, first, (2, 2, 40, 30), ["scratch", "pit"])
    draw(project, first, (30, 20, 40, 44), ["stain"])
    draw(project, first, (50, 2, 60, 12), ["pit"])
    draw(project, second, (2, 2, 20, 20), ["scratch"])
    session.adopt(project)
    yield session
    session.close()


def _listed(panel: LabelPanel) -> list[str]:
    return [label.name for label in panel.model.labels()]


def _seen(panel: LabelPanel) -> list[str]:
    rows = range(panel.model.rowCount())
    return [panel.model.labels()[row].name for row in rows if not panel.rows.isRowHidden(row)]


def _middle(panel: LabelPanel, row: int) -> QPoint:
    rect = panel.rows.visualRect(panel.model.index(row))
    return rect.topLeft() + QPoint(60, rect.height() // 2)


def _press(wanted: str, said: list[str]) -> None:
    def press() -> None:
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        said.append(f"{box.text()} {box.informativeText()}")
        next(button for button in box.buttons() if button.text() == wanted).click()

    QTimer.singleShot(50, press)


def test_a_drag_puts_a_label_elsewhere_and_keeps_every_identity(
    qtbot: QtBot, page: LabelPage, session: Session
) -> None:
    project, panel = project_of(session), page.labels
    before = {label.name: label for label in project.labels()}
    boxes = project.boxes_of(project.image_ids())
    drag(qtbot, panel.rows.viewport(), _middle(panel, 0), _middle(panel, 2) + QPoint(0, 10), steps=4)
    assert _listed(panel) == ["pit", "stain", "scratch"]
    assert {label.name: label for label in project.labels()} == before
    assert project.boxes_of(project.image_ids()) == boxes
    drag(qtbot, panel.rows.viewport(), _middle(panel, 2), _middle(panel, 0) - QPoint(0, 10), steps=4)
    assert _listed(panel) == ["scratch", "pit", "stain"]
    session.undo()
    assert _listed(panel) == ["pit", "stain", "scratch"]
    assert boxes_of(session) == boxes[session.image_id or 0]  # a drag ticks nothing


def test_the_list_is_worked_by_keys(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    panel = page.labels
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_L, CONTROL)
    assert QApplication.focusWidget() is panel.rows
    page.canvas.select_boxes([boxes_of(session)[1].id])
    qtbot.keyClick(panel.rows, Qt.Key.Key_Space)
    assert names(session, boxes_of(session)[1]) == ["scratch", "stain"]
    qtbot.keyClick(panel.rows, Qt.Key.Key_Down, ALT)
    assert _listed(panel) == ["pit", "scratch", "stain"]
    qtbot.keyClick(panel.rows, Qt.Key.Key_End, ALT)
    assert _listed(panel) == ["pit", "stain", "scratch"] and panel.rows.currentIndex().row() == 2
    said: list[str] = []
    _press("Delete label", said)
    qtbot.keyClick(panel.rows, Qt.Key.Key_Delete)
    assert _listed(panel) == ["pit", "stain"]
    assert len(boxes_of(session)) == 3  # Del was about the label, not about the selected box
    assert "taken off 3 boxes" in said[0] and "1 of them is left with no label" in said[0]
    session.undo("Delete label scratch")
    assert names(session, boxes_of(session)[0]) == ["pit", "scratch"]
    qtbot.keyClick(panel.rows, Qt.Key.Key_Escape)
    assert page.focusWidget() is page.canvas.view


def test_the_boxes_that_a_merge_touches_are_told_before(qtbot: QtBot, session: Session) -> None:
    project = project_of(session)
    scratch, pit, stain = project.labels()
    dialog = MergeLabelsDialog(project.labels(), project.label_set_counts(), scratch)
    qtbot.addWidget(dialog)
    dialog.choose_into(pit.id)
    assert dialog.says.startswith("scratch becomes pit on 2 boxes; 1 of them carries both and keeps one.")
    dialog.tick_label(stain.id)
    assert dialog.gone == [scratch.id, stain.id] and dialog.into == pit.id
    assert dialog.says.startswith("2 labels become pit on 3 boxes;")
    dialog.tick_label(pit.id)
    assert not find_button(dialog, "Merge").isEnabled()
    dialog.tick_label(pit.id, False)
    assert find_button(dialog, "Merge").isEnabled()


def test_many_labels_are_searched_and_few_are_not(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    panel = page.labels
    assert not panel.search.isVisible()
    session.notify(add_labels(project_of(session), [f"class {number}" for number in range(57)]))
    assert panel.search.isVisible() and len(_seen(panel)) == 60
    panel.search.setText("class 5")
    assert _seen(panel) == [name for name in _listed(panel) if name.startswith("class") and "5" in name]
    row = _listed(panel).index("class 5")
    page.canvas.select_boxes([boxes_of(session)[2].id])
    qtbot.mouseClick(panel.rows.viewport(), Qt.MouseButton.LeftButton, pos=_middle(panel, row))
    assert names(session, boxes_of(session)[2]) == ["pit", "class 5"]
    # Between labels that are not seen there is no place to put one.
    order = _listed(panel)
    drag(qtbot, panel.rows.viewport(), _middle(panel, row), _middle(panel, row) + QPoint(0, 80), steps=4)
    assert _listed(panel) == order
    panel.search.clear()
    assert len(_seen(panel)) == 60


def test_bars_tell_what_the_label_under_the_mouse_occurs_with(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    panel = page.labels
    assert panel.together.isVisible()
    qtbot.mouseMove(panel.rows.viewport(), _middle(panel, 0))
    panel.rows.pointed.emit(0)
    assert panel.together.lines == [("pit", 0.5, 1)]
    panel.rows.pointed.emit(2)
    assert panel.together.lines == []
    page.canvas.select_boxes([boxes_of(session)[2].id])
    assert panel.together.lines == [("scratch", 0.5, 1)]  # of the selected box's label
    page.canvas.select_boxes([boxes_of(session)[0].id])
    page.editing.toggle_label(project_of(session).labels()[1].id)
    assert not panel.together.isVisible()  # no box carries two labels any more


def test_the_matrix_says_each_pair_in_words_and_is_walked_by_keys(qtbot: QtBot, session: Session) -> None:
    project = project_of(session)
    dialog = TogetherDialog(project.labels(), count_cooccurrence(project.label_set_counts()))
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitExposed(dialog)
    matrix, said = dialog.matrix, list[str]()
    matrix.told.connect(said.append)
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Down):
        qtbot.keyClick(matrix, key)
    assert said == [
        "scratch: on 2 boxes, alone on 1 (50%)",
        "scratch and pit: 1 box, 50% of scratch, 50% of pit",
        "pit: on 2 boxes, alone on 1 (50%)",
    ]
    at = QPointF(matrix.NAME + 2.5 * matrix.cell_side, matrix.NAME + 0.5 * matrix.cell_side).toPoint()
    qtbot.mouseMove(matrix, at)
    assert said[-1].startswith("scratch and stain: 0 boxes") or said[-1].startswith("pit")


def test_boxes_are_sorted_by_label_and_size_and_back(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    shown = page.box_list

    def sizes() -> list[str]:
        return [str(shown.sorted.index(row, SIZE).data()) for row in range(shown.sorted.rowCount())]

    drawn = ["38 × 28", "10 × 24", "10 × 10"]
    assert sizes() == drawn
    header = shown.header()
    for column, expected in (
        (SIZE, ["10 × 10", "10 × 24", "38 × 28"]),
        (SIZE, ["38 × 28", "10 × 24", "10 × 10"]),
        (SIZE, drawn),
        (LABELS, ["10 × 10", "38 × 28", "10 × 24"]),
    ):
        x = header.sectionViewportPosition(column) + 20
        qtbot.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(x, 10))
        assert sizes() == expected
    page.canvas.select_boxes([boxes_of(session)[2].id])
    assert [index.row() for index in shown.selectionModel().selectedRows()] == [0]


def test_sizes_are_in_mm_where_the_project_has_a_scale(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    session.set_setting("mm_per_pixel", 0.05)
    refresh_image(session)
    shown = page.box_list
    assert str(shown.sorted.index(0, SIZE).data()) == "1.90 × 1.40"
    assert shown.boxes.headerData(SIZE, Qt.Orientation.Horizontal) == "Size, mm"


def test_several_boxes_are_chosen_in_the_list_and_deleted_by_key(
    qtbot: QtBot, page: LabelPage, session: Session
) -> None:
    shown = page.box_list
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_L, CONTROL | SHIFT)
    assert QApplication.focusWidget() is shown
    qtbot.keyClick(shown, Qt.Key.Key_Down, SHIFT)
    assert len(page.canvas.selected) == 2
    qtbot.keyClick(shown, Qt.Key.Key_Delete)
    assert len(boxes_of(session)) == 1
    session.undo()
    assert len(boxes_of(session)) == 3


def test_pointing_at_a_box_in_the_list_shows_it_on_the_canvas(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    before = page.canvas.view.grab().toImage()
    page.box_list.entered.emit(page.box_list.sorted.index(1, 0))
    assert page.canvas.view.grab().toImage() != before
    page.box_list.pointed.emit(None)
    assert page.canvas.view.grab().toImage() == before


@given(st.lists(st.integers(20, 300), max_size=12), st.integers(60, 400))
def test_chips_never_reach_over_their_room(wanted: list[int], room: int) -> None:
    widths = chip_widths(wanted, room)
    rest = NARROWEST if len(widths) < len(wanted) else 0
    assert len(widths) <= len(wanted)
    assert sum(widths) + 4 * max(len(widths) - 1, 0) + rest <= room or len(widths) == 0
    assert all(width >= min(NARROWEST, wanted[place]) for place, width in enumerate(widths))


def test_what_is_read_only_is_not_moved_or_deleted(qtbot: QtBot, session: Session, services: Services) -> None:
    folder = project_of(session).folder
    session.close()
    session.open(folder, read_only=True)
    page = shown_page(qtbot, session, services)
    order = _listed(page.labels)
    drag(qtbot, page.labels.rows.viewport(), _middle(page.labels, 0), _middle(page.labels, 2), steps=4)
    page.labels.delete_label(page.labels.model.index(0).data(LABEL))
    page.labels.rows.take_focus()
    qtbot.keyClick(page.labels.rows, Qt.Key.Key_End, ALT)
    assert _listed(page.labels) == order and not find_only(page.labels, QCheckBox).isEnabled()


def test_in_a_short_column_the_bars_give_way_and_no_label_is_cut(
    qtbot: QtBot, page: LabelPage, session: Session
) -> None:
    panel = page.labels
    assert panel.together.isVisible()
    panel.resize(panel.width(), panel.sizeHint().height() - 20)
    assert not panel.together.isVisible()
    rows = panel.model.rowCount()
    assert panel.rows.visualRect(panel.model.index(rows - 1)).bottom() <= panel.rows.viewport().height()
    panel.resize(panel.width(), panel.sizeHint().height())
    assert panel.together.isVisible()


def test_the_right_column_fits_the_lowest_window_with_room_for_larger_letters(
    page: LabelPage, session: Session
) -> None:
    session.notify(add_labels(project_of(session), ["inclusion", "crack", "dent"]))
    panel = find_only(page, LabelPanel)
    # Of 640 pixels the menu and the status bar take 57. Where less is left than all parts must have, they overlap.
    QApplication.processEvents()
    column = panel.parentWidget()
    assert column is not None and column.minimumSizeHint().height() <= 583 - 20
    assert panel.rows.minimumHeight() >= 3 * panel.rows.visualRect(panel.model.index(0)).height()
