"""The training itself: a generator of events. A child process, the command line and the tests all iterate it."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
import torchvision
from torch import Tensor

from core.errors import InputError
from core.imaging.decode import ImageError
from core.inference.runner import Runner, normalized
from core.models import checkpoint
from core.models.checkpoint import Description, Metrics
from core.models.device import choose_device, device_title, mixed_precision
from core.models.multilabel import Decoding
from core.project.snapshot import Snapshot
from core.training.dataset import Batch, ImageCache, TrainingSet
from core.training.events import CheckpointSaved, EpochDone, Event, Notice, RunFailed, RunFinished, RunStarted, StepDone
from core.training.interruption import StopRequested, stoppable
from core.training.judging import Judged
from core.training.preparation import Prepared, prepare
from core.training.recipe import Recipe
from core.training.schedule import rate_factor
from core.training.strategy import Plan, apply_strategy, set_rate
from core.training.tasks import task_for
from core.training.validation import validate
from core.types import Split

# For average precision, low scores count too; 0.01 loses nothing that shows in four digits.
EVALUATION_DECODING = Decoding(score_threshold=0.01, max_detections=300)
STEP_EVENTS_APART = 0.05  # seconds
SAVES_APART = 30.0  # seconds between saves of the last checkpoint


def train(recipe: Recipe, snapshot: Snapshot, run_folder: Path, should_stop: Callable[[], bool]) -> Iterator[Event]:
    """Train `recipe` on `snapshot`, writing checkpoints into `run_folder`/checkpoints.

    Yields events until RunFinished or RunFailed. When `should_stop()` turns true, also in the middle of a
    step, what was learnt is saved as the last checkpoint and the run finishes as stopped. Raises InputError,
    before any step, if the recipe, the snapshot or the starting weights cannot work.
    """
    device = choose_device(recipe.device)
    prepared = prepare(recipe, snapshot)
    prepared.detector.to(device).to(memory_format=torch.channels_last)
    plan = apply_strategy(prepared.detector, recipe, prepared.pretrained)
    run = _Run(recipe, snapshot, run_folder, prepared, plan, device)
    yield run.started()
    yield from (Notice(text, "warning") for text in prepared.notices)
    if not run.val_images:
        yield Notice(
            "no validation images: mAP cannot be measured, and the last checkpoint counts as the best", "warning"
        )
    try:
        with stoppable(prepared.detector, should_stop):
            yield from run.epochs(should_stop)
    except StopRequested:
        yield from run.save_last()
        yield run.finished(stopped=True)
    except torch.OutOfMemoryError:
        yield RunFailed(
            "the GPU has too little memory for this batch",
            f"Set schedule.batch_size below {recipe.schedule.batch_size}, or a smaller sampling.input_size.",
        )
    except ImageError as error:
        yield from run.save_last()
        yield RunFailed(
            str(error), "What was learnt is in the last checkpoint; train on from it when the image is back."
        )
    except InputError as error:
        yield RunFailed(str(error), "The checkpoint that was saved before is still good.")
    except _Diverged as error:
        yield RunFailed(
            str(error),
            f"The learning rate is the likely cause: try optimizer.lr={recipe.optimizer.lr / 5:g}. "
            "The last checkpoint that was saved is still good.",
        )
    else:
        yield run.finished(stopped=False)


class _Diverged(Exception):
    """The loss is no number any more."""


@dataclass(slots=True)
class _Sums:
    """Losses of an epoch, kept on the device so that no step waits for them."""

    labels: Tensor
    boxes: Tensor
    steps: int = 0
    pictures: int = 0

    def mean(self) -> tuple[float, float]:
        return float(self.labels) / max(self.steps, 1), float(self.boxes) / max(self.steps, 1)


class _Run:
    """One training under way."""

    def __init__(
        self, recipe: Recipe, snapshot: Snapshot, folder: Path, prepared: Prepared, plan: Plan, device: torch.device
    ) -> None:
        self.recipe, self.snapshot, self.folder = recipe, snapshot, folder
        self.prepared, self.plan, self.device = prepared, plan, device
        self.began = time.monotonic()
        self.saved_at = self.began
        self.epoch = 0  # the last one that was begun
        self.latest: Judged | None = None  # of the epoch that ended last, if it was judged
        self.best: Judged | None = None
        self.best_id = ""
        self.task = task_for(recipe, snapshot)
        self.train_images = self.snapshot.of_split(Split.TRAIN)
        self.val_images = self.snapshot.of_split(Split.VAL)
        if self.recipe.evaluation.max_images:
            self.val_images = self.val_images[: self.recipe.evaluation.max_images]
        self.cache = ImageCache(window=snapshot.window)
        self.data = TrainingSet(
            self.train_images,
            len(self.snapshot.label_names),
            self.recipe,
            (self.prepared.input.width, self.prepared.input.height),
            self.cache,
        )
        self.steps = recipe.schedule.epochs * self.data.steps
        self.runner = Runner(
            self.prepared.detector, self.prepared.input, self.device, self.recipe.limits.precision, EVALUATION_DECODING
        )

    def started(self) -> RunStarted:
        parameters = list(self.prepared.detector.parameters())
        return RunStarted(
            run=self.folder.name,
            model=self.recipe.model,
            device=device_title(self.device),
            epochs=self.recipe.schedule.epochs,
            steps_per_epoch=self.data.steps,
            train_images=len(self.train_images),
            val_images=len(self.val_images),
            labels=list(self.snapshot.label_names),
            parameters=sum(p.numel() for p in parameters),
            trainable_parameters=sum(p.numel() for p in parameters if p.requires_grad),
            reachable=self.prepared.reachable,
            weights=self.prepared.weights_text,
        )

    def epochs(self, should_stop: Callable[[], bool]) -> Iterator[Event]:
        for epoch in range(1, self.recipe.schedule.epochs + 1):
            # What is saved in the middle of an epoch must not carry the measures of an earlier one.
            self.epoch, self.latest = epoch, None
            begun = time.monotonic()
            sums = _Sums(torch.zeros((), device=self.device), torch.zeros((), device=self.device))
            yield from self._steps(epoch, sums, should_stop)
            speed = sums.pictures / max(time.monotonic() - begun, 1e-9)
            label_loss, box_loss = sums.mean()
            self._check(label_loss + box_loss)
            last = epoch == self.recipe.schedule.epochs or self._progress(epoch * self.data.steps) >= 1
            judged = bool(self.val_images) and (last or epoch % self.recipe.evaluation.every == 0)
            if judged:
                self.latest = self._validate()
            yield self._epoch_done(epoch, (label_loss, box_loss), self.latest if judged else None, speed, begun)
            if judged and self._is_best():
                self.best = self.latest
                yield self._save("best", best=True)
            if last or time.monotonic() - self.saved_at >= SAVES_APART:
                yield from self.save_last()
            if last:
                if epoch < self.recipe.schedule.epochs or sums.steps < self.data.steps:
                    yield Notice(f"the time limit ended the run in epoch {epoch} of {self.recipe.schedule.epochs}")
                return

    def _steps(self, epoch: int, sums: _Sums, should_stop: Callable[[], bool]) -> Iterator[Event]:
        self.plan.training_mode()
        begun = shown = time.monotonic()
        for step, batch in enumerate(self.data.batches(epoch), start=1):
            if should_stop():
                raise StopRequested
            done = (epoch - 1) * self.data.steps + step - 1
            rate = self.recipe.optimizer.lr * rate_factor(self.recipe.schedule, done, self.steps, self._progress(done))
            set_rate(self.plan.optimizer, rate)
            label_loss, box_loss = self._step(batch)
            sums.labels += label_loss
            sums.boxes += box_loss
            sums.steps += 1
            sums.pictures += len(batch.images_b3hw)
            now = time.monotonic()
            if now - shown >= STEP_EVENTS_APART or step == self.data.steps:
                shown = now
                labels, boxes = float(label_loss), float(box_loss)
                self._check(labels + boxes)
                yield StepDone(
                    epoch, step, self.data.steps, labels + boxes, labels, boxes, rate, sums.pictures / (now - begun)
                )
            if self._progress(done) >= 1:
                return

    def _step(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """One gradient step; the losses, detached, still on the device."""
        images = batch.images_b3hw.to(self.device, non_blocking=True)
        targets = batch.targets.to(self.device)
        with mixed_precision(self.device, self.recipe.limits.precision):
            outputs = self.prepared.detector(normalized(images, self.prepared.input))
        sums = self.task.loss_sums(outputs, targets)
        label_loss, box_loss = sums.per_positive()
        box_loss = box_loss * self.recipe.loss.box_weight
        self.plan.optimizer.zero_grad(set_to_none=True)
        (label_loss + box_loss).backward()
        torch.nn.utils.clip_grad_norm_(self.prepared.detector.parameters(), self.recipe.optimizer.clip_norm)
        self.plan.optimizer.step()
        return label_loss.detach(), box_loss.detach()

    def _progress(self, steps_done: int) -> float:
        """Share of the run that is over, by steps or by the time limit, whichever is further."""
        by_steps = steps_done / self.steps
        limit = self.recipe.limits.time_minutes * 60
        return max(by_steps, (time.monotonic() - self.began) / limit) if limit else by_steps

    def _validate(self) -> Judged:
        self.prepared.detector.eval()
        return validate(self.task, self.runner, self.val_images, self.cache)

    def _is_best(self) -> bool:
        assert self.latest is not None
        if self.best is None or self.best.rank is None or self.latest.rank is None:
            # Validation images that judge nothing: then what was trained longer is the better.
            return True
        return self.latest.rank > self.best.rank

    def _check(self, loss: float) -> None:
        if not math.isfinite(loss):
            raise _Diverged(f"the loss became {loss} in epoch {self.epoch}")

    def _epoch_done(
        self, epoch: int, losses: tuple[float, float], judged: Judged | None, speed: float, begun: float
    ) -> EpochDone:
        label_loss, box_loss = losses
        seconds = time.monotonic() - begun
        progress = self._progress(epoch * self.data.steps)
        elapsed = time.monotonic() - self.began
        weight = self.recipe.loss.box_weight
        return EpochDone(
            epoch=epoch,
            epochs=self.recipe.schedule.epochs,
            train_loss=label_loss + box_loss,
            train_label_loss=label_loss,
            train_box_loss=box_loss,
            val_loss=judged.label_loss + weight * judged.box_loss if judged else None,
            val_label_loss=judged.label_loss if judged else None,
            val_box_loss=weight * judged.box_loss if judged else None,
            map50=judged.map50 if judged else None,
            map=judged.map if judged else None,
            labels=judged.labels if judged else {},
            metrics=judged.metrics if judged else {},
            lr=self.plan.optimizer.param_groups[0]["lr"] / self.plan.optimizer.param_groups[0]["lr_factor"],
            images_per_second=speed,
            seconds=seconds,
            seconds_left=elapsed * (1 - progress) / max(progress, 1e-9),
        )

    def save_last(self) -> Iterator[Event]:
        """Save what was learnt so far. Without validation images it is also the best there is."""
        if not self.val_images:
            yield self._save("best", best=True)
        yield self._save("last", best=False)
        self.saved_at = time.monotonic()

    def _save(self, name: str, best: bool) -> CheckpointSaved:
        path = self.folder / "checkpoints" / f"{name}.safetensors"
        description = self._description(f"{self.folder.name}-{name}", best)
        checkpoint.save(path, self.prepared.detector, description)
        if best:
            self.best_id = description.id
        return CheckpointSaved(
            description.id, str(path), self.epoch, description.metrics.map50, description.metrics.map, best
        )

    def _description(self, identity: str, best: bool) -> Description:
        return Description(
            id=identity,
            run=self.folder.name,
            model=self.recipe.model,
            epoch=self.epoch,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            labels=list(self.snapshot.label_names),
            label_colors=list(self.snapshot.label_colors),
            architecture=self.prepared.architecture.to_json(),
            input=self.prepared.input,
            recipe=self.recipe.model_dump(),
            snapshot_hash=self.snapshot.hash,
            window=self.snapshot.window,
            metrics=self.latest.kept() if self.latest else Metrics(),
            best=best,
            versions=versions(),
        )

    def finished(self, stopped: bool) -> RunFinished:
        return RunFinished(
            epoch=self.epoch,
            seconds=time.monotonic() - self.began,
            stopped=stopped,
            best_map50=self.best.map50 if self.best else None,
            best_map=self.best.map if self.best else None,
            best_checkpoint=self.best_id,
            peak_memory_mb=peak_memory_mb(self.device),
        )


def versions() -> dict[str, Any]:
    """What a run depends on besides its recipe and snapshot."""
    return {"python": sys.version.split()[0], "torch": torch.__version__, "torchvision": torchvision.__version__}


def peak_memory_mb(device: torch.device) -> float:
    """The most memory that was in use: the GPU's where one computes, else the process's."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    try:
        import resource  # noqa: PLC0415 - there is none on Windows
    except ImportError:
        return 0.0
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale / 2**20
