"""One detection or true box of the Inspect page in full: what it claims, what is true, all scores, and why."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from core import geometry
from core.inspection import inspect_data
from core.inspection.inspect_data import InspectData, Mark
from desktop.base import theme
from desktop.inspect.inspect_view import Names
from desktop.kit.score_bars import Bar, ScoreBars

PROMPT = "Point at a box, or click it, to see all its scores."
IMAGE_PROMPT = "Point at the image, or click it, to see all its scores."


class MarkPanel(QWidget):
    """One detection or true box: what it claims, what is true, and all scores."""

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

    def set_mark(self, data: InspectData | None, index: int, mark: Mark | None, names: Names, threshold: float) -> None:
        """Show `mark` of the image at `index`, or a prompt."""
        shown = data is not None and mark is not None
        for widget in (self.title, self.where, self.reasons, self.bars):
            widget.setVisible(shown)
        self.prompt.setVisible(not shown)
        if data is None or mark is None:
            return
        x1, y1, x2, y2 = mark.xyxy
        self.title.setText(heading(mark, is_detector=data.is_detector))
        self.where.setText(f"{x2 - x1:.0f} × {y2 - y1:.0f} px at {x1:.0f}, {y1:.0f}" if data.is_detector else "")
        self.where.setVisible(data.is_detector)
        row = mark.row if mark.source == "detection" else nearest(data, index, mark)
        self.bars.set_bars(score_bars(data, index, row, mark, names) if row is not None else [], threshold)
        self.bars.setVisible(row is not None)
        self.reasons.setText(_reasons(data, index, mark, row))


def heading(mark: Mark, *, is_detector: bool = True) -> str:
    """What a mark is, in words; an image's labels lie on a box of its size where the model does not tell where."""
    truth = "True box" if is_detector else "True labels"
    text = {
        "right": "Right",
        "false": "False",
        "mixed": "Right and false",
        "found": f"{truth}, found",
        "missed": f"{truth}, missed",
    }[mark.kind]
    if mark.kind == "missed" and any(mark.verdicts):
        text = f"{truth}, found in part"
    return text


def nearest(data: InspectData, index: int, mark: Mark) -> int | None:
    """The detection that overlaps a true box most, whatever its score: what a lower threshold would show."""
    found = data.detections[index]
    if not len(found):
        return None
    overlaps = geometry.iou(np.asarray([mark.xyxy], np.float32), found.boxes)[0]
    # Many rows can lie on one box: of those that match, the surest.
    ranked = np.where(overlaps >= data.iou, 1 + found.best, overlaps)
    best = int(np.argmax(ranked))
    return best if overlaps[best] >= 0.1 else None


def score_bars(data: InspectData, index: int, row: int, mark: Mark, names: Names) -> list[Bar]:
    """All scores of a detection, the highest first, with the verdict of those that it claims."""
    tokens, scores = theme.theme(), data.detections[index].scores[row]
    claims = dict(zip(mark.labels, mark.verdicts, strict=True)) if mark.source == "detection" else {}
    bars = []
    for label in np.argsort(-scores, kind="stable"):
        right = claims.get(int(label))
        verdict = "" if right is None else "right" if right else "false"
        color = tokens.good if right else tokens.bad
        bars.append(
            Bar(
                names.names[label],
                float(scores[label]),
                names.colors[label],
                verdict,
                color,
                faint=bool(claims) and right is None,
            )
        )
    return bars


def _reasons(data: InspectData, index: int, mark: Mark, row: int | None) -> str:
    tokens, lines = theme.theme(), []
    for label, right in zip(mark.labels, mark.verdicts, strict=True):
        color = tokens.good if right else tokens.bad if mark.source == "detection" else tokens.warning
        reason = inspect_data.explain(data, index, mark, label, right)
        lines.append(
            f'<span style="color:{color.name()}">●</span> {_escaped(data.label_names[label])}: {_escaped(reason)}'
        )
    if mark.source == "truth" and data.is_detector:
        lines.append(
            "Scores above: the detection nearest to it." if row is not None else "No detection is near it at any score."
        )
    return "<br>".join(lines)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
