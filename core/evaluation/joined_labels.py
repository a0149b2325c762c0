"""Truth over the labels of a project and detections over those of a checkpoint, brought over one list of labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.evaluation.matching import align_scores
from core.types import Detections, GroundTruth


@dataclass(frozen=True, slots=True, eq=False)
class JoinedLabels:
    """Truth and detections of the same images over the same labels."""

    label_names: tuple[str, ...]  # the project's, then those that only the checkpoint knows
    truth: tuple[GroundTruth, ...]
    detections: tuple[Detections, ...]
    unknown_to_model: tuple[str, ...]  # labels of the project that the checkpoint cannot find
    not_in_project: tuple[str, ...]  # labels of the checkpoint that the project lacks


def join_labels(
    truth: Sequence[GroundTruth],
    detections: Sequence[Detections],
    project_labels: Sequence[str],
    model_labels: Sequence[str],
) -> JoinedLabels:
    """Bring truth, in the order of `project_labels`, and detections, in that of `model_labels`, together by name."""
    extra = tuple(name for name in model_labels if name not in project_labels)
    names = (*project_labels, *extra)
    return JoinedLabels(
        names,
        tuple(_pad_labels(one, len(extra)) for one in truth),
        tuple(Detections(one.boxes, align_scores(one, names), names) for one in detections),
        tuple(name for name in project_labels if name not in model_labels),
        extra,
    )


def rename_labels(detections: Detections, names: Mapping[str, str]) -> Detections:
    """With labels under other names, by the names that they have."""
    renamed = tuple(names.get(name, name) for name in detections.label_names)
    return Detections(detections.boxes, detections.scores, renamed)


def _pad_labels(truth: GroundTruth, extra: int) -> GroundTruth:
    """With `extra` more labels, which no true box carries; what is ignored by every label is by these, too."""
    if not extra:
        return truth
    ignored = truth.ignored_labels
    if ignored is not None:
        ignored = np.concatenate([ignored, np.repeat(ignored.all(axis=1, keepdims=True), extra, axis=1)], axis=1)
    return replace(truth, labels=np.pad(truth.labels, ((0, 0), (0, extra))), ignored_labels=ignored)
