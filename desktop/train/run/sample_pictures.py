"""Small pictures of validation images with their true boxes and what was found, side by side as room allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QWidget

from core.training.samples import SampleBox, SampleImage, Samples
from desktop.base.theme import GAP, theme

CELL = 216  # pixels of a picture's longer side at most
_LEAST = 120


class SamplePictures(QWidget):
    """True boxes are dashed and white, what is found has the colour of its label."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._samples: Samples | None = None
        self._epoch = 0
        self._colors: Mapping[str, str] = {}
        self._pictures: list[QImage] = []
        self.setAccessibleName("Sample images")
        self.setMinimumWidth(_LEAST)

    def set_samples(self, samples: Samples | None, pictures: Sequence[QImage], colors: Mapping[str, str]) -> None:
        """Show these images; `pictures` are theirs, and `colors` those of the labels, by name."""
        self._samples, self._pictures, self._colors = samples, list(pictures), colors
        self._fit_height()
        self.update()

    def show_epoch(self, epoch: int) -> None:
        self._epoch = epoch
        self.setAccessibleDescription("; ".join(self.describe_images()))
        self.update()

    def found_boxes(self) -> list[tuple[SampleBox, ...]]:
        """What is drawn as found, for each image."""
        return list(self._samples.found.get(self._epoch, ())) if self._samples is not None else []

    def describe_images(self) -> list[str]:
        """A line for each image: its name, and the labels that are there and that were found."""
        if self._samples is None:
            return []
        found = self.found_boxes() or [() for _ in self._samples.images]
        return [
            f"{image.name}: {_name_boxes(image.truth, self._samples)} there, {_name_boxes(boxes, self._samples)} found"
            for image, boxes in zip(self._samples.images, found, strict=True)
        ]

    def sizeHint(self) -> QSize:
        return QSize(CELL, self._find_height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_height()

    def paintEvent(self, _event: QPaintEvent) -> None:
        if self._samples is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        found = self.found_boxes() or [() for _ in self._samples.images]
        for place, image, pixels, boxes in zip(
            self._find_places(), self._samples.images, self._pictures, found, strict=False
        ):
            painter.drawImage(place, pixels)
            scale = place.width() / max(1, image.width)
            self._draw_boxes(painter, place, scale, boxes, found=True)
            self._draw_boxes(painter, place, scale, image.truth, found=False)
        painter.end()

    def _draw_boxes(
        self, painter: QPainter, place: QRectF, scale: float, boxes: Sequence[SampleBox], *, found: bool
    ) -> None:
        for box in boxes:
            x1, y1, x2, y2 = (value * scale for value in box.xyxy)
            at = QRectF(place.x() + x1, place.y() + y1, x2 - x1, y2 - y1)
            painter.setPen(QPen(QColor(0, 0, 0, 150), 3))
            painter.drawRect(at)
            if found:
                painter.setPen(QPen(self._color_of(box), 1.6))
            else:
                painter.setPen(QPen(QColor(255, 255, 255), 1.2, Qt.PenStyle.DashLine))
            painter.drawRect(at)

    def _color_of(self, box: SampleBox) -> QColor:
        assert self._samples is not None
        names = [self._samples.label_names[label] for label in box.labels if label < len(self._samples.label_names)]
        known = next((self._colors[name] for name in names if name in self._colors), "")
        return QColor(known) if known else theme().link

    def _find_places(self) -> list[QRectF]:
        """Where the pictures are, in rows."""
        if self._samples is None:
            return []
        columns = max(1, (self.width() + GAP) // (CELL + GAP))
        side = min(CELL, max(_LEAST, (self.width() - (columns - 1) * GAP) / columns))
        places, top = [], 0.0
        for begin in range(0, len(self._samples.images), columns):
            sizes = [_fit_size(image, side) for image in self._samples.images[begin : begin + columns]]
            for column, (width, height) in enumerate(sizes):
                places.append(
                    QRectF(QPointF(column * (side + GAP), top), QPointF(column * (side + GAP) + width, top + height))
                )
            top += max(height for _, height in sizes) + GAP
        return places

    def _find_height(self) -> int:
        """Of all rows, at the width that there is."""
        return round(max((place.bottom() for place in self._find_places()), default=0))

    def _fit_height(self) -> None:
        height = self._find_height()
        if height != self.minimumHeight():
            self.setMinimumHeight(height)


def _fit_size(image: SampleImage, side: float) -> tuple[float, float]:
    scale = side / max(image.width, image.height, 1)
    return image.width * scale, image.height * scale


def _name_boxes(boxes: Sequence[SampleBox], samples: Samples) -> str:
    names = [" and ".join(samples.label_names[label] for label in box.labels) for box in boxes]
    return ", ".join(names) or "nothing"
