"""What was measured of a checkpoint after its training: each evaluation in a file beside the checkpoint, by split.

Inspect and `evaluate` write them, also while another process has the project open. The newest of a split replaces the one
before. What the figures depend on is kept with them, so that it shows when they are no longer true.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from core import files
from core.errors import InputError

_MARK = ".evaluation-"  # in the name of a file, between the checkpoint's and the split's
_FORMAT = "defectdesk-evaluation"
_VERSION = 1
_AGAIN = "evaluate again, which replaces it"

Maker = Literal["inspect", "evaluate"]


@dataclass(frozen=True, slots=True)
class EvaluationKey:
    """What figures depend on: where all of it is equal, they are."""

    model: str  # hash of what the checkpoint predicts by
    truth: str  # hash of the images of the split and of what is marked on them
    split: str  # of core.types.Split, or all
    decoding: str  # by which values detections are made of the network's answer
    tiles: str  # in which parts images are shown to the network


@dataclass(frozen=True, slots=True)
class StoredEvaluation:
    """One evaluation of a checkpoint."""

    key: EvaluationKey
    made_by: Maker
    images: int  # that were judged
    left_out: int  # images of the split that were not, such as files that cannot be read
    figures: dict[str, Any]  # as `evaluate --json` gives them: images, map50, map, labels, ...
    made: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))  # ISO 8601, UTC

    def measure(self, name: str) -> float | None:
        """A figure of all labels, such as map50; None where there is none."""
        value = self.figures.get(name)
        return float(value) if isinstance(value, int | float) else None

    @property
    def best_known(self) -> float | None:
        """The figure by which a model is known: mAP at IoU 0.5, or of labels of images, which have no place, mAP."""
        value = self.measure("map50")
        return self.measure("map") if value is None else value

    @property
    def label_ap(self) -> dict[str, float | None]:
        """Average precision by label: at IoU 0.5 of a model that finds boxes."""
        values = {name: one.get("ap50", one.get("ap")) for name, one in self._label_figures.items()}
        return {name: float(value) if isinstance(value, int | float) else None for name, value in values.items()}

    @property
    def thresholds(self) -> dict[str, float]:
        """The scores from which on labels were counted, of those that have one."""
        values = {name: one.get("threshold") for name, one in self._label_figures.items()}
        return {name: float(value) for name, value in values.items() if isinstance(value, int | float)}

    @property
    def _label_figures(self) -> dict[str, dict[str, Any]]:
        labels = self.figures.get("labels")
        found = labels if isinstance(labels, dict) else {}
        return {name: one for name, one in found.items() if isinstance(one, dict)}


@dataclass(frozen=True, slots=True)
class StoredEvaluations:
    """The evaluations of one checkpoint, the newest first."""

    found: tuple[StoredEvaluation, ...] = ()
    problems: tuple[str, ...] = ()  # of files that cannot be used, each with its name


def evaluation_file(checkpoint: Path, split: str) -> Path:
    """Where the evaluation of a checkpoint on a split lies."""
    return checkpoint.with_name(f"{checkpoint.stem}{_MARK}{split}.json")


def list_evaluation_files(checkpoint: Path) -> list[Path]:
    """The files of all evaluations of a checkpoint."""
    start = checkpoint.stem + _MARK
    try:
        return sorted(path for path in checkpoint.parent.glob(f"*{_MARK}*.json") if path.name.startswith(start))
    except OSError:
        return []


def save_evaluation(checkpoint: Path, evaluation: StoredEvaluation) -> Path:
    """Keep an evaluation in place of the one before on that split. Raises InputError if it cannot be written."""
    path = evaluation_file(checkpoint, evaluation.key.split)
    if not checkpoint.is_file():  # deleted meanwhile: its folder must not come back
        raise InputError(f"{checkpoint}: is gone, so its evaluation is not kept; choose another checkpoint")
    try:
        files.write_json(path, {"format": _FORMAT, "version": _VERSION, **asdict(evaluation)})
    except OSError as error:
        raise InputError(
            f"{path}: the evaluation cannot be kept ({error.strerror}); make room on the disk, or allow writing"
        ) from error
    return path


def load_evaluations(checkpoint: Path) -> StoredEvaluations:
    """The evaluations that are kept of a checkpoint; a file that cannot be used is named and passed over."""
    found, problems = [], []
    for path in list_evaluation_files(checkpoint):
        try:
            found.append(_load_evaluation(path))
        except InputError as error:
            problems.append(str(error))
    return StoredEvaluations(tuple(sorted(found, key=lambda one: one.made, reverse=True)), tuple(problems))


def _load_evaluation(path: Path) -> StoredEvaluation:
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); {_AGAIN}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: damaged, it is not JSON; {_AGAIN}") from error
    if not isinstance(tree, dict) or tree.get("format") != _FORMAT:
        raise InputError(f"{path}: not an evaluation of DefectDesk; {_AGAIN}")
    if tree.get("version") != _VERSION:
        raise InputError(
            f"{path}: evaluation version {tree.get('version')!r}, this program reads {_VERSION}; update it"
        )
    try:
        key = EvaluationKey(**{name: str(tree["key"][name]) for name in EvaluationKey.__slots__})
        if not isinstance(tree["figures"], dict) or tree["made_by"] not in ("inspect", "evaluate"):
            raise TypeError("figures or made_by")
        images, left_out = int(tree["images"]), int(tree["left_out"])
        return StoredEvaluation(key, tree["made_by"], images, left_out, tree["figures"], str(tree["made"]))
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: damaged, it lacks something ({error!r}); {_AGAIN}") from error
