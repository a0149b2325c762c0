"""What is asked before checkpoints are deleted."""

from __future__ import annotations

from collections.abc import Sequence

from core.counting import format_count
from core.operations.resume_run import RESUMABLE
from core.project.records import CheckpointRecord, RunRecord
from desktop.kit import formatting

LAST = "last.safetensors"  # from which a run goes on
NAMED = 8  # files that a confirmation names one by one


def ask_deletion(records: Sequence[CheckpointRecord]) -> str:
    """What is about to be deleted, with the size that this frees."""
    total = formatting.size(sum(record.size_bytes for record in records))
    if len(records) == 1:
        return f"Delete {records[0].path.name} of {records[0].run} ({total})?"
    return f"Delete {len(records):,} checkpoints ({total} together)?"


def describe_deletion(records: Sequence[CheckpointRecord], runs: Sequence[RunRecord] = ()) -> str:
    """The files, and what will be missed; `runs`: those that they may belong to."""
    lines = [str(record.path) for record in records[:NAMED]]
    if len(records) > NAMED:
        lines.append(f"and {len(records) - NAMED} more")
    starred = sum(record.star for record in records)
    best = sum(record.best for record in records)
    if starred:
        lines.append(
            f"\n{format_count(starred, 'of them is', 'of them are')} starred."
            if len(records) > 1
            else "\nIt is starred."
        )
    if best:
        lines.append(
            f"\n{format_count(best, 'is', 'are')} the best of a run."
            if len(records) > 1
            else "\nIt is the best of its run."
        )
    states = {run.id: run.state for run in runs}
    lines += [
        _describe_lost_resume(record, states[record.run])
        for record in records
        if record.path.name == LAST and states.get(record.run) in RESUMABLE
    ]
    return "\n".join(lines)


def _describe_lost_resume(record: CheckpointRecord, state: str) -> str:
    """What becomes of the run that would go on from this checkpoint."""
    kept = record.path.with_name("previous.safetensors").is_file()
    then = "it goes on from the save before that" if kept else "it cannot be resumed any more"
    return f"\n{record.run} is {state}, and Resume goes on from {record.path.name}, after epoch {record.epoch}. Without it, {then}."
