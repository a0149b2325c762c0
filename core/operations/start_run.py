"""Starting a training from a project and a recipe, and following it to its end."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from core.errors import InputError
from core.inspection.lineage import start_notices
from core.jobs.events import Event, JobFinished, Notice, RunFailed, RunFinished, RunPaused, RunStarted
from core.jobs.folder import JobFolder
from core.jobs.launcher import JobLauncher
from core.jobs.process import follow_batches
from core.project import snapshot_files
from core.project.edits import image_edits
from core.project.edits.edit import Edit
from core.project.images import relocating
from core.project.project import Project
from core.project.snapshot import Snapshot, make_snapshot, take_snapshot
from core.recipe.recipe import Recipe, save_recipe
from core.safetensors_header import read_metadata
from core.training.lr_finder_result import STEPS, checked_range
from core.types import Split

ENOUGH_DISK = 2**20  # bytes that a run needs for its events


def prepare_run(
    project: Project,
    recipe: Recipe,
    apply: Callable[[Edit], object] | None = None,
    notices: Sequence[str] = (),
) -> JobFolder:
    """Freeze the project's annotations and make the folder of a new run: all that the child process needs.

    Images are divided into train, val and test where that was not done; a notice in the run says so. `apply` makes
    that edit (the project itself, unless views must hear of it). `notices`: what else the run should say. Raises
    InputError if there is nothing to train on.
    """
    snapshot, found = frozen_snapshot(project, recipe, apply)
    return make_run(project, recipe, snapshot, [*notices, *found])


def frozen_snapshot(
    project: Project, recipe: Recipe, apply: Callable[[Edit], object] | None = None
) -> tuple[Snapshot, list[str]]:
    """What `recipe` would be trained on now, and what the user should know of it; see `prepare_run`."""
    # Notes the new times of files that only were touched or copied, so that nobody reads them again for that.
    relocating.find_changed(project)
    snapshot = take_snapshot(project)
    if not snapshot.label_names:
        raise InputError(f"{project.folder}: the project has no labels; add some and label images with them")
    usable = [image for image in snapshot.images if image.is_trainable]
    if not usable:
        raise InputError(f"{project.folder}: no image is labelled or marked clean; label some, or import annotations")
    _check_weights(recipe)
    notices = project.depths.take_notices()
    divided = False
    if not (snapshot.of_split(Split.TRAIN) and snapshot.of_split(Split.VAL)):
        edit = image_edits.assign_splits(project, seed=recipe.seed)
        if not edit.is_empty:
            if project.read_only:
                raise InputError(
                    f"{project.folder}: its images are in no splits yet, and it is open elsewhere, so that they cannot be "
                    "divided here; divide them there, or close it"
                )
            (apply or project.apply)(edit)
            snapshot = take_snapshot(project)
            divided = True
            notices.append(f"images were divided, 70% train, 15% val, 15% test: {_split_sizes(snapshot)}")
    if not snapshot.of_split(Split.TRAIN):
        raise InputError(f"{project.folder}: no labelled image is in the train split; move some there")
    left = sum(1 for image in usable if image.split == Split.NONE)
    if left and not divided:
        notices.append(f"{left} labelled images are in no split, so they are not used")
    notices += _list_unlabelled(snapshot)
    snapshot, left_out = _without_lost_images(snapshot)
    notices += left_out + _describe_leaks(snapshot)
    if not snapshot.of_split(Split.TRAIN):
        raise InputError(f"{project.folder}: no image of the train split can be used; {left_out[0]}")
    if not any(len(image.boxes) for image in snapshot.of_split(Split.TRAIN)):
        raise InputError(f"{project.folder}: the train split has no box with a label; draw some, or move images there")
    return snapshot, notices


def _list_unlabelled(snapshot: Snapshot) -> list[str]:
    """Say how many boxes have no label yet, of images that are trained or judged on."""
    used = [image for image in snapshot.images if image.is_trainable and image.split != Split.NONE]
    counts = [int((~image.labels.any(axis=1)).sum()) for image in used]
    found, images = sum(counts), sum(count > 0 for count in counts)
    if not found:
        return []
    boxes = "1 box has no label yet" if found == 1 else f"{found:,} boxes on {images:,} images have no label yet"
    return [f"{boxes}: ignored in training and validation, neither a defect nor background; give each a label"]


def make_run(
    project: Project, recipe: Recipe, snapshot: Snapshot, notices: Sequence[str] = (), **job: str
) -> JobFolder:
    """The folder of a new run of `recipe` on `snapshot`; `job` goes into its job.json. Raises InputError if it cannot be made."""
    path = project.runs.make_folder()
    created = datetime.now(UTC).isoformat(timespec="seconds")
    try:
        save_recipe(recipe, path / "recipe.yaml")
        snapshot.save(path / "snapshot.json", project.folder)
        folder = JobFolder.create(path, {"kind": "train", "created": created, "snapshot_hash": snapshot.hash} | job)
        for text in notices:
            folder.append_event(Notice(text))
        for text in start_notices(recipe, snapshot):
            folder.append_event(Notice(text, "warning"))
    except OSError as error:
        shutil.rmtree(path, ignore_errors=True)  # half a run would be listed as one that waits
        raise InputError(f"{path}: the run cannot be written ({error.strerror}); check the disk") from error
    return folder


def forget_if_refused(folder: JobFolder) -> None:
    """Take away a new run that was refused for its input, such as a damaged weights file: it never began.

    One that failed otherwise is kept, with its log.
    """
    events, _ = folder.read_events()
    last = events[-1] if events else None
    refused = isinstance(last, RunFailed) and not last.advice
    if refused and not any(isinstance(event, RunStarted) for event in events):
        shutil.rmtree(folder.path, ignore_errors=True)


def prepare_range_test(
    project: Project,
    recipe: Recipe,
    apply: Callable[[Edit], object] | None = None,
    steps: int | None = None,
    low: float | None = None,
    high: float | None = None,
) -> JobFolder:
    """The folder of a learning-rate range test of `recipe`: in the project's cache, for nothing of it is kept.

    `steps`, `low`, `high`: as for `range_test`; the rest as for `prepare_run`. A test that was made before is forgotten.
    """
    checked_range(recipe.optimizer.kind, STEPS if steps is None else steps, low, high)
    snapshot, notices = frozen_snapshot(project, recipe, apply)
    path = project.folder / "cache" / "range-test"
    if JobFolder(path).state() == "running":
        raise InputError(f"{project.folder}: a range test of it is running; wait for its end")
    shutil.rmtree(path, ignore_errors=True)
    try:
        save_recipe(recipe, path / "recipe.yaml")
        snapshot.save(path / "snapshot.json", project.folder)
        given = {name: value for name, value in (("steps", steps), ("low", low), ("high", high)) if value is not None}
        folder = JobFolder.create(path, {"kind": "range_test"} | given)
        for text in notices:
            folder.append_event(Notice(text))
        return folder
    except OSError as error:
        raise InputError(f"{path}: the test cannot be written ({error.strerror}); check the disk") from error


def _describe_leaks(snapshot: Snapshot) -> list[str]:
    """What to say of images to measure by that are copies of training images."""
    learnt = {image.content_hash: image.path for image in snapshot.of_split(Split.TRAIN)}
    notices = []
    for split, kind in ((Split.VAL, "validation"), (Split.TEST, "test")):
        copies = [image for image in snapshot.of_split(split) if image.content_hash in learnt]
        if not copies:
            continue
        which = f"{copies[0].path} is one of {learnt[copies[0].content_hash]}"
        are = (
            f"1 {kind} image is an exact copy of a training image"
            if len(copies) == 1
            else (f"{len(copies):,} {kind} images are exact copies of training images")
        )
        notices.append(
            f"{are}, such as {which}: figures are too good; divide the images again, which keeps copies together"
        )
    return notices


def _without_lost_images(snapshot: Snapshot) -> tuple[Snapshot, list[str]]:
    """The snapshot without images whose files are gone or hold another picture than their boxes were drawn on."""
    faults = snapshot_files.find_unfit(snapshot)
    if not faults:
        return snapshot, []
    images = snapshot_files.leave_out(snapshot, faults).images
    whole = make_snapshot(
        snapshot.label_names, snapshot.label_colors, images, snapshot.cameras, snapshot.bits, snapshot.label_ids
    )
    return whole, [snapshot_files.describe_left_out(faults)]


def _check_weights(recipe: Recipe) -> None:
    """Tell a wrong file before a run is made for it. Raises InputError."""
    path = Path(recipe.weights.path)
    if recipe.weights.source == "file" and not path.is_file():
        raise InputError(f"weights.path: {path} is no file; name a weights file")
    if recipe.weights.source == "checkpoint" and (model := read_metadata(path).get("model")) != recipe.model:
        raise InputError(f"weights.path: {path} is a {model}, the recipe wants {recipe.model}; choose the same model")


def _split_sizes(snapshot: Snapshot) -> str:
    return ", ".join(f"{len(snapshot.of_split(split))} {split}" for split in (Split.TRAIN, Split.VAL, Split.TEST))


def run_training(
    folder: JobFolder,
    launcher: JobLauncher,
    interrupted: Callable[[], None] = lambda: None,
    *,
    offset: int | None = None,
) -> Iterator[Event]:
    """Train in a child process on all cores, or go on with a training; the events from now on, or from `offset`.

    Ctrl+C asks the run to stop and keep what it has learnt; the run's last event then says so, and `interrupted` was
    called. A second one ends the child at once and raises KeyboardInterrupt. A child that dies without a word yields a
    last event "failed".
    """
    offset = count_past(folder) if offset is None else offset
    with first_interrupt_stops(folder, interrupted):
        process = launcher.launch_job(folder)
        ended = False
        try:
            for batch in follow_batches(folder, process, offset):
                for event in batch:
                    ended = ended or isinstance(event, RunFinished | JobFinished | RunFailed | RunPaused)
                    yield event
        finally:
            # The person who follows is gone, or asked twice: a child must not go on unseen.
            if process.poll() is None:
                process.cancel(grace=2.0)
    if not ended:
        reason = f"the training process ended without a word (exit code {process.poll()})"
        yield RunFailed(reason, f"{_cause_of_silence(folder)}; see {folder.log_path}.")


def count_past(folder: JobFolder) -> int:
    """Where in the events of a run that is about to go on, what is new begins."""
    before, end = folder.read_events()
    # The notices of a run that was only prepared belong to it; what an earlier process said has been read.
    return end if any(not isinstance(event, Notice) for event in before) else 0


def _cause_of_silence(folder: JobFolder) -> str:
    # Without room, not even the reason can be written down.
    full = shutil.disk_usage(folder.path).free < ENOUGH_DISK
    return "The disk is full" if full else "Too little memory is the usual cause"


@contextmanager
def first_interrupt_stops(folder: JobFolder, interrupted: Callable[[], None]) -> Iterator[None]:
    def request_stop(_number: int, _frame: FrameType | None) -> None:
        if folder.stop_requested():
            raise KeyboardInterrupt
        folder.request_stop()
        interrupted()

    before = signal.signal(signal.SIGINT, request_stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
