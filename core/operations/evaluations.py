"""Keeping what `evaluate` measured, and telling what is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.evaluation.average_precision import Evaluation
from core.evaluation.classification import Classification
from core.inspection.evaluation_key import find_key, hash_truth
from core.inspection.kept_evaluations import CheckpointStandings, EvaluationStanding, keep_evaluation, list_standings
from core.inspection.load_inspection import list_judged_images
from core.project.evaluations import list_evaluation_files
from core.project.project import Project
from core.project.project_reader import ProjectReader
from core.project.records import CheckpointRecord
from core.project.snapshot import Snapshot, take_snapshot


def keep_figures(
    checkpoint: Path, snapshot: Snapshot, split: str, result: Evaluation | Classification, left_out: int
) -> list[str]:
    """Keep what was measured of a project's checkpoint beside its file; why not, where that cannot be."""
    truth = hash_truth(snapshot.label_names, list_judged_images(snapshot, split))
    try:
        keep_evaluation(checkpoint, find_key(checkpoint, snapshot, str(split), truth), result, left_out, "evaluate")
    except InputError as error:
        return [str(error)]
    return []


def describe_evaluations(
    project: Project, records: Sequence[CheckpointRecord], reader: ProjectReader | None = None
) -> dict[Path, CheckpointStandings]:
    """What is kept of each checkpoint, and how it stands to the project as it is now.

    `reader`: the project with edits that wait for the disk.
    """
    if not any(list_evaluation_files(record.path) for record in records):
        return {record.path: CheckpointStandings() for record in records}
    return list_standings([record.path for record in records], take_snapshot(project, reader))


def describe_standing(standing: EvaluationStanding) -> str:
    """An evaluation in a few words: "test 0.812", or "test 0.812 (outdated)"."""
    one = standing.evaluation
    shown = "-" if one.best_known is None else f"{one.best_known:.3f}"
    return f"{one.key.split} {shown}" + (" (outdated)" if standing.outdated else "")


def standing_to_json(standing: EvaluationStanding) -> dict[str, Any]:
    """All of an evaluation, and whether it is still true."""
    one = standing.evaluation
    return {
        "split": one.key.split,
        "made": one.made,
        "made_by": one.made_by,
        "images": one.images,
        "left_out": one.left_out,
        "map50": one.measure("map50"),
        "map": one.measure("map"),
        "stale": bool(standing.outdated),
        "outdated": standing.outdated,
        "key": asdict(one.key),
        "figures": one.figures,
    }
