"""A small job module for tests of predicting: a real process, real files, no network.

It finds every true box of the images asked for, at score 0.9 for all its labels. A word in the environment makes
it slow or failing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator

import numpy as np

from core.errors import InputError
from core.inference.predictions import PredictionSet
from core.jobs.child_runtime import run_child
from core.jobs.events import Event, JobFinished, JobProgress
from core.jobs.folder import JobFolder
from core.project.snapshot import Snapshot
from core.types import Detections


def main(folder: JobFolder, should_stop: Callable[[], bool]) -> Iterator[Event]:
    behaviour, job = os.environ.get("PREDICT_BEHAVIOUR", ""), folder.read_job()
    assert job["kind"] == "predict"
    if behaviour == "fail":
        raise InputError(f"{job['checkpoint']}: damaged; choose another checkpoint")
    snapshot = Snapshot.load(folder.path / "snapshot.json")
    images = [image for image in snapshot.images if job["split"] in ("all", image.split)]
    for done in range(len(images)):
        yield JobProgress(done, len(images), done / 40)
        while behaviour == "slow" and not should_stop():
            time.sleep(0.02)
        if should_stop():
            yield JobFinished(stopped=True)
            return
    found = [Detections(i.boxes, 0.9 * i.labels.astype(np.float32), snapshot.label_names) for i in images]
    PredictionSet(
        snapshot.label_names,
        job["checkpoint"],
        snapshot.hash,
        job["split"],
        tuple(image.path for image in images),
        tuple(found),
        tuple(image.content_hash for image in images),
    ).save(folder.path / "predictions.npz")
    yield JobFinished()


if __name__ == "__main__":
    run_child(main, lambda: None, may_stay=lambda: True)
