"""What is asked before a run is deleted. Knows no Qt."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from core.counting import format_count
from core.project.records import CheckpointRecord, RunRecord
from core.project.runs import started_from
from desktop.kit.formatting import size


def deletion_question(folder: Path) -> str:
    """The run, with the size that its deletion frees."""
    return f"Delete {folder.name} ({size(sum(_file_size(path) for path in folder.rglob('*')))})?"


def deletion_details(folder: Path, runs: Sequence[RunRecord], checkpoints: Sequence[CheckpointRecord]) -> str:
    """What goes with it, and what will be missed."""
    own = [one for one in checkpoints if one.run == folder.name]
    lines = [f"Its curves, its recipe, its snapshot and {format_count(len(own), 'checkpoint')} go with it."]
    if starred := [one.id for one in own if one.star]:
        lines.append(f"Starred: {', '.join(starred)}.")
    if later := started_from(runs, folder):
        lines.append(
            f"Started from it: {', '.join(later)}. Which images those have learnt from in this run will not be known any more."
        )
    return "\n\n".join(lines)


def _file_size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except FileNotFoundError:  # another program trains the run, and replaces its files
        return 0
