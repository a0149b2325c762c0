"""The head of the Inspect page: which checkpoint, on which images, and running the prediction."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QFrame, QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from core.inspection.load_inspection import ALL_SPLITS
from core.project.records import CheckpointRecord
from core.types import Split
from desktop.base import theme
from desktop.kit import formatting
from desktop.kit.parts import ElidedLabel

SPLITS = {
    Split.VAL.value: "Validation",
    Split.TEST.value: "Test",
    Split.TRAIN.value: "Training",
    ALL_SPLITS: "All images",
}


class InspectBar(QFrame):
    """Two choices and one button, with the progress in its place while a prediction runs."""

    chosen = Signal()  # another checkpoint or split
    predict = Signal()
    cancel = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.checkpoints = QComboBox()
        self.checkpoints.setMinimumContentsLength(36)
        self.checkpoints.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.checkpoints.setToolTip("The saved model to look at")
        self.splits = QComboBox()
        self.splits.setToolTip("The images to look at")
        for split, name in SPLITS.items():
            self.splits.addItem(name, split)
        self.button = QPushButton("Predict")
        self.progress = QProgressBar()
        self.progress.setMinimumWidth(140)
        self.progress.setTextVisible(False)
        # Cut where the window is narrow, and whole in its tool tip.
        self.status = ElidedLabel("", "small", Qt.TextElideMode.ElideRight)
        self.cancel_button = QPushButton("Cancel")
        self._banner = QFrame()
        self._banner.setProperty("role", "banner")
        self.note = QLabel()
        self.note.setWordWrap(True)
        self._lay_out()
        self.checkpoints.activated.connect(self.chosen)
        self.splits.activated.connect(self.chosen)
        self.button.clicked.connect(self.predict)
        self.cancel_button.clicked.connect(self.cancel)
        self.set_progress(None)
        self.set_notes([])

    def _lay_out(self) -> None:
        head = QFrame()
        head.setProperty("role", "bar")
        row = QHBoxLayout(head)
        row.setContentsMargins(theme.PAD, theme.GAP, theme.PAD, theme.GAP)
        row.setSpacing(theme.GAP)
        for caption, widget in (("Checkpoint", self.checkpoints), ("on", self.splits)):
            label = QLabel(caption)
            label.setProperty("role", "muted")
            label.setBuddy(widget)
            row.addWidget(label)
            row.addWidget(widget)
        row.addWidget(self.button)
        row.addWidget(self.progress)
        row.addWidget(self.cancel_button)
        row.addWidget(self.status, 1)
        below = QHBoxLayout(self._banner)
        below.setContentsMargins(theme.PAD, 6, theme.PAD, 6)
        icon = QLabel()
        icon.setPixmap(theme.icon_pixmap("info", theme.theme().muted, 16))
        below.addWidget(icon, 0, Qt.AlignmentFlag.AlignTop)
        below.addWidget(self.note, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(head)
        layout.addWidget(self._banner)

    def set_checkpoints(self, records: Sequence[CheckpointRecord], chosen: str | None) -> None:
        """Offer `records` and show which of them is chosen."""
        self.checkpoints.clear()
        for record in records:
            measure = formatting.map_text(record.map50, record.map)
            self.checkpoints.addItem(
                f"{'★ ' if record.star else ''}{record.id}   ·   {measure}   ·   {formatting.model_title(record.model)}",
                record.id,
            )
        self.checkpoints.setCurrentIndex(self.checkpoints.findData(chosen))

    @property
    def checkpoint_id(self) -> str | None:
        value = self.checkpoints.currentData()
        return str(value) if value is not None else None

    @property
    def split(self) -> str:
        return str(self.splits.currentData())

    def set_predictable(self, possible: bool, *, wanted: bool, why: str, again: bool = False) -> None:
        """Whether a prediction can be run, whether it is the next thing to do, at first or `again`, and a word about it."""
        self.button.setText("Predict" if wanted and not again else "Predict again")
        self.button.setEnabled(possible)
        self.button.setToolTip(why)
        self.button.setProperty("role", "primary" if wanted or again else "flat")
        self.button.style().unpolish(self.button)
        self.button.style().polish(self.button)

    def set_progress(self, progress: tuple[int, int] | None, words: str = "") -> None:
        """Show images done of how many; (0, 0) while the model is being loaded; None when nothing runs."""
        running = progress is not None
        had_keys = self.button.hasFocus() or self.cancel_button.hasFocus()
        self.button.setVisible(not running)
        self.progress.setVisible(running)
        self.cancel_button.setVisible(running)
        self.cancel_button.setEnabled(running)
        if had_keys:  # what is hidden would hand the keys on to whatever comes next in the window
            (self.cancel_button if running else self.button).setFocus()
        self.status.setText(words)
        if progress is not None:
            self.progress.setRange(0, progress[1])
            self.progress.setValue(progress[0])

    def show_stopping(self) -> None:
        """Say that the prediction was asked to end, which takes a moment."""
        self.cancel_button.setEnabled(False)
        self.status.setText("Stopping…")

    def set_notes(self, notes: Sequence[str]) -> None:
        """What to know about the numbers; nothing hides the line."""
        self.note.setText("\n".join(notes))
        self._banner.setVisible(bool(notes))
