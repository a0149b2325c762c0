"""Every field by which images can be filtered, in a window that opens beside the list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent
from PySide6.QtWidgets import (
    QComboBox,
    QCompleter,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.project.images.query import NO_LABEL, Filter, Range, Where
from core.types import Label, Split
from desktop.base.theme import GAP, PAD, theme
from desktop.kit.number_fields import WholeSpinBox
from desktop.kit.parts import ElidedLabel, swatch, words
from desktop.label.images.filter_words import NO_LABEL_TEXT

WIDTH = 400
LABEL_ROWS = 6  # that are seen without scrolling
LABEL_ROW = 30
MOST = 1_000_000
WHERE = {
    Where.IMAGE: "anywhere on the image",
    Where.BOX: "together on one box",
    Where.EXACT: "on one box, and no others",
}


class FilterPopup(QFrame):
    """Announces every change at once, so that the list behind it can be watched."""

    changed = Signal(object)  # Filter

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setProperty("role", "popup")
        self.setAccessibleName("Filter the images")
        self._value = Filter()
        self._filling = False
        self._label_rows: dict[int, _LabelRow] = {}
        self._splits = {split: self._split_button(split) for split in Split}
        self._where = QComboBox()
        for where, text in WHERE.items():
            self._where.addItem(text, where)
        self._where.setAccessibleName("Where the labels must be")
        self._labels = QVBoxLayout()
        self._group = QComboBox()
        self._group.setEditable(True)
        self._group.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self._group.setAccessibleName("Group")
        self._group.setMinimumContentsLength(12)
        self._group.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        completer = QCompleter(self._group.model(), self)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self._typed = QLineEdit()
        self._group.setLineEdit(self._typed)
        self._group.setCompleter(completer)
        self._boxes = (_make_limit("Fewest boxes"), _make_limit("Most boxes"))
        self._smallest = (_make_limit("Smallest box at least", " px"), _make_limit("Smallest box at most", " px"))
        self._difficult = _yes_no("Difficult boxes", "with difficult boxes", "without difficult boxes")
        self._difficult.setToolTip("Boxes that training and judging ignore")
        self._note = _yes_no("Note", "with a note", "without a note")
        self._predicted = _yes_no("Predictions", "with predictions", "without predictions")
        self._predicted.setToolTip("Whether the newest checkpoint predictions in this project cover the image")
        self._missing = _yes_no("File", "missing", "present")
        self._count = words("", "muted")
        self._clear = QPushButton("Clear all")
        self._place_parts()
        self._connect_parts()

    # -- for the filter bar

    def open_beside(self, anchor: QWidget) -> None:
        """Show it to the right of `anchor`, within the screen, so that the list below `anchor` stays in sight."""
        self.setFixedWidth(WIDTH)
        self.adjustSize()
        screen = anchor.screen().availableGeometry()
        at = anchor.mapToGlobal(QPoint(anchor.width() + 2 * PAD, 0))
        at.setX(max(screen.left(), min(at.x(), screen.right() - self.width())))
        at.setY(max(screen.top(), min(at.y(), screen.bottom() - self.height())))
        self.move(at)
        self.show()
        next(iter(self._splits.values())).setFocus(Qt.FocusReason.PopupFocusReason)

    def show_project(
        self, labels: Sequence[Label], groups: Sequence[tuple[str, int]], splits: Mapping[Split, int]
    ) -> None:
        """Offer what the project has."""
        self._filling = True
        while (item := self._labels.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        self._label_rows = {}
        for label in labels:
            self._add_label_row(label.id, label.name, QColor(label.color))
        self._add_label_row(NO_LABEL, NO_LABEL_TEXT, None)
        self._list.setFixedHeight(min(len(self._label_rows), LABEL_ROWS) * LABEL_ROW + 2)
        self._group.clear()
        self._group.addItem("any", None)
        for name, count in groups:
            self._group.addItem(f"{name or 'no group'}  ({count:,})", name)
        for split, button in self._splits.items():
            button.setText(f"{_split_text(split)}  {splits[split]:,}")
        self._filling = False
        self.show_value(self._value)

    def show_value(self, value: Filter) -> None:
        """Show what is asked for, without announcing it."""
        self._filling = True
        self._value = value
        for split, button in self._splits.items():
            button.setChecked(split in value.splits)
        for label, row in self._label_rows.items():
            row.show_state(label in value.carries, label in value.lacks)
        self._where.setCurrentIndex(self._where.findData(value.where))
        self._where.setEnabled(bool(value.carries))
        group = next(iter(sorted(value.groups)), None)
        self._group.setCurrentIndex(max(0, self._group.findData(group)) if group is not None else 0)
        for fields, limits in ((self._boxes, value.boxes), (self._smallest, value.smallest)):
            for field, limit in zip(fields, (limits.low, limits.high), strict=True):
                field.setValue(-1 if limit is None else round(limit))
        for combo, state in (
            (self._difficult, value.difficult),
            (self._note, value.note),
            (self._predicted, value.predicted),
            (self._missing, value.missing),
        ):
            combo.setCurrentIndex(combo.findData(state))
        self._clear.setEnabled(bool(replace(value, words="")))
        self._filling = False

    def show_count(self, shown: int, total: int) -> None:
        self._count.setText(f"{shown:,} of {total:,} images")

    @property
    def count_text(self) -> str:
        """How many images pass, in words."""
        return self._count.text()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            # Enter that chose in the list of a combo box comes here as well, when that list is closed already.
            if not isinstance(self.focusWidget(), QComboBox):
                self.close()
        else:
            super().keyPressEvent(event)

    # -- building

    def _split_button(self, split: Split) -> QToolButton:
        button = QToolButton()
        button.setProperty("role", "chip")
        button.setCheckable(True)
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        button.setText(_split_text(split))
        button.setAccessibleName(f"Split {_split_text(split)}")
        return button

    def _add_label_row(self, label: int, name: str, color: QColor | None) -> None:
        row = _LabelRow(name, color)
        row.changed.connect(self._announce_value)
        self._label_rows[label] = row
        self._labels.addWidget(row)

    def _place_parts(self) -> None:
        splits = QHBoxLayout()
        splits.setSpacing(4)
        for button in self._splits.values():
            splits.addWidget(button)
        splits.addStretch(1)
        inside = QWidget()
        inside.setObjectName("scrolled")
        inside.setLayout(self._labels)
        self._labels.setContentsMargins(0, 0, 4, 0)
        self._labels.setSpacing(0)
        self._list = QScrollArea()
        self._list.setWidget(inside)
        self._list.setWidgetResizable(True)
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        head = QHBoxLayout()
        head.addWidget(words("Labels", "section"))
        head.addStretch(1)
        head.addWidget(self._where)
        form = QGridLayout()
        form.setHorizontalSpacing(GAP)
        form.setVerticalSpacing(6)
        form.setColumnStretch(1, 1)
        form.setColumnStretch(3, 1)
        self._add_range(form, 0, "Boxes", self._boxes)
        self._add_range(form, 1, "Smallest box", self._smallest)
        for row, (text, field) in enumerate(
            (
                ("Difficult", self._difficult),
                ("Group", self._group),
                ("Note", self._note),
                ("Predictions", self._predicted),
                ("File", self._missing),
            ),
            start=2,
        ):
            form.addWidget(words(text, "muted"), row, 0)
            form.addWidget(field, row, 1, 1, 3)
        foot = QHBoxLayout()
        foot.addWidget(self._count, 1)
        foot.addWidget(self._clear)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(PAD, PAD, PAD, PAD)
        layout.setSpacing(GAP)
        layout.addWidget(words("Split", "section"))
        layout.addLayout(splits)
        layout.addLayout(head)
        layout.addWidget(self._list)
        layout.addLayout(form)
        layout.addLayout(foot)

    def _add_range(self, form: QGridLayout, row: int, text: str, fields: tuple[WholeSpinBox, WholeSpinBox]) -> None:
        form.addWidget(words(text, "muted"), row, 0)
        form.addWidget(fields[0], row, 1)
        form.addWidget(words("to", "muted"), row, 2)
        form.addWidget(fields[1], row, 3)

    def _connect_parts(self) -> None:
        for button in self._splits.values():
            button.toggled.connect(self._announce_value)
        for combo in (self._where, self._difficult, self._note, self._predicted, self._missing):
            combo.currentIndexChanged.connect(self._announce_value)
        self._group.activated.connect(self._announce_value)
        self._typed.returnPressed.connect(self._enter_group)
        for field in (*self._boxes, *self._smallest):
            field.valueChanged.connect(self._announce_value)
        self._clear.clicked.connect(lambda: self._set_value(Filter(words=self._value.words, statuses=frozenset())))

    # -- reading

    def _enter_group(self) -> None:
        typed = self._group.currentText().strip().casefold()
        names = [self._group.itemData(row) for row in range(self._group.count())]
        row = next((row for row, name in enumerate(names) if name and name.casefold() == typed), -1)
        if row >= 0:
            self._group.setCurrentIndex(row)
        self._announce_value()

    def _announce_value(self) -> None:
        if self._filling:
            return
        group = self._group.currentData()
        value = replace(
            self._value,
            splits=frozenset(split for split, button in self._splits.items() if button.isChecked()),
            carries=frozenset(label for label, row in self._label_rows.items() if row.carries),
            lacks=frozenset(label for label, row in self._label_rows.items() if row.lacks),
            where=Where(self._where.currentData()),
            groups=frozenset() if group is None else frozenset({group}),
            boxes=_read_range(self._boxes),
            smallest=_read_range(self._smallest),
            difficult=self._difficult.currentData(),
            note=self._note.currentData(),
            predicted=self._predicted.currentData(),
            missing=self._missing.currentData(),
        )
        if not value.carries:
            value = replace(value, where=Where.IMAGE)
        self._set_value(value)

    def _set_value(self, value: Filter) -> None:
        if value != self._value:
            self.show_value(value)
            self.changed.emit(value)


class _LabelRow(QWidget):
    """One label with what is asked of it: that it is there, that it is not, or nothing."""

    changed = Signal()

    def __init__(self, name: str, color: QColor | None) -> None:
        super().__init__()
        self.setFixedHeight(LABEL_ROW)
        sign = QLabel()
        sign.setFixedWidth(16)
        icon = swatch(color or theme().strong_border)
        sign.setPixmap(icon.pixmap(14, 14))
        self._with = self._make_button("with", f"Images with {name}")
        self._without = self._make_button("without", f"Images without {name}")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(sign)
        layout.addWidget(ElidedLabel(name), 1)
        layout.addWidget(self._with)
        layout.addWidget(self._without)

    @property
    def carries(self) -> bool:
        return self._with.isChecked()

    @property
    def lacks(self) -> bool:
        return self._without.isChecked()

    def show_state(self, carries: bool, lacks: bool) -> None:
        self._with.setChecked(carries)
        self._without.setChecked(lacks)

    def _make_button(self, text: str, name: str) -> QToolButton:
        button = QToolButton()
        button.setProperty("role", "chip")
        button.setText(text)
        button.setCheckable(True)
        button.setAccessibleName(name)
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        button.clicked.connect(lambda: self._exclude_other(button))
        return button

    def _exclude_other(self, button: QToolButton) -> None:
        other = self._without if button is self._with else self._with
        if button.isChecked():
            other.setChecked(False)
        self.changed.emit()


def _make_limit(name: str, suffix: str = "") -> WholeSpinBox:
    field = WholeSpinBox(-1, MOST, -1)
    field.setSpecialValueText("any")
    field.setSuffix(suffix)
    field.lineEdit().setTextMargins(6, 0, 0, 0)
    field.setAccessibleName(name)
    field.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    return field


def _read_range(fields: tuple[WholeSpinBox, WholeSpinBox]) -> Range:
    low, high = (None if field.value() < 0 else field.value() for field in fields)
    return Range(low, high)


def _yes_no(name: str, yes: str, no: str) -> QComboBox:
    combo = QComboBox()
    combo.setAccessibleName(name)
    for text, value in (("any", None), (yes, True), (no, False)):
        combo.addItem(text, value)
    return combo


def _split_text(split: Split) -> str:
    return "no split" if split is Split.NONE else split.value
