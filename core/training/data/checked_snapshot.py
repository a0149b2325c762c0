"""The snapshot of a run, without the images whose files have changed since it was taken."""

from __future__ import annotations

from pathlib import Path

from core.errors import InputError
from core.project.snapshot import Snapshot
from core.project.snapshot_files import describe_left_out, find_unfit, leave_out
from core.project.snapshot_places import load_placed


def load_checked_snapshot(run: Path) -> tuple[Snapshot, list[str]]:
    """The snapshot in the folder of a run, and what the user should know of it.

    A run that waited leaves out what has changed. One that goes on must not: its batches would no longer be those that
    it began with. Raises InputError then, and if the snapshot cannot be read.
    """
    snapshot = load_placed(run)
    faults = find_unfit(snapshot)
    if not faults:
        return snapshot, []
    if any((run / "checkpoints").glob("*.safetensors")):
        path, fault = next(iter(faults.items()))
        others = f" and {len(faults) - 1:,} others" if len(faults) > 1 else ""
        raise InputError(
            f"{path}{others}: the run cannot go on as it began, {fault}. Bring the old files back, or start a new run"
        )
    return leave_out(snapshot, faults), [describe_left_out(faults)]
