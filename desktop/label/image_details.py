"""What is known about the current image: file, size, split, group, note."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, QStringListModel, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import (
    QComboBox,
    QCompleter,
    QFormLayout,
    QPlainTextEdit,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from core.types import ImageRecord, Split
from desktop.base.theme import PAD
from desktop.kit import formatting
from desktop.kit.leaving_field import LeavingField
from desktop.kit.parts import ElidedLabel, words

NOTE_LINES = 2  # that are seen where there is room


class ImageDetails(QWidget):
    """Shows an image's record; announces what the user changes in it."""

    split_chosen = Signal(object)  # Split
    group_entered = Signal(str)
    note_entered = Signal(str)
    left = Signal()  # the keys are wanted by the image again

    def __init__(self) -> None:
        super().__init__()
        self._record: ImageRecord | None = None
        # As the fields hold it, which may be otherwise than an import brought it: only what was typed is an edit.
        self._shown_group = self._shown_note = ""
        self._file = ElidedLabel()
        self._size = ElidedLabel()
        self._split = QComboBox()
        self._split.setAccessibleName("Split of the image")
        for split in Split:
            self._split.addItem("not assigned" if split is Split.NONE else split.value, split)
        self._group = LeavingField()
        self._group.setPlaceholderText("Part, lot or board")
        self._group.setAccessibleName("Group of the image")
        self._group.setToolTip("Images of one group are never divided over train, val and test.")
        self._groups = QStringListModel(self)
        completer = QCompleter(self._groups, self)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        self._group.setCompleter(completer)
        self._note = _Note()
        form = QFormLayout()
        form.setHorizontalSpacing(PAD)
        form.setVerticalSpacing(6)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for name, field in (
            ("File", self._file),
            ("Size", self._size),
            ("Split", self._split),
            ("Group", self._group),
            ("Note", self._note),
        ):
            form.addRow(words(name, "muted"), field)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(PAD, PAD, PAD, PAD)
        layout.addLayout(form, 1)
        self._split.activated.connect(lambda _index: self.split_chosen.emit(Split(self._split.currentData())))
        self._group.editingFinished.connect(self._enter_group)
        self._group.left.connect(self.left)
        self._note.finished.connect(self._enter_note)
        self._note.left.connect(self.left)

    def show_record(self, record: ImageRecord | None, *, editable: bool) -> None:
        """Show an image, or nothing. What was typed and not yet entered stays while it is the same image."""
        # What was typed and not entered belongs to the image that is leaving; the page enters it before.
        before, self._record = self._record, record
        same = before is not None and record is not None and before.id == record.id
        self._file.setText(record.path if record else "")
        size = f"{record.width:,} × {record.height:,} px, {formatting.size(record.size_bytes)}" if record else ""
        self._size.setText(size)
        self._split.setCurrentIndex(self._split.findData(record.split if record else Split.NONE))
        group, note = (record.group, record.note) if record else ("", "")
        if not (same and before is not None and before.group == group):
            self._group.setText(group)
            self._shown_group = self._group.text()
        if not (same and before is not None and before.note == note):
            self._note.setPlainText(note)
            self._shown_note = self._note.toPlainText()
        for field in (self._split, self._group, self._note):
            field.setEnabled(editable and record is not None)

    def show_groups(self, names: Sequence[str]) -> None:
        """The groups that are offered while one is typed."""
        if list(names) != self._groups.stringList():
            self._groups.setStringList(list(names))

    def focus_note(self) -> None:
        self._note.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._note.moveCursor(self._note.textCursor().MoveOperation.End)

    def enter(self) -> None:
        """Announce what was typed but not entered."""
        self._enter_group()
        self._enter_note()

    def _enter_group(self) -> None:
        group = self._group.text()
        if self._record is not None and group != self._shown_group and group.strip() != self._record.group:
            self.group_entered.emit(group.strip())

    def _enter_note(self) -> None:
        note = self._note.toPlainText()
        if self._record is not None and note != self._shown_note and note.strip() != self._record.note:
            self.note_entered.emit(note.strip())


class _Note(QPlainTextEdit):
    """Several lines; entered when it is left, or by Ctrl+Enter."""

    finished = Signal()
    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setPlaceholderText("Note")
        self.setAccessibleName("Note on the image")
        self.setToolTip("Kept when you leave the field. Tab goes on, Ctrl+Enter goes back to the image.")
        self.setTabChangesFocus(True)
        # The style sheet's least height of fields is that of one line.
        self.setStyleSheet(f"min-height: {self.minimumSizeHint().height() - 10}px")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def minimumSizeHint(self) -> QSize:
        return QSize(80, self.fontMetrics().lineSpacing() + 18)

    def sizeHint(self) -> QSize:
        return QSize(80, self.fontMetrics().lineSpacing() * NOTE_LINES + 18)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if event.reason() != Qt.FocusReason.PopupFocusReason:  # its own menu
            self.finished.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        control = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        if event.key() == Qt.Key.Key_Escape or (control and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)):
            self.left.emit()
        else:
            super().keyPressEvent(event)
