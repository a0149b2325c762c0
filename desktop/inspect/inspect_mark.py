"""One detection or true box of the Inspect page in full: its labels, what is true, all scores, and why."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from core import geometry
from core.inspection.marks import Mark
from core.inspection.matched_images import MatchedImages
from desktop.base import theme
from desktop.inspect.mark_tags import Names
from desktop.inspect.mark_texts import format_reasons, name_mark
from desktop.kit.score_bars import Bar, ScoreBars

PROMPT = "Point at a box, or click it, to see all its scores."
IMAGE_PROMPT = "Point at the image, or click it, to see all its scores."


class MarkPanel(QWidget):
    """One detection or true box: its labels, what is true, and all scores."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        self.title = QLabel()
        self.title.setProperty("role", "heading")
        self.title.setWordWrap(True)
        self.where = QLabel()
        self.where.setProperty("role", "small")
        self.bars = ScoreBars()
        self.reasons = QLabel()
        self.reasons.setWordWrap(True)
        self.reasons.setTextFormat(Qt.TextFormat.RichText)
        self.prompt = QLabel(PROMPT)
        self.prompt.setProperty("role", "muted")
        self.prompt.setWordWrap(True)
        for widget in (self.title, self.where, self.bars, self.reasons, self.prompt):
            layout.addWidget(widget)
        self.set_mark(None, 0, None, Names((), ()), 0.5)

    def set_mark(
        self,
        images: MatchedImages | None,
        index: int,
        mark: Mark | None,
        names: Names,
        thresholds: float | NDArray[np.float32],
    ) -> None:
        """Show `mark` of the image at `index`, or a prompt. `thresholds`: of all labels, or of each (k,)."""
        shown = images is not None and mark is not None
        for widget in (self.title, self.where, self.reasons, self.bars):
            widget.setVisible(shown)
        self.prompt.setVisible(not shown)
        if images is None or mark is None:
            return
        x1, y1, x2, y2 = mark.xyxy
        self.title.setText(name_mark(mark, is_detector=images.is_detector))
        self.where.setText(f"{x2 - x1:.0f} × {y2 - y1:.0f} px at {x1:.0f}, {y1:.0f}" if images.is_detector else "")
        self.where.setVisible(images.is_detector)
        row = mark.row if mark.source == "detection" else find_nearest(images, index, mark)
        self.bars.set_bars(list_score_bars(images, index, row, mark, names, thresholds) if row is not None else [])
        self.bars.setVisible(row is not None)
        self.reasons.setText(format_reasons(images, index, mark, row))


def find_nearest(images: MatchedImages, index: int, mark: Mark) -> int | None:
    """The detection that overlaps a true box most, whatever its score: what a lower threshold would show."""
    detections = images.detections[index]
    if not len(detections):
        return None
    overlaps = geometry.box_iou(np.asarray([mark.xyxy], np.float32), detections.boxes)[0]
    # Many rows can lie on one box: of those that match, the surest.
    ranked = np.where(overlaps >= images.iou, 1 + detections.best, overlaps)
    best = int(np.argmax(ranked))
    return best if overlaps[best] >= 0.1 else None


def list_score_bars(
    images: MatchedImages, index: int, row: int, mark: Mark, names: Names, thresholds: float | NDArray[np.float32]
) -> list[Bar]:
    """All scores of a detection, the highest first, with the verdict of those above the threshold."""
    tokens, scores = theme.theme(), images.detections[index].scores[row]
    verdicts = dict(zip(mark.labels, mark.verdicts, strict=True)) if mark.source == "detection" else {}
    limits = np.broadcast_to(np.asarray(thresholds, np.float32), scores.shape)
    bars = []
    for label in np.argsort(-scores, kind="stable"):
        is_tp, is_shown = verdicts.get(int(label)), int(label) in verdicts
        text = "right" if is_tp else "false" if is_tp is not None else "ignored" if is_shown else ""
        color = tokens.good if is_tp else tokens.bad if is_tp is not None else tokens.muted
        faint = bool(verdicts) and not is_shown
        limit = float(limits[label])
        bars.append(
            Bar(
                names.names[label],
                float(scores[label]),
                names.colors[label],
                text,
                color,
                faint=faint,
                mark=limit if limit <= 1 else None,
            )
        )
    return bars
