"""What a training would learn from: images by split, clean ones, boxes by label."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from core.counting import format_count
from core.types import ImageRecord, Label, Split, Status
from desktop.base.theme import GAP, theme

USED_SPLITS = (Split.TRAIN, Split.VAL, Split.TEST)
_SPLIT_WORDS = {Split.TRAIN: "Train", Split.VAL: "Validation", Split.TEST: "Test"}


@dataclass(frozen=True, slots=True)
class DataCounts:
    """Images that a training can use, and those that it cannot."""

    images: dict[Split, int] = field(default_factory=lambda: dict.fromkeys(USED_SPLITS, 0))
    clean: dict[Split, int] = field(default_factory=lambda: dict.fromkeys(USED_SPLITS, 0))
    without_split: int = 0  # labelled, reviewed or clean, but in no split
    unlabelled: int = 0
    without_label: int = 0  # labelled or reviewed, but none of their boxes carries a label


def count_data(images: Iterable[ImageRecord]) -> DataCounts:
    counts = DataCounts()
    without_split = unlabelled = without_label = 0
    for image in images:
        if image.status is Status.UNLABELLED:
            unlabelled += 1
        elif not image.is_trainable:
            without_label += 1
        elif image.split is Split.NONE:
            without_split += 1
        else:
            counts.images[image.split] += 1
            counts.clean[image.split] += image.status is Status.CLEAN
    return DataCounts(counts.images, counts.clean, without_split, unlabelled, without_label)


def describe_unused(counts: DataCounts) -> str:
    """Which images no training uses, whatever their split; empty when there are none."""
    parts = [format_count(counts.unlabelled, "unlabelled image")] if counts.unlabelled else []
    if counts.without_label:
        parts.append(f"{format_count(counts.without_label, 'image')} whose boxes have no label")
    return f"Not used: {', '.join(parts)}." if parts else ""


def describe_data_problem(counts: DataCounts) -> str:
    """What is wrong with the data for a training; empty when nothing is."""
    usable = sum(counts.images.values()) + counts.without_split
    if not usable:
        return "No image is labelled or marked clean yet. Label some on the Label page first."
    if not counts.images[Split.TRAIN]:
        return "No labelled image is in the training split. Split the images to begin."
    if not counts.images[Split.VAL]:
        return "No labelled image is in the validation split: there would be no mAP and no best checkpoint."
    if counts.without_split:
        return f"{format_count(counts.without_split, 'labelled image')} in no split, so not used."
    return ""


class DataSummary(QWidget):
    """Shows DataCounts and the boxes of each label, and offers to split the images where that is missing."""

    split_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._numbers = {split: QLabel() for split in USED_SPLITS}
        self._clean = {split: QLabel() for split in USED_SPLITS}
        self._hint = _make_wrapped_label("warning")
        self._note = _make_wrapped_label("small")
        self._split_button = QPushButton("Split…")
        self._split_button.setAccessibleName("Split images")
        self._split_button.setToolTip("Divide the images over training, validation and test")
        self._split_button.clicked.connect(self.split_requested)
        self._bars = LabelBars()
        tiles = QHBoxLayout()
        tiles.setSpacing(GAP)
        for split in USED_SPLITS:
            tiles.addLayout(self._make_tile(split), 1)
        # Beside the numbers, so that the bars below need no scrolling in a small window.
        tiles.addWidget(self._split_button, 0, Qt.AlignmentFlag.AlignVCenter)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP)
        layout.addLayout(tiles)
        layout.addWidget(self._hint)
        layout.addWidget(self._bars)
        layout.addWidget(self._note)

    def show_data(self, counts: DataCounts, labels: Sequence[Label], boxes: dict[str, int]) -> None:
        for split in USED_SPLITS:
            self._numbers[split].setText(f"{counts.images[split]:,}")
            clean = counts.clean[split]
            self._clean[split].setText(f"{clean:,} clean" if clean else " ")
        text = describe_data_problem(counts)
        self._hint.setText(text)
        self._hint.setVisible(bool(text))
        splittable = bool(sum(counts.images.values()) + counts.without_split)
        needs_split = splittable and (not counts.images[Split.TRAIN] or not counts.images[Split.VAL])
        self._split_button.setVisible(splittable)
        _set_role(self._split_button, "primary" if needs_split else "")
        note = describe_unused(counts)
        self._note.setText(note)
        self._note.setVisible(bool(note))
        self._bars.show_counts([(label.name, QColor(label.color), boxes.get(label.name, 0)) for label in labels])

    def image_numbers(self) -> dict[Split, str]:
        """The images of each split, as they are shown."""
        return {split: label.text() for split, label in self._numbers.items()}

    def problem_text(self) -> str:
        return self._hint.text()

    @property
    def split_button(self) -> QPushButton:
        return self._split_button

    def _make_tile(self, split: Split) -> QVBoxLayout:
        font = self._numbers[split].font()
        font.setPixelSize(20)
        font.setBold(True)
        self._numbers[split].setFont(font)
        title = QLabel(_SPLIT_WORDS[split])
        for label in (title, self._clean[split]):
            label.setProperty("role", "small")
        tile = QVBoxLayout()
        tile.setSpacing(0)
        for label in (title, self._numbers[split], self._clean[split]):
            tile.addWidget(label)
        return tile


class LabelBars(QWidget):
    """Boxes by label as bars in the labels' colours; a rare label is seen at a glance."""

    _ROW = 22

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[tuple[str, QColor, int]] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_counts(self, rows: list[tuple[str, QColor, int]]) -> None:
        self._rows = rows
        self.setAccessibleDescription(", ".join(f"{name}: {format_count(count, 'box')}" for name, _, count in rows))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(200, self._ROW * len(self._rows))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        metrics = self.fontMetrics()
        most = max((count for _, _, count in self._rows), default=0)
        name_width = min(
            self.width() // 2, 2 + max((metrics.horizontalAdvance(row[0]) for row in self._rows), default=0)
        )
        number_width = metrics.horizontalAdvance(f"{most:,}")
        left = name_width + GAP
        room = max(1, self.width() - left - number_width - GAP)
        for index, (name, color, count) in enumerate(self._rows):
            top = index * self._ROW
            painter.setPen(theme().text)
            text = metrics.elidedText(name, Qt.TextElideMode.ElideRight, name_width)
            painter.drawText(QRectF(0, top, name_width, self._ROW), Qt.AlignmentFlag.AlignVCenter, text)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme().hover)
            painter.drawRoundedRect(QRectF(left, top + 7, room, 8), 4, 4)
            if count:
                painter.setBrush(color)
                painter.drawRoundedRect(QRectF(left, top + 7, max(8.0, room * count / most), 8), 4, 4)
            painter.setPen(theme().muted if count else theme().warning)
            box = QRectF(self.width() - number_width, top, number_width, self._ROW)
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, f"{count:,}")


def _make_wrapped_label(role: str) -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    label.setProperty("role", role)
    label.hide()
    return label


def _set_role(widget: QWidget, role: str) -> None:
    if widget.property("role") != role:
        widget.setProperty("role", role)
        widget.style().unpolish(widget)
        widget.style().polish(widget)
