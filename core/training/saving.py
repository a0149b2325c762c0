"""Writing the checkpoints of a run: the best model, and the last with all that the training needs to go on."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from core.errors import InputError
from core.evaluation.operating_point import OperatingPoint
from core.jobs.events import CheckpointSaved, Event, Notice
from core.models import checkpoint
from core.models.checkpoint import BEST, LAST, Description, Metrics
from core.models.networks.detector import Network
from core.models.training_range import TrainingRange
from core.models.training_state import TrainingState
from core.project.snapshot import Snapshot
from core.recipe.recipe import Recipe, parse_recipe
from core.training.environment import read_versions
from core.training.preparation import Prepared
from core.training.tasks.validation_result import ValidationResult

SAVES_APART = 30.0  # seconds between saves of the last checkpoint
MOST_SAVING = 0.05  # share of the time that saving may take
# What may change between two parts of a run: where and how fast it is computed, not what.
_MAY_CHANGE = {"device", "limits", "tracking"}


@dataclass(slots=True, eq=False)
class Saver:
    """Writes into one run folder."""

    folder: Path
    recipe: Recipe
    snapshot: Snapshot
    prepared: Prepared
    measure: Callable[[], TrainingRange | None]  # what it trains on; takes a moment
    trained_on: TrainingRange | None = None
    saved_any: bool = False  # by this process, or by the one that began the run
    _ended: float = 0.0  # when the last save did, by the monotonic clock
    _took: float = 0.0

    def __post_init__(self) -> None:
        self._ended = time.monotonic()

    def identity(self, kind: str) -> str:
        return f"{self.folder.name}-{kind}"

    @property
    def due(self) -> bool:
        """Whether the last checkpoint should be saved now, so that little is lost if the power fails."""
        return time.monotonic() - self._ended >= max(SAVES_APART, self._took / MOST_SAVING)

    def best(
        self, network: Network, epoch: int, judged: ValidationResult | None, point: OperatingPoint | None
    ) -> Event:
        """Save the model that predicts, and nothing else."""
        return self._save(BEST, network, self._description("best", epoch, judged, point), None)

    def last(
        self,
        network: Network,
        epoch: int,
        judged: ValidationResult | None,
        point: OperatingPoint | None,
        state: TrainingState,
    ) -> Event:
        """Save the model and the state of its training."""
        begun = time.monotonic()
        event = self._save(LAST, network, self._description("last", epoch, judged, point), state)
        self._ended = time.monotonic()
        self._took = self._ended - begun
        return event

    def _save(self, name: str, network: Network, described: Description, state: TrainingState | None) -> Event:
        path = self.folder / "checkpoints" / name
        try:
            checkpoint.save(path, network, described, state)
        except InputError as error:
            # A full disk must not end hours of training: there may be room again at the next save.
            return Notice(f"{error}; the training goes on. Make room on the disk", "warning")
        self.saved_any = True
        metrics = described.metrics
        return CheckpointSaved(described.id, str(path), described.epoch, metrics.map50, metrics.map, described.best)

    def _description(
        self, kind: str, epoch: int, judged: ValidationResult | None, point: OperatingPoint | None
    ) -> Description:
        if self.trained_on is None:
            self.trained_on = self.measure()
        if point is None:
            point = OperatingPoint.without_validation(self.snapshot.label_names, "it was not validated")
        return Description(
            id=self.identity(kind),
            run=self.folder.name,
            model=self.recipe.model,
            epoch=epoch,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            labels=list(self.snapshot.label_names),
            label_colors=list(self.snapshot.label_colors),
            label_ids=list(self.snapshot.label_ids),
            architecture=self.prepared.architecture.to_json(),
            input=self.prepared.input,
            recipe=self.recipe.model_dump(),
            snapshot_hash=self.snapshot.hash,
            cameras=None if self.snapshot.cameras is None else self.snapshot.cameras.to_json(),
            most_boxes=self.snapshot.most_boxes,
            bits=list(self.snapshot.bits),
            metrics=judged.kept() if judged else Metrics(),
            operating_point=point.to_json(),
            trained_on=self.trained_on,
            best=kind == "best",
            versions=read_versions(),
        )


def check_belongs(description: Description, recipe: Recipe, snapshot: Snapshot, folder: Path) -> None:
    """Raises InputError if the run in `folder` was begun by another recipe or on another snapshot."""
    if description.snapshot_hash != snapshot.hash:
        raise InputError(f"{folder}: its run was trained on other annotations; start a new run to train on these")
    begun = parse_recipe(description.recipe, f"{folder}: recipe of its last checkpoint").model_dump()
    wanted = recipe.model_dump()
    for name in wanted.keys() - _MAY_CHANGE:
        if begun[name] != wanted[name]:
            raise InputError(
                f"{folder}: its run was begun with another {name}; go on with the recipe that is in the folder, or start "
                "a new run"
            )
