"""A recipe that the data, the device and the user's time ask for: proposed for the form and for the command line.

request = request_proposal(project, 30)     what is known without computing
request.known                               what a trial measured before; otherwise:
job = prepare_trial(project, request.recipe, request.snapshot)    a few steps, to be done in a child
proposal = request.make_proposal(measured)  measured: what the child said, None to go by usual speeds
"""

from __future__ import annotations

import math
import shutil
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from core.errors import InputError
from core.jobs.events import SpeedMeasured
from core.jobs.folder import JobFolder
from core.models.gpus import gpu_names
from core.models.registry import MODELS
from core.models.weights_place import is_on_machine
from core.operations.judge_recipe import with_some_to_train
from core.project import snapshot_files
from core.project.project import Project
from core.project.snapshot import Snapshot, take_snapshot
from core.recipe.draft import load_draft
from core.recipe.recipe import Recipe, save_recipe
from core.training.data.choice import Choice
from core.training.data.proposal import Proposal, choose_model, propose
from core.training.data.speed import SPEEDS_FILE, Speed, load_speed, save_speed, speed_key
from core.types import Split

MOST_MINUTES = 60 * 24 * 14


@dataclass(frozen=True, slots=True, eq=False)
class ProposalRequest:
    """What a proposal is made from."""

    before: Recipe  # what it will be a change of
    recipe: Recipe  # the model that was chosen, by its defaults
    chosen: Choice  # why
    snapshot: Snapshot
    minutes: float
    device: str  # "cpu", "cuda" or "mps"
    remembered: Path  # where measurements are kept
    known: SpeedMeasured | None  # what was measured before

    @property
    def key(self) -> str:
        return speed_key(self.recipe)

    def make_proposal(self, measured: SpeedMeasured | None, threads: int | None = None) -> Proposal:
        """By what was `measured` with the request's recipe; without it, by usual speeds, of a CPU with so many `threads`."""
        if measured is None:
            speed = Speed.usual(self.recipe, self.device, threads)
        else:
            if measured is not self.known:
                save_speed(self.remembered, self.key, asdict(measured))
            train, val = self.snapshot.of_split(Split.TRAIN), self.snapshot.of_split(Split.VAL)
            speed = Speed.of_measured(measured, self.recipe, train, val)
        return propose(self.recipe, self.chosen, self.snapshot, self.minutes, speed)


def request_proposal(
    project: Project, minutes: float, before: Recipe | None = None, device: str | None = None
) -> ProposalRequest:
    """Everything that a proposal for `minutes` needs to know; nothing is changed or computed.

    `before`: the recipe that it will be a change of, by default the project's draft; its device, seed, limits and
    tracking stay. Raises InputError where there is nothing to learn from, or no such time.
    """
    if not (math.isfinite(minutes) and 0 < minutes <= MOST_MINUTES):
        raise InputError(f"minutes: {minutes:g} is no time to train in; give more than 0 and at most {MOST_MINUTES:,}")
    before = before or load_draft(project)
    if device is not None:
        before = before.model_copy(update={"device": device})
    snapshot = with_some_to_train(_without_unfit(take_snapshot(project)))
    if not any(len(image.boxes) for image in snapshot.of_split(Split.TRAIN)):
        raise InputError(
            f"{project.folder}: no image to train on has a box with a label, so there is nothing to go by; draw some boxes"
        )
    kind = _device_kind(before.device)
    weights = (file for spec in MODELS.values() for file in spec.weights.values())
    ready = [file.file_name for file in weights if is_on_machine(file)]
    recipe, chosen = choose_model(before, kind, ready, minutes)
    remembered = project.folder / "cache" / SPEEDS_FILE
    known = load_speed(remembered, speed_key(recipe))
    return ProposalRequest(before, recipe, chosen, snapshot, minutes, kind, remembered, known)


def prepare_trial(project: Project, recipe: Recipe, snapshot: Snapshot) -> JobFolder:
    """The folder of a short trial of `recipe`: a few steps, of which nothing is kept but how long they took.

    It lies in the project's cache, or in a temporary folder where the project cannot be written to; `forget_trial`
    takes it away. Raises InputError if it cannot be made.
    """
    place = project.folder / "cache" if not project.read_only else Path(tempfile.gettempdir())
    try:
        place.mkdir(parents=True, exist_ok=True)
        path = Path(tempfile.mkdtemp(prefix="speed-", dir=place))
        save_recipe(recipe, path / "recipe.yaml")
        snapshot.save(path / "snapshot.json")
        return JobFolder.create(path, {"kind": "speed"})
    except OSError as error:
        raise InputError(f"{place}: the trial cannot be written ({error.strerror}); check the disk") from error


def forget_trial(folder: JobFolder) -> None:
    """Take away the folder of a trial."""
    shutil.rmtree(folder.path, ignore_errors=True)


def _without_unfit(snapshot: Snapshot) -> Snapshot:
    """The snapshot without images that are gone or changed: no training would use them."""
    faults = snapshot_files.find_unfit(snapshot)
    return replace(snapshot, images=snapshot_files.leave_out(snapshot, faults).images) if faults else snapshot


def _device_kind(device: str) -> str:
    if device == "auto":
        names = gpu_names()
        return "cpu" if not names else "mps" if names == ["Apple GPU"] else "cuda"
    return device.partition(":")[0]
