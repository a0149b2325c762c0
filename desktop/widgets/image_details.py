"""What is known about the current image: size, split, group, note."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QFormLayout, QLineEdit, QVBoxLayout, QWidget

from core.types import ImageRecord, Split
from desktop.models import wording
from desktop.theme import GAP, PAD
from desktop.widgets.parts import ElidedLabel, words


class ImageDetails(QWidget):
    """Shows an image's record; announces what a person changes in it."""

    split_chosen = Signal(object)  # Split
    group_entered = Signal(str)
    note_entered = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._record: ImageRecord | None = None
        self._file = ElidedLabel()
        self._size = words()
        self._split = QComboBox()
        for split in Split:
            self._split.addItem("not assigned" if split is Split.NONE else split.value, split)
        self._group = QLineEdit(placeholderText="Part, lot or board")
        self._group.setToolTip("Images of one group are never divided over train, val and test.")
        self._note = QLineEdit(placeholderText="Note")
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
        layout.setContentsMargins(PAD, GAP, PAD, PAD)
        layout.setSpacing(GAP)
        layout.addWidget(words("Image", "section"))
        layout.addLayout(form)
        self._split.activated.connect(lambda _index: self.split_chosen.emit(Split(self._split.currentData())))
        self._group.editingFinished.connect(self._enter_group)
        self._note.editingFinished.connect(self._enter_note)

    def show_record(self, record: ImageRecord | None, *, editable: bool) -> None:
        """Show an image, or nothing."""
        # What was typed and not yet entered belongs to the image that is leaving; the page enters it before.
        self._record = record
        self._file.setText(record.path if record else "")
        size = f"{record.width:,} × {record.height:,} px, {wording.size(record.size_bytes)}" if record else ""
        self._size.setText(size)
        self._split.setCurrentIndex(self._split.findData(record.split if record else Split.NONE))
        self._group.setText(record.group if record else "")
        self._note.setText(record.note if record else "")
        for field in (self._split, self._group, self._note):
            field.setEnabled(editable and record is not None)

    def enter(self) -> None:
        """Announce what was typed but not entered."""
        self._enter_group()
        self._enter_note()

    def _enter_group(self) -> None:
        if self._record is not None and self._group.text().strip() != self._record.group:
            self.group_entered.emit(self._group.text().strip())

    def _enter_note(self) -> None:
        if self._record is not None and self._note.text().strip() != self._record.note:
            self.note_entered.emit(self._note.text().strip())
