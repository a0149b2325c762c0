"""Which labels become one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from core.counting import format_count
from core.project.edits.label_edits import boxes_with
from core.types import Label
from desktop.base.theme import GAP, PAD
from desktop.kit.parts import swatch, words
from desktop.label.labels.label_match import find_matches

ID = Qt.ItemDataRole.UserRole


class MergeLabelsDialog(QDialog):
    """Asks for the labels that go, `gone`, and the one that takes their place, `into`."""

    def __init__(
        self,
        labels: Sequence[Label],
        label_set_counts: Mapping[frozenset[int], int],
        chosen: Label,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Merge labels")
        self._labels = tuple(labels)
        self._counts = label_set_counts
        self._search = QLineEdit(placeholderText="Search labels", clearButtonEnabled=True)
        self._search.setVisible(len(labels) > 10)
        self._list = QListWidget()
        self._list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self._list.setAccessibleName("Labels that go")
        self._list.setMinimumSize(340, 170)
        self._into = QComboBox()
        self._into.setAccessibleName("Label that takes their place")
        for label in labels:
            self._list.addItem(self._make_item(label, ticked=label == chosen))
            self._into.addItem(swatch(QColor(label.color), 14), label.name, label.id)
        self._into.setCurrentIndex(next((row for row, label in enumerate(labels) if label != chosen), 0))
        self._says = words("", "", wrap=True)
        self._says.setTextFormat(Qt.TextFormat.PlainText)
        self._says.setMinimumHeight(3 * self.fontMetrics().height())
        self._says.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self._merge = self._buttons.addButton("Merge", QDialogButtonBox.ButtonRole.AcceptRole)
        self._merge.setDefault(True)
        self._buttons.accepted.connect(self.accept)
        self._buttons.rejected.connect(self.reject)
        self._place_parts()
        self._search.textChanged.connect(self._filter_labels)
        self._list.itemChanged.connect(self._update_text)
        self._into.currentIndexChanged.connect(self._update_text)
        self._update_text()

    def _place_parts(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * PAD, 2 * PAD, 2 * PAD, PAD + GAP)
        layout.setSpacing(GAP)
        layout.addWidget(words("These labels go", "section"))
        layout.addWidget(self._search)
        layout.addWidget(self._list, 1)
        layout.addWidget(words("and this one takes their place", "section"))
        layout.addWidget(self._into)
        layout.addSpacing(GAP)
        layout.addWidget(self._says)
        layout.addWidget(self._buttons)

    @property
    def gone(self) -> list[int]:
        """Ids of the labels that go."""
        items = (self._list.item(row) for row in range(self._list.count()))
        return [item.data(ID) for item in items if item.checkState() is Qt.CheckState.Checked]

    @property
    def into(self) -> int:
        """Id of the label that takes their place."""
        return int(self._into.currentData())

    @property
    def says(self) -> str:
        return self._says.text()

    def tick_label(self, label_id: int, ticked: bool = True) -> None:
        """Tick a label that goes."""
        row = next(row for row, label in enumerate(self._labels) if label.id == label_id)
        self._list.item(row).setCheckState(Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked)

    def choose_into(self, label_id: int) -> None:
        self._into.setCurrentIndex(self._into.findData(label_id))

    def _make_item(self, label: Label, *, ticked: bool) -> QListWidgetItem:
        item = QListWidgetItem(swatch(QColor(label.color), 14), label.name)
        item.setData(ID, label.id)
        item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
        item.setCheckState(Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked)
        return item

    def _filter_labels(self, typed: str) -> None:
        fits = {match.label.id for match in find_matches(self._labels, typed)}
        for row, label in enumerate(self._labels):
            self._list.item(row).setHidden(label.id not in fits)

    def _update_text(self) -> None:
        gone, into = frozenset(self.gone), self.into
        fault = "Tick the labels that go." if not gone else ""
        if into in gone:
            fault = "The label that takes their place cannot go as well."
        self._merge.setEnabled(not fault)
        self._says.setText(fault or self._describe_effect(gone, into))

    def _describe_effect(self, gone: frozenset[int], into: int) -> str:
        names = {label.id: label.name for label in self._labels}
        touched = boxes_with(self._counts, gone)
        both = sum(count for labels, count in self._counts.items() if labels & gone and into in labels)
        what = names[next(iter(gone))] if len(gone) == 1 else f"{len(gone):,} labels"
        if not touched:
            return f"No box carries {what}; only the list of labels changes. Undo brings it back."
        become = "becomes" if len(gone) == 1 else "become"
        text = f"{what} {become} {names[into]} on {format_count(touched, 'box')}"
        if both:
            text += f"; {both:,} of them {'carries both and keeps' if both == 1 else 'carry both and keep'} one"
        return f"{text}. Undo brings it all back."
