"""The right column of the Label page: labels, boxes, and what is known of the image and of what was done."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSplitter, QTabWidget, QVBoxLayout, QWidget

from core.settings import Settings
from desktop.theme import GAP, PAD
from desktop.widgets.columns import fill, kept_sizes
from desktop.widgets.parts import words

LEAST_BOXES = 140  # pixels: some rows stay in sight however small the window is


class SidePanel(QSplitter):
    """Places widgets; knows nothing of what they show."""

    def __init__(self, labels: QWidget, boxes: QWidget, settings: Settings, **tabs: QWidget) -> None:
        """`tabs` by their titles."""
        super().__init__(Qt.Orientation.Vertical)
        self._settings = settings
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.setAccessibleName("About the image")
        for title, tab in tabs.items():
            self.tabs.addTab(tab, title)
        self.setChildrenCollapsible(False)
        fill(self, (labels, 2), (_under_heading("Boxes", boxes), 2), (self.tabs, 1))
        self._labels = labels
        kept = kept_sizes(settings.values.label_side_splitter, 3)
        self._chosen = kept is not None
        if kept is not None:
            self.setSizes(kept)
        self.splitterMoved.connect(self._keep)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if not self._chosen:
            # The labels as high as they need, the others half of the rest each.
            labels = min(self._labels.minimumSizeHint().height(), round(0.55 * self.height()))
            rest = (self.height() - labels) // 2
            self.setSizes([labels, rest, rest])

    def _keep(self) -> None:
        self._chosen = True
        self._settings.update(label_side_splitter=tuple(self.sizes()))


def _under_heading(text: str, content: QWidget) -> QWidget:
    whole = QWidget()
    layout = QVBoxLayout(whole)
    layout.setContentsMargins(0, GAP, 0, 0)
    heading = words(text, "section")
    heading.setContentsMargins(PAD, 0, PAD, 0)
    layout.addWidget(heading)
    layout.addWidget(content, 1)
    whole.setMinimumHeight(LEAST_BOXES)
    return whole
