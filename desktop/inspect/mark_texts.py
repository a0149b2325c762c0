"""The words of the screen for a mark: right, false and missed, and why."""

from __future__ import annotations

import numpy as np

from core import geometry
from core.evaluation.classification import image_labels
from core.inspection.marks import Mark
from core.inspection.matched_images import MatchedImages
from desktop.base import theme

NEAR = 0.05  # IoU from which a true box is worth naming beside a false detection


def name_mark(mark: Mark, *, is_detector: bool = True) -> str:
    """What a mark is, in words; an image's labels lie on a box of its size where the model does not tell where."""
    truth = "True box" if is_detector else "True labels"
    text = {
        "tp": "Right",
        "fp": "False",
        "mixed": "Right and false",
        "found": f"{truth}, found",
        "fn": f"{truth}, missed",
    }[mark.kind]
    if mark.kind == "fn" and any(mark.verdicts):
        text = f"{truth}, found in part"
    return text


def explain_label(images: MatchedImages, index: int, mark: Mark, label: int, verdict: bool) -> str:
    """Why one label of a detection is right or false, or whether a true label was found."""
    truth = images.truth[index]
    if mark.source == "truth":
        return "found" if verdict else "missed"
    if not images.is_detector:
        carried = _join_labels(images, image_labels(truth))
        return "right" if verdict else f"false: the image has {carried or 'no defect'}"
    overlaps = geometry.box_iou(np.asarray([mark.xyxy], np.float32), truth.boxes)[0] if len(truth) else np.zeros(0)
    with_label = overlaps[truth.labels[:, label]] if len(truth) else overlaps
    if verdict:
        return f"right, IoU {with_label.max():.2f}"
    if len(with_label) and with_label.max() >= images.iou:
        return "false: found already by a surer detection"
    if len(overlaps) == 0 or overlaps.max() < NEAR:
        return "false: nothing is there"
    near = int(np.argmax(overlaps))
    there = _join_labels(images, truth.labels[near]) or "a box without a label"
    if overlaps[near] >= images.iou:
        return f"false: what is there is {there}"
    return f"false: overlaps {there} by IoU {overlaps[near]:.2f} only"


def format_reasons(images: MatchedImages, index: int, mark: Mark, row: int | None) -> str:
    """A line for each label of `mark`, as rich text. `row`: the detection whose scores are shown with it, if any."""
    tokens, lines = theme.theme(), []
    for label, verdict in zip(mark.labels, mark.verdicts, strict=True):
        color = tokens.good if verdict else tokens.bad if mark.source == "detection" else tokens.warning
        reason = explain_label(images, index, mark, label, verdict)
        lines.append(
            f'<span style="color:{color.name()}">●</span> {_escape(images.label_names[label])}: {_escape(reason)}'
        )
    if mark.source == "truth" and images.is_detector:
        lines.append(
            "Scores above: the detection nearest to it." if row is not None else "No detection is near it at any score."
        )
    return "<br>".join(lines)


def _join_labels(images: MatchedImages, present: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> str:
    return " and ".join(images.label_names[column] for column in np.flatnonzero(present))


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
