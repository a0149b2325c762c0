"""The job that predicts the images of a split for inspection."""

from __future__ import annotations

import shutil

from core.errors import InputError
from core.inspection.prediction_cache import discard_stale_predictions, find_job_folder, prediction_root
from core.jobs.folder import JobFolder
from core.project.project import Project
from core.project.records import CheckpointRecord
from core.project.snapshot import take_snapshot


def prepare_prediction(project: Project, checkpoint: CheckpointRecord, split: str) -> JobFolder:
    """Make the folder of a prediction, in which a child process then works; stale predictions are deleted.

    A folder that a cancelled job left is replaced. Raises InputError if the checkpoint's file is gone or the folder
    cannot be written.
    """
    root, snapshot = prediction_root(project), take_snapshot(project)
    path = find_job_folder(root, checkpoint.id, checkpoint.path, split, snapshot.hash)
    job = {"kind": "predict", "checkpoint": str(checkpoint.path), "split": split, "device": "auto"}
    try:
        discard_stale_predictions(root, checkpoint.id, checkpoint.path)
        if path.exists():
            shutil.rmtree(path)
        folder = JobFolder.create(path, job)
        snapshot.save(path / "snapshot.json")
    except OSError as error:
        raise InputError(f"{error.filename}: cannot be written ({error.strerror}); free space on the disk") from error
    return folder
