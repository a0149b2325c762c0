"""The words of the screen for a mark: right, false and missed, and why."""

from __future__ import annotations

import numpy as np

from core import geometry
from core.counting import format_count
from core.evaluation.classification import image_labels
from core.inspection.error_counts import ErrorCounts
from core.inspection.marks import Mark
from core.inspection.matched_images import MatchedImages
from desktop.base import theme

IGNORED_BOX = "difficult, or without a label: nothing is missed here, and nothing found here is false"
IGNORED_IMAGE = "a box of the image is difficult or has no label: nobody knows which labels the image lacks"
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
        "ignored": "Ignored detection"
        if mark.source == "detection"
        else "Ignored box"
        if is_detector
        else "Ignored image",
    }[mark.kind]
    if mark.kind == "fn" and any(mark.verdicts):
        text = f"{truth}, found in part"
    return text


def explain_label(images: MatchedImages, index: int, mark: Mark, label: int, verdict: bool | None) -> str:
    """Why one label of a detection is right or false, or whether a true label was found."""
    truth = images.truth[index]
    if verdict is None:
        if not images.is_detector:
            return IGNORED_IMAGE
        return IGNORED_BOX if mark.source == "truth" else "neither right nor false: it lies on an ignored box"
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
    if mark.source == "truth" and mark.kind == "ignored":
        reason = IGNORED_BOX if images.is_detector else IGNORED_IMAGE
        return f'<span style="color:{tokens.muted.name()}">●</span> {_escape(reason)}'
    for label, verdict in zip(mark.labels, mark.verdicts, strict=True):
        wrong = tokens.bad if mark.source == "detection" else tokens.warning
        color = tokens.muted if verdict is None else tokens.good if verdict else wrong
        reason = explain_label(images, index, mark, label, verdict)
        lines.append(
            f'<span style="color:{color.name()}">●</span> {_escape(images.label_names[label])}: {_escape(reason)}'
        )
    if mark.source == "truth" and images.is_detector:
        lines.append(
            "Scores above: the detection nearest to it." if row is not None else "No detection is near it at any score."
        )
    return "<br>".join(lines)


def describe_ignored(images: MatchedImages, counts: ErrorCounts, label: int | None) -> str:
    """What takes no part in the figures at a threshold, of one label or of all; empty where everything does."""
    boxes = images.ignored if label is None else images.label_ignored[label]
    if not boxes:
        return ""
    if not images.is_detector:
        return f"Left out: {format_count(boxes, 'image')} with a box that is difficult or has no label."
    detections = int((counts.ignored if label is None else counts.ignored[:, label]).sum())
    return (
        f"Ignored: {format_count(boxes, 'box')}, difficult or without a label, and {format_count(detections, 'detection')} "
        "on them."
    )


def _join_labels(images: MatchedImages, present: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> str:
    return " and ".join(images.label_names[column] for column in np.flatnonzero(present))


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
