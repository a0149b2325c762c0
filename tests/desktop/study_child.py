"""A small job module for tests of studies: a real process, real run folders and reports, no network to train.

While a file HOLD_FILE lies in the folder of the runs, a study whose first run has ended waits.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from core.jobs.child_runtime import run_child
from core.jobs.events import EpochDone, Event, RunFinished, RunStarted, StudyRunEnded, StudyStarted
from core.jobs.folder import JobFolder
from core.operations.run_study import report_study, runs_folder_of
from core.study.study import load_study

HOLD_FILE = "hold"
REACHED = {"scratch": 0.3, "frozen": 0.5, "fine_tune": 0.7, "two_phase": 0.69, "gradual": 0.6, "recipe": 0.65}


def train(job: JobFolder, arm: str, seed: int, epochs: int) -> None:
    """Write down what a run of a strategy would say."""
    run, reached = job.path.name, REACHED[arm] + 0.01 * (seed % 3)
    job.append_event(RunStarted(run, "ssd300_vgg16", "CPU", epochs, 2, 4, 2, ["scratch"], 1000, 900, 1.0, "imagenet"))
    for epoch in range(1, epochs + 1):
        value = reached * epoch / epochs
        job.append_event(EpochDone(epoch, epochs, 1, 1, 1, 1, 1, 1, value, value, {}, 1e-3, 9.0, 1.0, 0.0))
    job.append_event(RunFinished(epochs, 10.0, False, reached, reached, f"{run}-best"))


def main(folder: JobFolder, should_stop: Callable[[], bool]) -> Iterator[Event]:
    study = load_study(folder.path)
    yield StudyStarted(study.id, len(study.runs))
    for one in study.runs:
        job = JobFolder(runs_folder_of(folder.path) / one.run)
        if job.state() == "finished":
            continue
        if should_stop():
            break
        train(job, one.arm, one.seed, study.recipe.schedule.epochs)
        yield StudyRunEnded(job.state(), None, None, None, "", one.run, one.arm, one.seed)
        while (runs_folder_of(folder.path) / HOLD_FILE).exists() and not should_stop():
            time.sleep(0.01)
    yield RunFinished(0, 1.0, stopped=not report_study(folder.path).is_complete)


if __name__ == "__main__":
    run_child(main, lambda: None)
