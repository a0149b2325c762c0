"""The project's labels for Qt's views: how many boxes carry each, and which the selection carries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor

from core.changes import Changes
from core.types import Label
from desktop.base.session import Session
from desktop.label.canvas.box_rules import NO_RULES, BoxRules
from desktop.label.canvas.interaction import find_tri_state

LABEL = int(Qt.ItemDataRole.UserRole) + 1
COUNT = LABEL + 1
HIDDEN = LABEL + 3  # whether its boxes are out of sight
LOCKED = LABEL + 4  # whether its boxes are held in place
CHECKED = LABEL + 2  # True, False, or None where only some of the selected boxes carry it

Index = QModelIndex | QPersistentModelIndex
NO_PARENT = QModelIndex()


class LabelListModel(QAbstractListModel):
    """One row a label, in the project's order; follows the session."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._labels: tuple[Label, ...] = ()
        self._counts: dict[str, int] = {}
        self._sets: tuple[frozenset[int], ...] = ()
        self._rules = NO_RULES
        session.project_changed.connect(self._reload_labels)
        session.changed.connect(self._follow_changes)
        self._reload_labels()

    def rowCount(self, parent: Index = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self._labels)

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:
        if not index.isValid():
            return None
        label = self._labels[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return label.name
        if role == Qt.ItemDataRole.DecorationRole:
            return QColor(label.color)
        if role == Qt.ItemDataRole.ToolTipRole:
            key = f"   key {label.shortcut}" if label.shortcut else ""
            return f"{label.name}: on {self._counts.get(label.name, 0):,} boxes{key}{self._describe_rules(label)}"
        if role == LABEL:
            return label
        if role == COUNT:
            return self._counts.get(label.name, 0)
        if role == CHECKED:
            return find_tri_state(self._sets, label.id)
        if role == HIDDEN:
            return self._rules.hides_label(label.id)
        if role == LOCKED:
            return label.id in self._rules.locked_labels
        return None

    def set_rules(self, rules: BoxRules) -> None:
        """Say of which labels the boxes are hidden or locked."""
        self._rules = rules
        self._all_changed()

    def _describe_rules(self, label: Label) -> str:
        hidden = "\nBoxes without another label are hidden" if self._rules.hides_label(label.id) else ""
        locked = "\nIts boxes are locked" if label.id in self._rules.locked_labels else ""
        return hidden + locked

    def labels(self) -> tuple[Label, ...]:
        return self._labels

    def set_selection(self, sets: Sequence[frozenset[int]]) -> None:
        """Tick the labels of these label sets: those of the selected boxes, or the one of the next box."""
        self._sets = tuple(sets)
        self._all_changed()

    def _reload_labels(self) -> None:
        project = self._session.shown
        self.beginResetModel()
        self._labels = project.labels() if project is not None else ()
        self._counts = project.counts().labels if project is not None else {}
        self.endResetModel()

    def _follow_changes(self, changes: Changes, _initiator: object) -> None:
        project = self._session.shown
        if project is None:
            return
        if changes.labels:
            self._reload_labels()
        elif changes.boxes or changes.image_list:
            self._counts = project.counts().labels
            self._all_changed()

    def _all_changed(self) -> None:
        if self._labels:
            self.dataChanged.emit(self.index(0), self.index(len(self._labels) - 1))
