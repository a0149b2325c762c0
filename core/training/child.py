"""The process that trains or predicts for the window: `python -m core.training.child FOLDER`.

job.json says what to do: {"kind": "train"}, with recipe.yaml and snapshot.json beside it, or {"kind": "predict",
"checkpoint": path, "split": name or "all", "device": name}, with snapshot.json beside it, or {"kind": "range_test"} or
{"kind": "speed"}, with recipe.yaml and snapshot.json beside it.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.inference.predictions import PredictionSet
from core.jobs.child_runtime import run_child
from core.jobs.events import ActivityBegun, Event, JobProgress, Notice, RunFinished, SpeedMeasured
from core.jobs.folder import JobFolder
from core.project.snapshot import Snapshot, SnapshotImage
from core.recipe.recipe import load_recipe
from core.training.data.checked_snapshot import load_checked_snapshot
from core.training.lr_finder_result import STEPS, RangeResult
from core.training.tracking import track_events
from core.types import Detections

PROGRESS_APART = 0.1  # seconds
LOOK_EVERY = 0.1  # seconds
MOST_KEPT_MB = 1500  # resident memory of a process that waits for another job; torch alone has 600 to 900 in use


def main(folder: JobFolder, should_stop: Callable[[], bool]) -> Iterator[Event]:
    """Do the job in `folder`, yielding its events."""
    job = folder.read_job()
    kinds = {"train": _train, "predict": _predict, "range_test": _range_test, "speed": _try_speed}
    if job.get("kind") not in kinds:
        raise InputError(f"{folder.path / 'job.json'}: kind must be one of {', '.join(kinds)}")
    yield from kinds[job["kind"]](folder.path, job, should_stop)


def warm_up() -> None:
    """Import what takes seconds to import."""
    from core.training import loop  # noqa: F401, PLC0415 - torch comes with it


def may_stay() -> bool:
    """Whether this process is worth keeping for another job: it holds little memory, and none of a GPU.

    What torch itself takes is within the bound, a large network or image that the last job left behind is not.
    """
    import torch  # noqa: PLC0415 - it was loaded long ago

    return not torch.cuda.is_initialized() and read_resident_mb() <= MOST_KEPT_MB


def read_resident_mb() -> float:
    """Memory that this process holds now; infinite where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:  # not Linux
        return math.inf
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _train(folder: Path, _job: dict[str, Any], should_stop: Callable[[], bool]) -> Iterator[Event]:
    yield ActivityBegun("loading")
    from core.training.loop import train  # noqa: PLC0415 - torch comes with it

    recipe = load_recipe(folder / "recipe.yaml")
    snapshot, notices = load_checked_snapshot(folder)
    yield from (Notice(text, "warning") for text in notices)
    events = train(recipe, snapshot, folder, should_stop, _pause_wanted(folder))
    yield from track_events(events, recipe, folder)


def _pause_wanted(folder: Path) -> Callable[[], bool]:
    """Whether a pause was asked for. A step asks some hundred times; the disk is looked at ten times a second."""
    job, looked, wanted = JobFolder(folder), 0.0, False

    def wish() -> bool:
        nonlocal looked, wanted
        if not wanted and time.monotonic() - looked >= LOOK_EVERY:
            looked, wanted = time.monotonic(), job.pause_requested()
        return wanted

    return wish


def _range_test(folder: Path, job: dict[str, Any], should_stop: Callable[[], bool]) -> Iterator[Event]:
    from core.training.lr_finder import range_test  # noqa: PLC0415 - torch comes with it

    began, done = time.monotonic(), False
    recipe, (snapshot, notices) = load_recipe(folder / "recipe.yaml"), load_checked_snapshot(folder)
    yield from (Notice(text, "warning") for text in notices)
    steps = int(job.get("steps", STEPS))
    for found in range_test(recipe, snapshot, should_stop, steps, job.get("low"), job.get("high")):
        done = isinstance(found, RangeResult)
        yield found.make_event() if isinstance(found, RangeResult) else found
    yield RunFinished(epoch=0, seconds=time.monotonic() - began, stopped=not done)


def _try_speed(folder: Path, _job: dict[str, Any], should_stop: Callable[[], bool]) -> Iterator[Event]:
    from core.training.speed_trial import try_speed  # noqa: PLC0415 - torch comes with it

    began, done = time.monotonic(), False
    for found in try_speed(load_recipe(folder / "recipe.yaml"), Snapshot.load(folder / "snapshot.json"), should_stop):
        done = isinstance(found, SpeedMeasured)
        yield found
    yield RunFinished(epoch=0, seconds=time.monotonic() - began, stopped=not done)


def _predict(folder: Path, job: dict[str, Any], should_stop: Callable[[], bool]) -> Iterator[Event]:
    from core.inference.prediction_loop import ImageSource, predict_images  # noqa: PLC0415 - torch comes with it
    from core.inference.predictor import Predictor  # noqa: PLC0415

    began = time.monotonic()
    snapshot = Snapshot.load(folder / "snapshot.json")
    split = str(job["split"])
    predictor = Predictor.load(Path(job["checkpoint"]), str(job.get("device", "auto"))).for_images(snapshot.most_boxes)
    # Unlabelled images too: looking at them is how a user finds what to label next.
    images = [image for image in snapshot.images if split in ("all", image.split)]
    found: list[tuple[SnapshotImage, Detections]] = []
    brightness: list[float] = []
    shown, done = 0.0, 0
    predictions = predict_images(predictor, [ImageSource.of_snapshot(image) for image in images], should_stop)
    with closing(predictions):
        yield JobProgress(0, len(images))
        loaded = time.monotonic()
        for done, one in enumerate(predictions, start=1):
            if one.detections is None:
                yield Notice(f"skipped: {one.error}", "warning")
            else:
                found.append((images[done - 1], one.detections))
                brightness += [] if one.facts is None or one.facts.brightness is None else [one.facts.brightness]
            if time.monotonic() - shown > PROGRESS_APART:
                shown = time.monotonic()
                yield JobProgress(done, len(images), shown - loaded)
        looked = time.monotonic() - loaded
    if done < len(images):
        yield RunFinished(epoch=0, seconds=time.monotonic() - began, stopped=True)
        return
    PredictionSet(
        predictor.label_names,
        str(job["checkpoint"]),
        snapshot.hash,
        split,
        tuple(image.path for image, _ in found),
        tuple(detections for _, detections in found),
        tuple(image.content_hash for image, _ in found),
        predictor.runner.decoding.describe(),
        tuple(brightness) if len(brightness) == len(found) else (),
    ).save(folder / "predictions.npz")
    yield JobProgress(len(images), len(images), looked)
    yield RunFinished(epoch=0, seconds=time.monotonic() - began, stopped=False)


if __name__ == "__main__":
    run_child(main, warm_up, may_stay=may_stay)
