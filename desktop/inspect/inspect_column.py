"""The side of the Inspect page: the measures at this threshold, label by label, and one detection in full."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QScrollArea, QToolButton, QVBoxLayout, QWidget

from core.inspection.error_counts import PrecisionRecall
from desktop.base import theme
from desktop.inspect.inspect_labels import LabelTable
from desktop.inspect.inspect_mark import IMAGE_PROMPT, PROMPT, MarkPanel
from desktop.kit import formatting
from desktop.kit.parts import words


class MetricStrip(QFrame):
    """Precision, recall and F1 at the threshold, and mAP beside them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.GAP)
        self._values: list[QLabel] = []
        self._names: list[QLabel] = []
        for name, tooltip in (
            ("Precision", "Of all claims, the share that is right"),
            ("Recall", "Of all that is true, the share that is found"),
            ("F1", "The harmonic mean of precision and recall"),
            ("mAP", "Mean average precision over the labels; it does not depend on the threshold"),
        ):
            cell = QVBoxLayout()
            cell.setSpacing(0)
            value, caption = QLabel(formatting.NONE), QLabel(name)
            value.setProperty("role", "heading")
            caption.setProperty("role", "small")
            for label in (value, caption):
                label.setToolTip(tooltip)
                cell.addWidget(label)
            self._values.append(value)
            self._names.append(caption)
            row.addLayout(cell, 1)

    def set_score(self, score: PrecisionRecall, average: float | None, iou: float | None) -> None:
        """Show what was counted; `average` is the mAP at `iou`, None for labels of images."""
        for label, value in zip(self._values, (score.precision, score.recall, score.f1, average), strict=True):
            label.setText(formatting.metric(value))
        self._names[3].setText("mAP" if iou is None else f"mAP@{iou:g}")

    def list_texts(self) -> list[str]:
        return [label.text() for label in self._values]


class InspectColumn(QFrame):
    """The three of them, one below the other."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "panel")
        self.setMinimumWidth(312)
        self.strip, self.labels, self.panel = MetricStrip(), LabelTable(), MarkPanel()
        self.all_labels = QToolButton()
        self.all_labels.setText("Show all labels")
        self.all_labels.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        # Kept in its place while it is not needed, so that the table does not jump.
        policy = self.all_labels.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.all_labels.setSizePolicy(policy)
        self.all_labels.clicked.connect(lambda: self.labels.label_chosen.emit(None))
        self.ignored = words("", "small", wrap=True)
        self.point = words("", "small", wrap=True)
        self.point.setTextFormat(Qt.TextFormat.PlainText)
        head = QHBoxLayout()
        head.addWidget(words("By label", "section"))
        head.addStretch(1)
        head.addWidget(self.all_labels)
        content = QWidget()
        content.setObjectName("scrolled")
        layout = QVBoxLayout(content)
        layout.setContentsMargins(theme.PAD, theme.PAD, theme.PAD, theme.PAD)
        layout.setSpacing(theme.GAP)
        layout.addWidget(self.strip)
        layout.addWidget(self.ignored)
        layout.addSpacing(4)
        layout.addLayout(head)
        layout.addWidget(self.labels)
        layout.addWidget(self.point)
        layout.addSpacing(theme.GAP)
        self.detail = words("At the box", "section")
        layout.addWidget(self.detail)
        layout.addWidget(self.panel)
        layout.addStretch(1)
        scroll = QScrollArea()
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # what is in it takes the keys
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(content)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(scroll)

    def set_is_detector(self, is_detector: bool) -> None:
        """Speak of boxes, or of images and the labels that they carry."""
        self.detail.setText("At the box" if is_detector else "In the image")
        self.panel.prompt.setText(PROMPT if is_detector else IMAGE_PROMPT)
        self.labels.set_is_detector(is_detector)

    def set_point(self, text: str) -> None:
        """Say from which scores on labels count, and how that was chosen."""
        self.point.setText(text)

    def set_ignored(self, text: str) -> None:
        """Say what takes no part in the figures; empty where everything does."""
        self.ignored.setText(text)
        self.ignored.setVisible(bool(text))

    def set_chosen(self, label: int | None) -> None:
        """Show which label the page is filtered by, and the way back to all."""
        self.labels.set_chosen(label)
        self.all_labels.setVisible(label is not None)
