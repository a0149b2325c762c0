"""The training itself: a generator of events. A child process, the command line and the tests all iterate it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path

import torch

from core.errors import InputError
from core.inference.runner import Runner
from core.models import checkpoint
from core.models.checkpoint import Resumable
from core.models.detector import Network
from core.models.device import choose_device, device_title
from core.models.multilabel import Decoding
from core.models.training_state import TrainingState, optimizer_tensors, restore_optimizer
from core.project.snapshot import Snapshot
from core.training.averaging import Average
from core.training.dataset import Batch, TrainingSet
from core.training.divergence import likely_cause
from core.training.environment import device_notices, environment, peak_memory_mb, use_fast_arithmetic
from core.training.events import (
    CheckpointSaved,
    EpochDone,
    Event,
    Notice,
    PhaseBegun,
    RunFailed,
    RunFinished,
    RunPaused,
    RunStarted,
    StepDone,
)
from core.training.image_cache import ImageCache
from core.training.interruption import StopRequested, Wishes
from core.training.judging import Judged
from core.training.memory import TooLittleMemory, finite, in_memory
from core.training.preparation import Prepared, prepare, prepared_again
from core.training.recipe import Recipe
from core.training.run_state import EpochSums, RunState, Standing
from core.training.saving import Saver, check_belongs
from core.training.schedule import EarlyStop, Plateau, peak_rate, rate_factor
from core.training.steps import Diverged, Stepper
from core.training.strategy import apply_strategy, set_rate
from core.training.tasks import task_for
from core.training.validation import validate
from core.training.world import World
from core.types import Split

# For average precision, low scores count too; 0.01 loses nothing that shows in four digits.
EVALUATION_DECODING = Decoding(score_threshold=0.01, max_detections=300)
STEP_EVENTS_APART = 0.05  # seconds


def never() -> bool:
    return False


def train(
    recipe: Recipe,
    snapshot: Snapshot,
    run_folder: Path,
    should_stop: Callable[[], bool],
    should_pause: Callable[[], bool] = never,
    world: World | None = None,
) -> Iterator[Event]:
    """Train `recipe` on `snapshot`, writing checkpoints into `run_folder`/checkpoints.

    Where that folder holds the last checkpoint of this run, the training goes on from it as if it had never been
    interrupted: on a CPU to the same bits. Yields events until RunFinished, RunPaused or RunFailed. When `should_stop()`
    or `should_pause()` turns true, also in the middle of a step, what was learnt is saved as the last checkpoint, and the
    run finishes as stopped or pauses. Raises InputError, before any step, if the recipe, the snapshot or the starting
    weights cannot work, or the folder belongs to another run.

    `world`: the processes that train together; each calls this, and the main one writes.
    """
    world = world or World(device=choose_device(recipe.device))
    use_fast_arithmetic(world.device)
    saved = checkpoint.load_resumable(run_folder / "checkpoints")
    if saved is not None:
        check_belongs(saved.checkpoint.description, recipe, snapshot, run_folder)
    prepared = prepared_again(saved) if saved else prepare(recipe, snapshot)
    run = _Run(recipe, snapshot, run_folder, prepared, world)
    if saved is not None:
        run.restore(saved)
    yield run.started()
    for text in [*prepared.notices, *device_notices(world.device, recipe), *run.notices()]:
        yield Notice(text, "warning")
    wishes = Wishes(should_stop, should_pause)
    try:
        try:
            # Many processes decide between steps, together; and hooks would cut a compiled network into pieces.
            with wishes.inside(run.network if world.size == 1 and not recipe.limits.compile else None):
                yield from run.epochs(wishes)
        except StopRequested as wish:
            yield from run.save_last()
            yield run.paused() if wish.pause else run.finished(stopped=True)
        else:
            yield run.finished(stopped=False)
    except (InputError, MemoryError, TooLittleMemory, Diverged) as error:
        yield from run.failed(error)


class _Run:
    """One training under way."""

    def __init__(self, recipe: Recipe, snapshot: Snapshot, folder: Path, prepared: Prepared, world: World) -> None:
        self.recipe, self.snapshot, self.folder, self.world = recipe, snapshot, folder, world
        self.prepared = prepared
        self.device = world.device
        self.network = prepared.detector.to(self.device)
        if recipe.limits.channels_last:
            self.network.to(memory_format=torch.channels_last)
        world.start_alike(self.network)
        self.task = task_for(recipe, snapshot)
        self.plan = apply_strategy(self.network, recipe, prepared.pretrained)
        self.average = Average(self.network, recipe.optimizer.ema) if recipe.optimizer.ema else None
        self.stepper = Stepper(self.plan, self.task, prepared.input, recipe, self.device, world)
        self.saver = Saver(folder, recipe, snapshot, prepared)
        self.train_images = snapshot.of_split(Split.TRAIN)
        self.val_images = snapshot.of_split(Split.VAL)[: recipe.evaluation.max_images or None]
        self.cache = ImageCache.for_run(recipe, snapshot.window, folder, world.size)
        size = (prepared.input.width, prepared.input.height)
        self.data = TrainingSet(self.train_images, len(snapshot.label_names), recipe, size, self.cache)
        # Steps of the optimiser; the last of an epoch may have fewer batches than the others.
        self.epoch_steps = -(-self.data.batch_count(world.size) // recipe.optimizer.accumulate)
        self.steps = recipe.schedule.epochs * self.epoch_steps
        self.under_way: Sequence[Batch] = ()  # the batches of the step that was begun last
        self.state = RunState(
            EpochSums.on(self.device),
            Plateau.of(recipe.schedule),
            EarlyStop.of(recipe.evaluation.early_stop, self.plan.phases),
        )
        self.epoch_began = self.began = time.monotonic()

    def restore(self, saved: Resumable) -> None:
        """Go on where the checkpoint was saved. Raises InputError if it does not fit."""
        saved.state.restore_network(self.network)
        restore_optimizer(self.plan.optimizer, saved.state.optimizer)
        progress = saved.state.progress
        self.state.restore(progress, str(self.folder))
        self.stepper.restore(progress.halvings, progress.scaler)
        self.saver.saved_any = True

    def started(self) -> RunStarted:
        return RunStarted(
            run=self.folder.name,
            model=self.recipe.model,
            device=device_title(self.device),
            epochs=self.recipe.schedule.epochs,
            steps_per_epoch=self.epoch_steps,
            train_images=len(self.train_images),
            val_images=len(self.val_images),
            labels=list(self.snapshot.label_names),
            parameters=sum(p.numel() for p in self.network.parameters()),
            trainable_parameters=self.plan.trainable_parameters(),
            reachable=self.prepared.reachable,
            weights=self.prepared.weights_text,
            skipped=list(self.prepared.skipped),
            plan=[phase.to_json() for phase in self.plan.phases],
            environment=environment(self.device, self.recipe),
            resumed_at=self.state.step,
            world_size=self.world.size,
        )

    def notices(self) -> Sequence[str]:
        """What the user should know before the first step."""
        if self.val_images:
            return self.data.notices
        return [
            *self.data.notices,
            "no validation images: mAP cannot be measured, and the last checkpoint counts as the best",
        ]

    # -- epochs and steps --------------------------------------------------------------------------------------

    def epochs(self, wishes: Wishes) -> Iterator[Event]:
        while not self.state.over:
            if self.state.closed:
                self.state.begin_epoch()
            self.epoch_began = time.monotonic()
            yield from self._begin_phase()
            yield from self._steps(wishes)
            yield from self._close_epoch(wishes)
            if self.world.any_(self.state.over or (self.world.is_main and self.saver.due)):
                yield from self.save_last()

    def _begin_phase(self) -> Iterator[Event]:
        phase = self.plan.set_epoch(self.state.epoch)
        # The network comes from being judged, or is new: neither is how it learns.
        self.plan.training_mode()
        if phase is not None and phase is not self.plan.phases[0]:
            yield PhaseBegun(phase.epoch, list(phase.stages), self.plan.trainable_parameters())

    def _steps(self, wishes: Wishes) -> Iterator[Event]:
        state, accumulate = self.state, self.recipe.optimizer.accumulate
        if state.epoch_step == self.epoch_steps or self._progress(state.step) >= 1:
            return
        shown = time.monotonic()
        with closing(self._batches(state.epoch, state.epoch_step * accumulate)) as batches:
            while state.epoch_step < self.epoch_steps:
                self.under_way = wishes.unless(self.world, lambda: list(islice(batches, accumulate)))
                rate = self._rate(state.step)
                set_rate(self.plan.optimizer, rate)
                loss = self.stepper.step(self.under_way, state.step)
                state.count(loss.labels, loss.boxes, sum(len(batch.images_b3hw) for batch in self.under_way))
                if self.average:
                    self.average.follow(state.step)
                yield from (Notice(text, "warning") for text in self.stepper.news())
                now = time.monotonic()
                if now - shown >= STEP_EVENTS_APART or state.epoch_step == self.epoch_steps:
                    shown = now
                    self.stepper.check()
                    yield self._step_done(float(loss.labels), float(loss.boxes), rate)
                if self._progress(state.step) >= 1:
                    return
                if self.saver.due and state.epoch_step < self.epoch_steps:
                    yield from self.save_last()

    def _batches(self, epoch: int, first: int) -> Generator[Batch, None, None]:
        """The batches of an epoch from number `first` on; of many processes, this one's part of each."""
        world = self.world
        yield from self.data.batches(epoch, first, world.rank, world.size, device=self.device)

    def _close_epoch(self, wishes: Wishes) -> Iterator[Event]:
        """Judge the network, tell of the epoch, keep the model if it is the best, and decide what follows."""
        state, recipe = self.state, self.recipe
        losses = state.sums.mean()
        self.stepper.check()
        in_time = self._progress(state.step) < 1
        last = state.epoch == recipe.schedule.epochs or not in_time
        seconds = self._epoch_seconds()
        if self.val_images and (last or state.epoch % recipe.evaluation.every == 0):
            state.latest = self._judge(wishes)
        yield self._epoch_done(losses, seconds)
        state.closed = True
        state.over = last
        if state.latest is not None:
            yield from self._keep_if_best(state.latest)
            yield from self._follow(state.latest)
        if last and state.step < self.steps:
            yield Notice(f"the time limit ended the run in epoch {state.epoch} of {recipe.schedule.epochs}")

    def _judge(self, wishes: Wishes) -> Judged:
        self.world.average_buffers(self.network)
        network = self._predicting()
        network.eval()
        runner = Runner(network, self.prepared.input, self.device, self.recipe.limits.precision, EVALUATION_DECODING)
        with wishes.inside(network if self.average and self.world.size == 1 else None):
            judged = in_memory(
                lambda: validate(self.task, runner, self.val_images, self.cache, self.world), self.device
            )
        if not math.isfinite(judged.label_loss + judged.box_loss):
            raise Diverged("the loss on the validation images became infinite or no number")
        return judged

    def _keep_if_best(self, judged: Judged) -> Iterator[Event]:
        if self.world.is_main and self.state.best.beaten_by(judged.rank):
            event = self.saver.best(self._predicting(), self.state.epoch, judged)
            if isinstance(event, CheckpointSaved):
                self.state.best = Standing(event.id, judged.rank, judged.map50, judged.map)
            yield event

    def _follow(self, judged: Judged) -> Iterator[Event]:
        """Let the schedule and the early stop learn from a judgement."""
        state, schedule = self.state, self.recipe.schedule
        before = state.plateau.factor
        state.plateau = state.plateau.after(judged.label_loss + self._box_weight * judged.box_loss)
        if schedule.decay == "plateau" and state.plateau.factor < before:
            yield Notice(
                f"the validation loss has stopped falling: the learning rate drops to {self._rate(state.step):.2g}"
            )
        state.early_stop = state.early_stop.after(state.epoch, judged.rank)
        if state.early_stop.over and not state.over:
            state.over = True
            yield Notice(
                f"{self.recipe.evaluation.early_stop} evaluations brought no better model: the run ends in epoch "
                f"{state.epoch} of {schedule.epochs}"
            )

    def _rate(self, step: int) -> float:
        """The head's learning rate at `step` (from 0) of the run."""
        pictures = self.recipe.schedule.batch_size * self.recipe.optimizer.accumulate * self.world.size
        factor = rate_factor(self.recipe.schedule, step, self.steps, self._progress(step), self.state.plateau.factor)
        return peak_rate(self.recipe.optimizer, pictures) * factor

    def _progress(self, steps_done: int) -> float:
        """Share of the run that is over, by steps or by the time limit, whichever is further."""
        by_steps = steps_done / self.steps
        limit = self.recipe.limits.time_minutes * 60
        return max(by_steps, self.world.broadcast(self._seconds()) / limit) if limit else by_steps

    def _seconds(self) -> float:
        return self.state.seconds + time.monotonic() - self.began

    def _epoch_seconds(self) -> float:
        return self.state.sums.seconds + time.monotonic() - self.epoch_began

    @property
    def _box_weight(self) -> float:
        return self.recipe.loss.box_weight

    # -- what is told and kept ---------------------------------------------------------------------------------

    def _step_done(self, labels: float, boxes: float, rate: float) -> StepDone:
        state = self.state
        speed = state.sums.pictures * self.world.size / max(self._epoch_seconds(), 1e-9)
        return StepDone(state.epoch, state.epoch_step, self.epoch_steps, labels + boxes, labels, boxes, rate, speed)

    def _epoch_done(self, losses: tuple[float, float], learning_seconds: float) -> EpochDone:
        label_loss, box_loss = losses
        state, judged = self.state, self.state.latest
        progress = self._progress(state.step)
        val_box_loss = self._box_weight * judged.box_loss if judged else None
        return EpochDone(
            epoch=state.epoch,
            epochs=self.recipe.schedule.epochs,
            train_loss=label_loss + box_loss,
            train_label_loss=label_loss,
            train_box_loss=box_loss,
            val_loss=judged.label_loss + self._box_weight * judged.box_loss if judged else None,
            val_label_loss=judged.label_loss if judged else None,
            val_box_loss=val_box_loss,
            map50=judged.map50 if judged else None,
            map=judged.map if judged else None,
            labels=judged.labels if judged else {},
            lr=self._rate(state.step - 1),
            images_per_second=state.sums.pictures * self.world.size / max(learning_seconds, 1e-9),
            seconds=self._epoch_seconds(),
            seconds_left=self._seconds() * (1 - progress) / max(progress, 1e-9),
            metrics=judged.metrics if judged else {},
        )

    def _predicting(self) -> Network:
        """The network that is judged, and saved to predict."""
        return self.average.network if self.average else self.network

    def save_last(self) -> Iterator[Event]:
        """Save what was learnt so far. Without validation images it is also the best there is."""
        self.stepper.check()
        if not finite(self.network):
            if self.state.closed:
                raise Diverged("the weights became infinite or no number")
            return  # the next step will say so
        if not self.world.is_main:
            return
        network, state = self._predicting(), self.state
        if not self.val_images:
            event = self.saver.best(network, state.epoch, None)
            if isinstance(event, CheckpointSaved):
                state.best = Standing(event.id)
            yield event
        progress = state.progress(
            self._seconds(), self._epoch_seconds(), self.stepper.halvings, self.stepper.scaler_state()
        )
        progress.more["start"] = self.prepared.start()
        learning = self.network.state_dict() if self.average else {}
        kept = TrainingState(progress, optimizer_tensors(self.plan.optimizer), learning)
        yield self.saver.last(network, state.epoch, state.latest, kept)

    def paused(self) -> RunPaused:
        return RunPaused(self.state.epoch, self.state.step, self._seconds())

    def finished(self, stopped: bool) -> RunFinished:
        best = self.state.best
        return RunFinished(
            epoch=self.state.epoch,
            seconds=self._seconds(),
            stopped=stopped,
            best_map50=best.map50,
            best_map=best.map,
            best_checkpoint=best.id,
            peak_memory_mb=peak_memory_mb(self.device),
        )

    def failed(self, error: InputError | MemoryError | TooLittleMemory | Diverged) -> Iterator[Event]:
        """The end of a run that cannot go on; what was learnt is saved if it is sound."""
        state = self.state
        if isinstance(error, Diverged):
            cause = likely_cause(
                self.plan, self.task, self.under_way, self.prepared.input, self.recipe, self.train_images,
                self._rate(state.step),
            )  # fmt: skip
            kept = (
                "The last checkpoint that was saved is still good."
                if self.saver.saved_any
                else "Nothing was saved yet."
            )
            where = f"in epoch {state.epoch}, step {state.epoch_step + 1}"
            yield RunFailed(f"{error} {where}; {cause.reason}", f"{cause.advice} {kept}")
            return
        advice = "What was learnt is in the last checkpoint; "
        if isinstance(error, TooLittleMemory) and error.spoilt:
            advice = "The last checkpoint that was saved is still good; " if self.saver.saved_any else ""
        else:
            yield from self.save_last()
        if isinstance(error, TooLittleMemory):
            memory = "the machine" if self.device.type == "cpu" else "the GPU"
            yield RunFailed(
                f"{memory} has too little memory {error}",
                f"{advice}set a smaller sampling.input_size, freeze more of the backbone, or choose a smaller model.",
            )
        elif isinstance(error, MemoryError):
            yield RunFailed(
                "the machine has too little memory for the images",
                f"{advice}set limits.ram_cache_mb below {self.cache.limit_bytes // 2**20}, and fewer limits.workers.",
            )
        else:
            yield RunFailed(str(error), f"{advice}train on from it when that is mended.")
