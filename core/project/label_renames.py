"""What the labels of a checkpoint are called in the project now: a label is known by its id, whatever its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from core.project.project import Project
from core.safetensors_header import read_metadata
from core.types import Label


def find_renames(project: Project, checkpoint: Path) -> dict[str, str]:
    """New names by old ones, of labels that were renamed since a training of this project.

    Ids mean something in their own project alone: of a checkpoint that lies elsewhere, or is from before ids were kept,
    nothing is known. Raises InputError if the file cannot be read.
    """
    if not checkpoint.resolve().is_relative_to((project.folder / "runs").resolve()):
        return {}
    described = read_metadata(checkpoint)
    return match_by_id(described.get("labels") or (), described.get("label_ids") or (), project.labels())


def match_by_id(names: Sequence[str], ids: Sequence[int], labels: Sequence[Label]) -> dict[str, str]:
    """New names by old ones, where they differ; `names` and `ids` are of labels as they were."""
    if len(names) != len(ids):
        return {}
    present = {label.id: label.name for label in labels}
    found = {name: present[label] for name, label in zip(names, ids, strict=True) if label in present}
    for name in names:
        # A label that is gone, whose name another one has taken since: not that one.
        if name not in found and name in found.values():
            found[name] = f"{name} (deleted)"
    return {name: new for name, new in found.items() if new != name}


def describe_renames(renamed: Mapping[str, str]) -> list[str]:
    """A line for each, for a user."""
    return [f"{old} is called {new} since the training: it is judged as the same label" for old, new in renamed.items()]
