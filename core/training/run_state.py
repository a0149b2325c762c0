"""How far a run has come. All that it decides by is here, so that what is saved and what is going on are one."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Self

import torch
from torch import Tensor

from core.errors import InputError
from core.evaluation.operating_point import OperatingPoint
from core.models.training_state import Progress
from core.recipe.schedule import EarlyStop, Plateau
from core.training.tasks.validation_result import ValidationResult

# Judgements from the last of which is seen whether a model is still getting better, and by how much each must bring.
RISING_OVER = 4
STILL_RISING = 0.01


@dataclass(slots=True, eq=False)
class EpochSums:
    """Losses of the epoch under way, kept on the device so that no step waits for them."""

    losses: Tensor  # label loss and box loss, added up over the steps, (2,)
    steps: int = 0
    pictures: int = 0
    seconds: float = 0.0  # spent on this epoch before the run was interrupted

    @classmethod
    def on(cls, device: torch.device) -> Self:
        return cls(torch.zeros(2, device=device))

    def mean(self) -> tuple[float, float]:
        """Label loss and box loss of a step. Waits for the device."""
        labels, boxes = (self.losses / max(self.steps, 1)).tolist()
        return labels, boxes


@dataclass(frozen=True, slots=True)
class BestSoFar:
    """The best model so far."""

    id: str = ""  # of its checkpoint; empty if none was saved
    rank: float | None = None  # None: it was not judged, or nothing can be judged
    map50: float | None = None
    map: float | None = None

    def beaten_by(self, rank: float | None) -> bool:
        """Whether a newer model of `rank` takes its place.

        Where the validation images judge nothing, what was trained longer is the better.
        """
        return self.rank is None or rank is None or rank > self.rank


@dataclass(slots=True, eq=False)
class RunState:
    """A training between two steps."""

    sums: EpochSums
    plateau: Plateau
    early_stop: EarlyStop
    step: int = 0  # steps of the optimiser in the whole run
    epoch: int = 0  # the one that was begun last, from 1
    epoch_step: int = 0  # steps done in that epoch
    closed: bool = True  # the epoch was judged and told
    over: bool = False  # nothing is left to do
    seconds: float = 0.0  # of training before this process
    best: BestSoFar = field(default_factory=BestSoFar)
    latest: ValidationResult | None = None  # of the epoch that was begun last
    point: OperatingPoint | None = None  # chosen at the last judgement, which may be of an earlier epoch
    ranks: list[float] = field(default_factory=list)  # of all judgements, in their order

    @property
    def is_rising(self) -> bool:
        """Whether the last judgements became better and better, so that a longer run would very likely bring more."""
        last = self.ranks[-RISING_OVER:]
        if len(last) < 2 or last[-1] < max(self.ranks):
            return False
        slope = (last[-1] - last[0]) / (len(last) - 1)
        return slope >= STILL_RISING

    def begin_epoch(self) -> None:
        self.epoch += 1
        self.epoch_step = 0
        self.closed = False
        # What is saved in the middle of an epoch must not carry the measures of an earlier one.
        self.latest = None
        self.sums = EpochSums.on(self.sums.losses.device)

    def count(self, labels: Tensor, boxes: Tensor, pictures: int) -> None:
        """A step was done with these losses, on this many pictures."""
        self.step += 1
        self.epoch_step += 1
        self.sums.losses += torch.stack([labels, boxes])
        self.sums.steps += 1
        self.sums.pictures += pictures

    def progress(self, seconds: float, epoch_seconds: float, halvings: int, scaler: dict[str, Any]) -> Progress:
        """The state as it is saved; `seconds` of training in all, `epoch_seconds` in this epoch. Waits for the device."""
        labels, boxes = self.sums.losses.tolist()
        return Progress(
            step=self.step,
            epoch=self.epoch,
            epoch_step=self.epoch_step,
            seconds=seconds,
            halvings=halvings,
            sums={
                "labels": labels,
                "boxes": boxes,
                "steps": self.sums.steps,
                "pictures": self.sums.pictures,
                "seconds": epoch_seconds,
            },
            best=asdict(self.best),
            latest=asdict(self.latest) if self.latest else {},
            plateau=self.plateau.to_json(),
            early_stop=self.early_stop.to_json(),
            scaler=scaler,
            more={
                "closed": self.closed,
                "over": self.over,
                "ranks": self.ranks,
                "point": None if self.point is None else self.point.to_json(),
            },
        )

    def restore(self, saved: Progress, where: str) -> None:
        """Become the state that was saved. Raises InputError naming `where` if it is none."""
        try:
            self.step, self.epoch, self.epoch_step = saved.step, saved.epoch, saved.epoch_step
            self.seconds = saved.seconds
            self.closed, self.over = bool(saved.more["closed"]), bool(saved.more["over"])
            self.ranks = [float(rank) for rank in saved.more.get("ranks", [])]
            self.best = BestSoFar(**saved.best)
            self.latest = ValidationResult(**saved.latest) if saved.latest else None
            point = saved.more.get("point")  # none in what was saved before there were any
            self.point = None if point is None else OperatingPoint.from_json(point, f"{where}: operating point")
            self.plateau = self.plateau.restored(saved.plateau)
            self.early_stop = self.early_stop.restored(saved.early_stop)
            losses = torch.tensor([saved.sums["labels"], saved.sums["boxes"]], device=self.sums.losses.device)
            self.sums = EpochSums(losses, int(saved.sums["steps"]), int(saved.sums["pictures"]), saved.sums["seconds"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{where}: damaged, the state of the training is wrong ({error}); start a new run"
            ) from error
