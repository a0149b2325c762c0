"""The project's labels beside the canvas: tick them for the selected boxes or for the next box, and edit them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QColorDialog,
    QHBoxLayout,
    QListView,
    QMenu,
    QMessageBox,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from core.errors import InputError
from core.project import label_edits
from core.project.palette import extended
from core.types import Label
from desktop.dialogs.errors import message_box
from desktop.dialogs.label_dialog import LabelDialog, swatch
from desktop.models import wording
from desktop.models.label_list import COUNT, LABEL, LabelListModel
from desktop.session import Session
from desktop.theme import GAP, PAD, icon, set_icon
from desktop.widgets.label_delegate import ROW, LabelDelegate, menu_rect
from desktop.widgets.parts import icon_button, words

ROWS_IN_SIGHT = 7  # of labels, however small the window is


class LabelPanel(QWidget):
    """Announces `toggled` and leaves it to the page what it is toggled on."""

    toggled = Signal(int)  # label id
    failed = Signal(str)  # an edit of the labels that was refused, and why

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.model = LabelListModel(session, self)
        self._about = words("", "small", wrap=True)
        self._add = icon_button("add", "Add a label")
        self._add.clicked.connect(self.add_label)
        self._first = QPushButton("Add the first label")
        set_icon(self._first, "add")
        self._first.clicked.connect(self.add_label)
        self._view = _LabelView()
        self._view.setModel(self.model)
        self._view.toggled.connect(self._toggle_row)
        self._view.menu_wanted.connect(self._show_menu)
        head = QHBoxLayout()
        head.setContentsMargins(PAD, GAP, GAP, 0)
        head.addWidget(words("Labels", "section"), 1)
        head.addWidget(self._add)
        inner = QVBoxLayout()
        inner.setContentsMargins(PAD, 0, PAD, GAP)
        inner.setSpacing(GAP)
        inner.addWidget(self._about)
        inner.addWidget(self._first)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(head)
        layout.addLayout(inner)
        layout.addWidget(self._view, 1)
        layout.addStretch(0)  # takes the room while there are no labels
        session.project_changed.connect(self._update_actions)
        session.changed.connect(self._update_actions)
        self._update_actions()

    def show_sets(self, sets: Sequence[frozenset[int]], about: str) -> None:
        """Tick the labels of `sets`, and say in `about` whose they are."""
        self.model.set_selection(sets)
        self._about.setText(about)

    # -- editing the labels

    def add_label(self) -> None:
        project = self._session.project
        if project is None:
            return
        # A free name stands in until one is typed; only its colour and key are taken.
        taken = {label.name for label in project.labels()}
        stand_in = next(name for name in map(str, itertools.count(1)) if name not in taken)
        fresh = extended(project.labels(), [stand_in], lambda: project.new_ids("label", 1)[0])[-1]
        dialog = LabelDialog(fresh, project.labels(), title="Add a label", parent=self)
        if dialog.exec():
            self._apply((*project.labels(), dialog.value()))

    def edit_label(self, label: Label) -> None:
        """Change name, colour and key in a dialog."""
        dialog = LabelDialog(label, self.model.labels(), title=f"Label {label.name}", parent=self)
        if dialog.exec():
            self._replace(dialog.value())

    def recolor(self, label: Label) -> None:
        chosen = QColorDialog.getColor(QColor(label.color), self, f"Colour of {label.name}")
        if chosen.isValid():
            self._replace(replace(label, color=chosen.name()))

    def delete_label(self, label: Label, count: int) -> None:
        """Ask, and take the label off the project and all its boxes."""
        boxes = wording.plural(count, "box", "boxes")
        where = f"It is taken off {boxes}; the boxes themselves stay." if count else "No box carries it."
        box = message_box(self, f"Delete the label “{label.name}”?", f"{where} Undo brings it back.")
        delete = box.addButton("Delete label", QMessageBox.ButtonRole.DestructiveRole)
        delete.setProperty("role", "danger")
        box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
        box.exec()
        if box.clickedButton() is delete:
            self._apply(tuple(other for other in self.model.labels() if other.id != label.id))

    def move_label(self, label: Label, by: int) -> None:
        """Move a label up or down the list."""
        labels = list(self.model.labels())
        at = labels.index(label)
        labels.insert(at + by, labels.pop(at))
        self._apply(tuple(labels))

    def _replace(self, changed: Label) -> None:
        def adapted(label: Label) -> Label:
            if label.id == changed.id:
                return changed
            # A key that was given to this label is taken from the one that had it.
            return replace(label, shortcut="") if changed.shortcut and label.shortcut == changed.shortcut else label

        self._apply(tuple(adapted(label) for label in self.model.labels()))

    def _apply(self, labels: tuple[Label, ...]) -> None:
        assert self._session.project is not None
        taken: set[str] = set()
        unique = []
        # The last label with a key keeps it: it is the one that was just given it.
        for label in reversed(labels):
            unique.append(replace(label, shortcut="") if label.shortcut in taken else label)
            taken |= {label.shortcut} - {""}
        labels = tuple(reversed(unique))
        try:
            self._session.apply(label_edits.set_labels(self._session.project, labels))
        except InputError as error:
            self.failed.emit(str(error))

    def _toggle_row(self, row: int) -> None:
        self.toggled.emit(self.model.labels()[row].id)

    def _show_menu(self, row: int, at: QPoint) -> None:
        index = self.model.index(row)
        label: Label = index.data(LABEL)
        count: int = index.data(COUNT)
        menu = QMenu(self)
        menu.addAction(icon("edit"), "Rename, key…", lambda: self.edit_label(label))
        menu.addAction(swatch(QColor(label.color)), "Colour…", lambda: self.recolor(label))
        menu.addSeparator()
        up = menu.addAction(icon("chevron-up"), "Move up", lambda: self.move_label(label, -1))
        up.setEnabled(row > 0)
        down = menu.addAction(icon("chevron-down"), "Move down", lambda: self.move_label(label, 1))
        down.setEnabled(row < self.model.rowCount() - 1)
        menu.addSeparator()
        menu.addAction(icon("delete"), "Delete…", lambda: self.delete_label(label, count))
        for action in menu.actions():
            action.setEnabled(action.isEnabled() and self._editable)
        menu.exec(at)
        menu.deleteLater()

    @property
    def _editable(self) -> bool:
        return self._session.project is not None and not self._session.project.read_only

    def _update_actions(self) -> None:
        self._add.setEnabled(self._editable)
        self._first.setVisible(self._editable and not self.model.rowCount())
        self._view.setVisible(self.model.rowCount() > 0)
        self._view.setMinimumHeight(min(self.model.rowCount(), ROWS_IN_SIGHT) * ROW + 4)
        self._about.setVisible(self.model.rowCount() > 0)


class _LabelView(QListView):
    """A click ticks; the dots and the right button open the menu."""

    toggled = Signal(int)  # row
    menu_wanted = Signal(int, QPoint)  # row, position on the screen

    def __init__(self) -> None:
        super().__init__()
        self.setItemDelegate(LabelDelegate(self))
        self.setMouseTracking(True)
        self.setUniformItemSizes(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("Labels")

    def mousePressEvent(self, event: QMouseEvent) -> None:
        at = event.position().toPoint()
        index = self.indexAt(at)
        if not index.isValid():
            return
        row = self.visualRect(index).adjusted(6, 1, -6, -1)
        if event.button() == Qt.MouseButton.RightButton or menu_rect(row).contains(at):
            self.menu_wanted.emit(index.row(), self.viewport().mapToGlobal(at))
        elif event.button() == Qt.MouseButton.LeftButton:
            self.toggled.emit(index.row())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        # Two quick clicks are two ticks.
        self.mousePressEvent(event)
