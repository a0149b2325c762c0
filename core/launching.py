"""Starting a training from a project and a recipe, and following it to its end."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

from core.errors import InputError
from core.jobs.folder import JobFolder
from core.jobs.process import follow_batches, spawn
from core.project import edits
from core.project.history import Edit
from core.project.project import Project
from core.project.snapshot import Snapshot, take_snapshot
from core.safetensors_header import read_metadata
from core.training.events import Notice, to_json
from core.training.recipe import Recipe, save_recipe
from core.types import Split


def prepare_run(project: Project, recipe: Recipe, apply: Callable[[Edit], object] | None = None) -> JobFolder:
    """Freeze the project's annotations and make the folder of a new run: all that the child process needs.

    Images are divided into train, val and test where that was not done; a notice in the run says so. `apply` makes
    that edit (the project itself, unless views must hear of it). Raises InputError if there is nothing to train on.
    """
    snapshot = take_snapshot(project)
    if not snapshot.label_names:
        raise InputError(f"{project.folder}: the project has no labels; add some and label images with them")
    usable = [image for image in snapshot.images if image.is_usable]
    if not usable:
        raise InputError(f"{project.folder}: no image is labelled or marked clean; label some, or import annotations")
    _check_weights(recipe)
    notices: list[str] = []
    if not (snapshot.of_split(Split.TRAIN) and snapshot.of_split(Split.VAL)):
        edit = edits.assign_splits(project, seed=recipe.seed)
        if not edit.is_empty:
            (apply or project.apply)(edit)
            snapshot = take_snapshot(project)
            notices.append(f"images were divided, 70% train, 15% val, 15% test: {_split_sizes(snapshot)}")
    if not snapshot.of_split(Split.TRAIN):
        raise InputError(f"{project.folder}: no labelled image is in the train split; move some there")
    left = sum(1 for image in usable if image.split == Split.NONE)
    if left and not notices:
        notices.append(f"{left} labelled images are in no split, so they are not used")
    path = project.new_run_folder()
    save_recipe(recipe, path / "recipe.yaml")
    snapshot.save(path / "snapshot.json")
    created = datetime.now(UTC).isoformat(timespec="seconds")
    folder = JobFolder.create(path, {"kind": "train", "created": created, "snapshot_hash": snapshot.hash})
    for text in notices:
        folder.append(to_json(Notice(text)))
    return folder


def _check_weights(recipe: Recipe) -> None:
    """Tell a wrong file before a run is made for it. Raises InputError."""
    path = Path(recipe.weights.path)
    if recipe.weights.source == "file" and not path.is_file():
        raise InputError(f"weights.path: {path} is no file; name a weights file")
    if recipe.weights.source == "checkpoint" and (model := read_metadata(path).get("model")) != recipe.model:
        raise InputError(f"weights.path: {path} is a {model}, the recipe wants {recipe.model}; choose the same model")


def _split_sizes(snapshot: Snapshot) -> str:
    return ", ".join(f"{len(snapshot.of_split(split))} {split}" for split in (Split.TRAIN, Split.VAL, Split.TEST))


def run_training(folder: JobFolder) -> Iterator[dict[str, Any]]:
    """Train in a child process on all cores; the events as plain values.

    Ctrl+C asks the run to stop and keep what it has learnt; the run's last event then says so. A second one ends the
    child at once and raises KeyboardInterrupt. A child that dies without a word yields a last event "failed".
    """
    with _first_interrupt_stops(folder):
        process = spawn(folder)
        ended = False
        try:
            for batch in follow_batches(folder, process):
                for event in batch:
                    ended = ended or event.get("event") in ("finished", "failed")
                    yield event
        finally:
            # The person who follows is gone, or asked twice: a child must not go on unseen.
            if process.poll() is None:
                process.cancel(grace=2.0)
    if not ended:
        reason = f"the training process ended without a word (exit code {process.poll()})"
        yield {
            "event": "failed",
            "reason": reason,
            "advice": f"Too little memory is the usual cause; see {folder.log_path}.",
        }


@contextmanager
def _first_interrupt_stops(folder: JobFolder) -> Iterator[None]:
    def stop(_number: int, _frame: FrameType | None) -> None:
        if folder.stop_requested():
            raise KeyboardInterrupt
        folder.request_stop()

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
