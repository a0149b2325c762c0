"""The right column of the Label page: labels, boxes, and what is known of the image and of what was done."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSplitter, QTabWidget, QVBoxLayout, QWidget

from core.settings import Settings
from desktop.base.theme import GAP, PAD
from desktop.kit.parts import words
from desktop.label.columns import fill, kept_sizes

LEAST_BOXES = 124  # pixels: some rows stay in sight however small the window is
FEW_BOXES = 190  # pixels that the boxes get before the labels get more than they must have
MOST_LABELS = 0.55  # of the height


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
        self._fitted = (0, 0, 0)  # what the sizes were worked out from
        if kept is not None:
            self.setSizes(kept)
        self.splitterMoved.connect(self._keep_sizes)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_parts()

    def event(self, event: QEvent) -> bool:
        done = super().event(event)
        if event.type() == QEvent.Type.LayoutRequest:
            self._fit_parts()
        return done

    def _fit_parts(self) -> None:
        """The labels as high as they need, the others half of the rest each; until the user chooses otherwise."""
        wanted, tabs = self._labels.sizeHint().height(), self.tabs.minimumSizeHint().height()
        whole = self.height() - (self.count() - 1) * self.handleWidth()
        if self._chosen or self._fitted == (wanted, whole, tabs):
            return
        self._fitted = (wanted, whole, tabs)
        room = min(whole - tabs - FEW_BOXES, round(MOST_LABELS * whole))
        labels = min(wanted, max(room, self._labels.minimumSizeHint().height()))
        rest = (whole - labels) // 2
        last = max(min(rest, whole - labels - FEW_BOXES), tabs)
        self.setSizes([labels, whole - labels - last, last])

    def _keep_sizes(self) -> None:
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
