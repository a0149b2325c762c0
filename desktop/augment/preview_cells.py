"""From previews to the cells of a grid: colours, names and notes of each box."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor

from core.counting import format_count
from core.types import Label
from desktop.augment.preview_grid import Cell, PreviewBox
from desktop.augment.previews import CaptionPart, Previews, list_caption_parts


def make_cells(previews: Previews, labels: Sequence[Label]) -> list[Cell]:
    """The original, then every preview; `labels` are the columns of the request's label sets."""
    sets = [[label for label, has in zip(labels, row, strict=True) if has] for row in previews.request.labels]
    count = format_count(len(sets), "box") if sets else "no boxes"
    original = Cell(
        previews.original,
        tuple(_make_box(rect, chosen) for rect, chosen in zip(previews.original_boxes, sets, strict=True)),
        "Original",
        [CaptionPart(count, f"{len(sets):,}", "muted")],
    )
    cells = [original]
    titles = previews.request.list_titles(len(previews.pictures))
    for title, picture in zip(titles, previews.pictures, strict=True):
        height, width = picture.image.shape[:2]
        kept = set(picture.kept.tolist())
        boxes = []
        for row in np.flatnonzero(picture.visible > 0).tolist():
            rect = np.clip(picture.hulls[row], 0, [width, height, width, height])
            visible = float(picture.visible[row])
            note = "" if visible == 1 else f"{visible:.0%} visible" + ("" if row in kept else ", not taught")
            boxes.append(_make_box(rect, sets[row], note, dropped=row not in kept))
        cells.append(Cell(picture.image, tuple(boxes), title, list_caption_parts(picture, previews.view)))
    return cells


def make_legend(previews: Previews, labels: Sequence[Label]) -> str:
    """The labels on the image with their colours, and what hatching means where there is any, as rich text."""
    used = [label for label, column in zip(labels, previews.request.labels.T, strict=True) if column.any()]
    parts = [f'<span style="color:{label.color}">■</span>&nbsp;{html.escape(label.name)}' for label in used]
    if any(len(picture.kept) < np.count_nonzero(picture.visible > 0) for picture in previews.pictures):
        share = previews.request.recipe.augmentation.min_visible
        parts.append(
            f"<b>▨</b>&nbsp;hatched: under {share:.0%} of the box is left, so it is not taught".replace(" ", "&nbsp;")
        )
    return "&nbsp;&nbsp; ".join(parts)


def _make_box(
    rect: NDArray[np.floating], labels: Sequence[Label], note: str = "", *, dropped: bool = False
) -> PreviewBox:
    x1, y1, x2, y2 = rect.tolist()
    colors = tuple(QColor(label.color) for label in labels)
    return PreviewBox(x1, y1, x2, y2, colors, tuple(label.name for label in labels), note, dropped)
