"""Evaluations that are kept beside checkpoints: making them of what Inspect shows, and how they stand to the project."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from core.errors import InputError
from core.evaluation.average_precision import Evaluation, evaluate_detections
from core.evaluation.classification import Classification, image_scores, judge_image_labels
from core.inspection.evaluation_key import find_key, find_reason, hash_truth
from core.inspection.load_inspection import Inspection, list_judged_images
from core.project.evaluations import (
    EvaluationKey,
    Maker,
    StoredEvaluation,
    load_evaluations,
    save_evaluation,
)
from core.project.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class EvaluationStanding:
    """An evaluation that is kept, and whether its figures are still true."""

    evaluation: StoredEvaluation
    outdated: str  # why they are not; empty where they are


@dataclass(frozen=True, slots=True)
class CheckpointStandings:
    """The evaluations of one checkpoint, the newest first."""

    standings: tuple[EvaluationStanding, ...] = ()
    problems: tuple[str, ...] = ()  # of files that cannot be used


def keep_evaluation(
    checkpoint: Path, key: EvaluationKey, result: Evaluation | Classification, left_out: int, made_by: Maker
) -> Path:
    """Keep what was measured, beside the checkpoint. Raises InputError if it cannot be written."""
    return save_evaluation(checkpoint, StoredEvaluation(key, made_by, result.images, left_out, result.to_json()))


def keep_inspection(inspection: Inspection) -> bool:
    """Keep the figures of an inspection of a whole split, unless these are kept already; whether anything was written.

    Raises InputError if they cannot be written.
    """
    checkpoint, images, key = inspection.request.checkpoint.path, inspection.images, inspection.key
    if images is None or key is None or not images.image_ids:
        return False
    thresholds = inspection.stored.point.thresholds if inspection.stored is not None else {}
    for kept in load_evaluations(checkpoint).found:
        # Thresholds are no part of the key, as average precision does not depend on them.
        same_cut = all(thresholds.get(name) == value for name, value in kept.thresholds.items())
        if kept.key == key and kept.left_out == len(inspection.replaced) and same_cut:
            return False
    result: Evaluation | Classification
    if images.is_detector:
        result = evaluate_detections(
            images.truth,
            images.detections,
            images.label_names,
            score_threshold=thresholds,
            unknown_labels=images.unknown_to_model,
        )
    else:
        scores = image_scores(images.detections)
        result = judge_image_labels(images.truth, scores, images.label_names, thresholds, images.unknown_to_model)
    keep_evaluation(checkpoint, key, result, len(inspection.replaced), "inspect")
    return True


def list_standings(checkpoints: Iterable[Path], snapshot: Snapshot) -> dict[Path, CheckpointStandings]:
    """The evaluations of each checkpoint and how they stand to the project as it is now."""
    truths: dict[str, str] = {}

    def find_truth(split: str) -> str:
        if split not in truths:
            truths[split] = hash_truth(snapshot.label_names, list_judged_images(snapshot, split))
        return truths[split]

    result = {}
    for checkpoint in checkpoints:
        kept = load_evaluations(checkpoint)
        standings, problems = [], list(kept.problems)
        for one in kept.found:
            try:
                now = find_key(checkpoint, snapshot, one.key.split, find_truth(one.key.split))
            except InputError as error:
                problems.append(str(error))
                continue
            standings.append(EvaluationStanding(one, find_reason(one.key, now)))
        result[checkpoint] = CheckpointStandings(tuple(standings), tuple(problems))
    return result
