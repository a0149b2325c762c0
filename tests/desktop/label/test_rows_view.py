"""A view of equally high rows under the hand: keys, clicks, the wheel, and what it paints."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QRect, QStringListModel, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QAbstractItemView, QStyle, QStyledItemDelegate, QStyleOptionViewItem
from pytestqt.qtbot import QtBot

from desktop.label.images.rows_view import RowsView

HEIGHT, ROWS = 20, 100_000
SHIFT, CONTROL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier


class Delegate(QStyledItemDelegate):
    """Notes which rows were painted, and how."""

    def __init__(self) -> None:
        super().__init__()
        self.painted: dict[int, QStyle.StateFlag] = {}

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        assert option.rect.height() == HEIGHT
        self.painted[index.row()] = option.state


@pytest.fixture
def view(qtbot: QtBot) -> RowsView:
    view = RowsView(HEIGHT)
    view.model_ = QStringListModel([str(row) for row in range(ROWS)])  # type: ignore[attr-defined]
    view.delegate_ = Delegate()  # type: ignore[attr-defined]
    view.setModel(view.model_)  # type: ignore[attr-defined]
    view.setItemDelegate(view.delegate_)  # type: ignore[attr-defined]
    view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
    view.resize(120, 10 * HEIGHT + 2 * view.frameWidth())
    qtbot.addWidget(view)
    view.show()
    qtbot.waitExposed(view)
    view.setCurrentIndex(view.model().index(0, 0))
    return view


def selected(view: RowsView) -> list[int]:
    return sorted(index.row() for index in view.selectionModel().selectedRows())


def test_keys_move_by_rows_pages_and_to_the_ends(qtbot: QtBot, view: RowsView) -> None:
    for key, row in (
        (Qt.Key.Key_Down, 1),
        (Qt.Key.Key_PageDown, 10),
        (Qt.Key.Key_End, ROWS - 1),
        (Qt.Key.Key_Down, ROWS - 1),
        (Qt.Key.Key_PageUp, ROWS - 10),
        (Qt.Key.Key_Home, 0),
        (Qt.Key.Key_Up, 0),
    ):
        qtbot.keyClick(view, key)
        assert view.currentIndex().row() == row and selected(view) == [row]
        assert view.viewport().rect().contains(view.visualRect(view.currentIndex()))


def test_clicks_and_keys_select_ranges_and_single_rows(qtbot: QtBot, view: RowsView) -> None:
    def click(row: int, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        at = QPoint(5, row * HEIGHT + HEIGHT // 2)
        qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, modifier, at)

    click(2)
    click(5, SHIFT)
    assert selected(view) == [2, 3, 4, 5]
    click(3, CONTROL)
    assert selected(view) == [2, 4, 5]
    click(7)
    qtbot.keyClick(view, Qt.Key.Key_Down, SHIFT)
    assert selected(view) == [7, 8]
    # Also far out of sight.
    qtbot.keyClick(view, Qt.Key.Key_End, SHIFT)
    assert len(selected(view)) == ROWS - 7


def test_only_rows_in_sight_are_painted_and_only_the_changed_one_again(qtbot: QtBot, view: RowsView) -> None:
    delegate: Delegate = view.delegate_  # type: ignore[attr-defined]
    view.scrollTo(view.model().index(50_000, 0), QAbstractItemView.ScrollHint.PositionAtTop)
    delegate.painted.clear()
    view.viewport().repaint()
    assert sorted(delegate.painted) == list(range(50_000, 50_010))
    delegate.painted.clear()
    index = view.model().index(50_003, 0)
    view.model().dataChanged.emit(index, index)
    qtbot.waitUntil(lambda: bool(delegate.painted))
    assert list(delegate.painted) == [50_003]


def test_the_row_that_has_the_keys_and_the_one_under_the_mouse_are_told_to_the_delegate(
    qtbot: QtBot, view: RowsView
) -> None:
    delegate: Delegate = view.delegate_  # type: ignore[attr-defined]
    view.setFocus()
    qtbot.mouseMove(view.viewport(), QPoint(5, 3 * HEIGHT + 5))
    under_mouse, nothing = QStyle.StateFlag.State_MouseOver, QStyle.StateFlag.State_None
    qtbot.waitUntil(lambda: bool(delegate.painted.get(3, nothing) & under_mouse))
    view.viewport().repaint()
    assert delegate.painted[0] & QStyle.StateFlag.State_HasFocus
    assert delegate.painted[0] & QStyle.StateFlag.State_Selected
    assert delegate.painted[3] & QStyle.StateFlag.State_MouseOver
    assert not delegate.painted[1] & (QStyle.StateFlag.State_HasFocus | QStyle.StateFlag.State_MouseOver)


def test_rows_are_found_by_their_places_and_nothing_below_the_last(view: RowsView) -> None:
    view.verticalScrollBar().setValue(view.verticalScrollBar().maximum())
    assert view.indexAt(QPoint(3, 10 * HEIGHT - 1)).row() == ROWS - 1
    assert view.visualRect(view.model().index(ROWS - 10, 0)) == QRect(0, 0, view.viewport().width(), HEIGHT)
    view.model().removeRows(3, ROWS - 3)
    assert view.verticalScrollBar().maximum() == 0
    assert view.indexAt(QPoint(3, 2 * HEIGHT + 1)).row() == 2
    assert not view.indexAt(QPoint(3, 3 * HEIGHT + 1)).isValid()


def test_a_list_that_grew_can_be_scrolled_to_its_end_at_once(view: RowsView) -> None:
    model: QStringListModel = view.model_  # type: ignore[attr-defined]
    model.setStringList(["a"])
    assert view.verticalScrollBar().maximum() == 0
    model.setStringList([str(row) for row in range(500)])
    last = model.index(499, 0)
    view.scrollTo(last)
    assert view.viewport().rect().contains(view.visualRect(last))


# -- as a grid


@pytest.fixture
def grid(view: RowsView) -> RowsView:
    """Four columns of 30 pixels or somewhat more."""
    view.resize(4 * 32 + 2 * view.frameWidth() + view.verticalScrollBar().width(), view.height())
    view.set_cells(HEIGHT, 30)
    assert view.columns == view.viewport().width() // 30 == 4
    return view


def test_keys_go_through_a_grid_by_cells_and_lines(qtbot: QtBot, grid: RowsView) -> None:
    for key, row in (
        (Qt.Key.Key_Right, 1),
        (Qt.Key.Key_Down, 5),
        (Qt.Key.Key_Left, 4),
        (Qt.Key.Key_Left, 3),
        (Qt.Key.Key_Up, 3),
        (Qt.Key.Key_PageDown, 39),
        (Qt.Key.Key_End, ROWS - 1),
        (Qt.Key.Key_Down, ROWS - 1),
        (Qt.Key.Key_Up, ROWS - 5),
        (Qt.Key.Key_Home, 0),
    ):
        qtbot.keyClick(grid, key)
        assert grid.currentIndex().row() == row and selected(grid) == [row]
        assert grid.viewport().rect().contains(grid.visualRect(grid.currentIndex()))


def test_a_cell_is_found_by_its_place_and_nothing_beside_the_last(grid: RowsView) -> None:
    for row in (0, 3, 4, 17):
        assert grid.indexAt(grid.visualRect(grid.model().index(row, 0)).center()).row() == row
    grid.model().removeRows(6, ROWS - 6)
    assert grid.verticalScrollBar().maximum() == 0
    beside = grid.visualRect(grid.model().index(5, 0)).center() + QPoint(32, 0)
    assert not grid.indexAt(beside).isValid()


def test_a_click_selects_one_cell_and_shift_a_range(qtbot: QtBot, grid: RowsView) -> None:
    def click(row: int, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        at = grid.visualRect(grid.model().index(row, 0)).center()
        qtbot.mouseClick(grid.viewport(), Qt.MouseButton.LeftButton, modifier, at)

    click(6)
    assert selected(grid) == [6]
    click(13, SHIFT)
    assert {6, 13} <= set(selected(grid))
    click(9, CONTROL)
    assert 13 in selected(grid)


def test_back_in_the_list_the_current_row_is_still_in_sight(grid: RowsView) -> None:
    grid.setCurrentIndex(grid.model().index(70_000, 0))
    grid.set_cells(HEIGHT)
    assert grid.columns == 1
    assert grid.viewport().rect().contains(grid.visualRect(grid.currentIndex()))
