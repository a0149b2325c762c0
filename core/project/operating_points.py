"""The operating point of a checkpoint file: what its training chose, and what a user set by hand.

A hand-set threshold lies in a file beside the checkpoint, which goes where that goes: with a copied project, and to
whoever predicts with the file alone. Checkpoints themselves are never written again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from core import files
from core.errors import InputError
from core.evaluation.operating_point import VAL, OperatingPoint
from core.safetensors_header import read_metadata

SUFFIX = ".thresholds.json"
_FORMAT = "defectdesk-thresholds"
_VERSION = 1


@dataclass(frozen=True, slots=True)
class StoredPoint:
    """The operating point that goes with a checkpoint file: its own, and what a user put in its place."""

    chosen: OperatingPoint  # by its training
    hand: Mapping[str, float] = field(default_factory=dict)  # by label, what a user set
    notices: tuple[str, ...] = ()  # what was passed over, and why

    @property
    def point(self) -> OperatingPoint:
        """What counts."""
        return self.chosen.with_hand_set(self.hand)

    @property
    def uses_validation(self) -> bool:
        """Whether any threshold was chosen on the validation images."""
        return self.chosen.chosen_on == VAL and bool(self.chosen.thresholds.keys() - self.hand.keys())

    def with_threshold(self, threshold: float | None) -> StoredPoint:
        """With this one set by hand for every label; as it is for None."""
        return self if threshold is None else replace(self, hand=dict.fromkeys(self.chosen.thresholds, threshold))

    def renamed(self, names: Mapping[str, str]) -> StoredPoint:
        """With labels under the names that they have now, by the names that they had."""
        hand = {names.get(name, name): value for name, value in self.hand.items()}
        return replace(self, chosen=self.chosen.renamed(names), hand=hand)


def hand_file(checkpoint: Path) -> Path:
    """Where the thresholds lie that a user set for a checkpoint."""
    return checkpoint.with_name(checkpoint.stem + SUFFIX)


def load_point(checkpoint: Path) -> StoredPoint:
    """The operating point of a checkpoint. Raises InputError if the checkpoint itself cannot be read.

    What cannot be used of the thresholds that were set by hand is passed over, with a notice.
    """
    described = read_metadata(checkpoint)
    chosen = _chosen_by_training(described, checkpoint)
    path = hand_file(checkpoint)
    if not path.exists():
        return StoredPoint(chosen)
    try:
        values = _read_hand_file(path)
    except InputError as error:
        return StoredPoint(chosen, notices=(f"{error}; the checkpoint's own thresholds are used",))
    if values["of"] != _identify(described):
        text = f"{path}: set by hand for an earlier {checkpoint.name}, whose scores are others; set them again"
        return StoredPoint(chosen, notices=(text,))
    return StoredPoint(chosen, values["thresholds"])


def save_hand_set(checkpoint: Path, thresholds: Mapping[str, float]) -> StoredPoint:
    """Keep thresholds that a user set, in place of those set before; none of them takes all back.

    Raises InputError if a label is unknown to the checkpoint, a threshold is no score, or the file cannot be written.
    """
    described = read_metadata(checkpoint)
    chosen = _chosen_by_training(described, checkpoint)
    for name, value in thresholds.items():
        if name not in chosen.thresholds:
            raise InputError(f"label: {checkpoint} does not know {name!r}; it knows {', '.join(chosen.thresholds)}")
        if not 0 <= value <= 1:
            raise InputError(f"threshold of {name}: {value} is no score; choose one from 0 to 1")
    path = hand_file(checkpoint)
    try:
        if thresholds:
            tree = {"format": _FORMAT, "version": _VERSION, "of": _identify(described), "thresholds": dict(thresholds)}
            files.write_json(path, tree)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); the thresholds are not kept") from error
    return StoredPoint(chosen, dict(thresholds))


def _chosen_by_training(described: Mapping[str, Any], checkpoint: Path) -> OperatingPoint:
    names = [str(name) for name in described.get("labels") or ()]
    if (values := described.get("operating_point")) is not None:
        return OperatingPoint.from_json(values, f"{checkpoint}: damaged, operating point")
    # From before operating points were kept: from its validation, where that is in it.
    metrics = described.get("metrics")
    metrics = metrics if isinstance(metrics, dict) else {}
    stored = metrics.get("thresholds") or {}
    if not stored:
        why = "the checkpoint is from before thresholds were kept, or was not validated"
        return OperatingPoint.without_validation(names, why)
    read = OperatingPoint.from_json(
        {"thresholds": stored, "chosen_on": "", "how": ""}, f"{checkpoint}: damaged, metrics"
    ).thresholds
    measured = metrics.get("label_ap50") or {}
    absent = [name for name in names if measured.get(name) is None]
    what = f"the validation images in epoch {described.get('epoch')}"
    return OperatingPoint.of_validation({name: read.get(name) for name in names}, what, absent)


def _identify(described: Mapping[str, Any]) -> list[Any]:
    """What tells a model from the one that another epoch wrote under its name."""
    return [described.get("run"), described.get("epoch"), described.get("created")]


def _read_hand_file(path: Path) -> dict[str, Any]:
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: damaged, it is not JSON; delete it") from error
    if not isinstance(tree, dict) or tree.get("format") != _FORMAT:
        raise InputError(f"{path}: holds no thresholds of DefectDesk; delete it")
    if tree.get("version") != _VERSION:
        raise InputError(f"{path}: written by a newer DefectDesk; update the program")
    read = OperatingPoint.from_json({"thresholds": tree.get("thresholds"), "chosen_on": "", "how": ""}, str(path))
    return {"of": tree.get("of"), "thresholds": read.thresholds}
