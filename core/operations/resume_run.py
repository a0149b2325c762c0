"""Going on with a run that was paused, stopped or interrupted."""

from __future__ import annotations

from pathlib import Path

from core.errors import InputError
from core.jobs.folder import JobFolder, State
from core.recipe.recipe import load_recipe
from core.safetensors_header import read_texts

RESUMABLE: frozenset[State] = frozenset({"paused", "stopped", "interrupted", "failed", "waiting"})
_CHECKPOINTS = ("last.safetensors", "previous.safetensors")
_STATE = "training"  # entry of a checkpoint's header: with it a training can go on


def existing_run(runs_folder: Path, run: str) -> JobFolder:
    """The folder of the run called `run`. Raises InputError if there is none."""
    path = runs_folder / run
    if Path(run).name != run or not (path / "job.json").is_file():
        raise InputError(f"run: there is no {run!r} in {runs_folder}; see 'defectdesk runs DIR'")
    return JobFolder(path)


def run_to_resume(runs_folder: Path, run: str) -> JobFolder:
    """The folder of a run that can go on, or be begun if it was not yet.

    Raises InputError that says why not, and what to do instead. Imports no torch and reads no tensor.
    """
    folder = existing_run(runs_folder, run)
    path, state = folder.path, folder.state()
    if state == "running":
        raise InputError(f"{run}: is running")
    if state == "finished":
        raise InputError(f"{run}: has finished; to train on, start a new run from its checkpoint {run}-last")
    load_recipe(path / "recipe.yaml")
    if not (path / "snapshot.json").is_file():
        raise InputError(
            f"{path / 'snapshot.json'}: there is no such file; without it, what the run learns from is lost"
        )
    _check_checkpoint(path)
    return folder


def _check_checkpoint(run: Path) -> None:
    """Raises InputError if there are checkpoints, but none of them holds the state of the training."""
    refusals = []
    for name in _CHECKPOINTS:
        path = run / "checkpoints" / name
        if not path.exists():
            continue
        try:
            if _STATE in read_texts(path):
                return
        except InputError as error:
            refusals.append(str(error))
        else:
            refusals.append(
                f"{path}: holds a model, but not the state of its training; start a new run from {run.name}-last"
            )
    if refusals:
        raise InputError(refusals[0])
