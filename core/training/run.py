"""A training under way: its parts, put together, and what they say of it. `loop` drives it."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

import torch

from core.counting import format_count
from core.errors import InputError
from core.evaluation.operating_point import OperatingPoint
from core.inference.runner import Runner
from core.jobs.events import (
    ActivityBegun,
    CheckpointSaved,
    EpochDone,
    Event,
    Notice,
    RunFailed,
    RunFinished,
    RunPaused,
    RunStarted,
    StepDone,
)
from core.models.checkpoint import Resumable
from core.models.decoding_spec import DecodingSpec
from core.models.device import device_title
from core.models.networks.detector import Network
from core.models.training_range import TrainingRange
from core.models.training_state import TrainingState, optimizer_tensors, restore_optimizer
from core.project.snapshot import Snapshot
from core.recipe.field_words import field_title
from core.recipe.recipe import Recipe
from core.recipe.schedule import EarlyStop, Plateau, peak_rate, rate_factor
from core.training.averaging import Average
from core.training.data.dataset import Batch, TrainingSet
from core.training.data.image_cache import ImageCache
from core.training.data.speed import limit_val_images
from core.training.divergence import likely_cause
from core.training.environment import describe_environment, peak_memory_mb, resumed_thread_notices
from core.training.out_of_memory import TooLittleMemory, is_finite
from core.training.pace import Pace, count_pixels, list_judged
from core.training.preparation import Prepared
from core.training.process_group import ProcessGroup
from core.training.run_state import BestSoFar, EpochSums, RunState
from core.training.samples import SampleWriter
from core.training.saving import Saver
from core.training.steps import Diverged, Stepper
from core.training.strategy import apply_strategy
from core.training.tasks.task import task_for
from core.training.tasks.validation_result import ValidationResult
from core.training.trained_images import measure_training_images
from core.training.validation import validate
from core.types import Split


class Run:
    """One training under way."""

    def __init__(
        self, recipe: Recipe, snapshot: Snapshot, folder: Path, prepared: Prepared, process_group: ProcessGroup
    ) -> None:
        self.recipe, self.snapshot, self.folder, self.process_group = recipe, snapshot, folder, process_group
        self.prepared = prepared
        self.device = process_group.device
        self.network = prepared.network.to(self.device)
        if recipe.limits.channels_last:
            self.network.to(memory_format=torch.channels_last)
        process_group.broadcast_weights(self.network)
        self.task = task_for(recipe, snapshot)
        self.plan = apply_strategy(self.network, recipe, prepared.pretrained)
        self.average = Average(self.network, recipe.optimizer.ema) if recipe.optimizer.ema else None
        self.stepper = Stepper(self.plan, self.task, prepared.input, recipe, self.device, process_group)
        self.train_images = snapshot.of_split(Split.TRAIN)
        self.decoding = DecodingSpec.for_images(snapshot.most_boxes)
        self.val_images = limit_val_images(recipe, snapshot.of_split(Split.VAL))
        self.cache = ImageCache.for_run(recipe, snapshot.cameras, folder, process_group.local_size)
        self.saver = Saver(folder, recipe, snapshot, prepared, self._measure_images)
        size = (prepared.input.width, prepared.input.height)
        self.data = TrainingSet(self.train_images, len(snapshot.label_names), recipe, size, self.cache)
        # Steps of the optimiser; the last of an epoch may have fewer batches than the others.
        self.epoch_steps = -(-self.data.batch_count(process_group.size) // recipe.optimizer.accumulate)
        self.steps = recipe.schedule.epochs * self.epoch_steps
        judged = list_judged(recipe.schedule.epochs, recipe.evaluation.every) if self.val_images else []
        shown = count_pixels(prepared.input, ((one.width, one.height) for one in self.val_images))
        self.pace = Pace(recipe.schedule.epochs, self.epoch_steps, judged, shown, recipe.limits.time_minutes * 60)
        self.samples = SampleWriter(
            folder, self.val_images, snapshot.label_names, recipe.seed, recipe.evaluation.samples
        )
        self._samples_work = True
        self.under_way: Sequence[Batch] = ()  # the batches of the step that was begun last
        self.state = RunState(
            EpochSums.on(self.device),
            Plateau.of(recipe.schedule),
            EarlyStop.of(recipe.evaluation.early_stop, self.plan.phases),
        )
        # Of the process that saved what this one goes on with; 0: nobody knows, or it is the first.
        self.threads_before = 0
        self.epoch_began = self.began = time.monotonic()

    @property
    def looks_inside(self) -> bool:
        """Whether a step is given up in the middle if the user wants to stop.

        Steps of a GPU are short; many processes decide together, between steps; and what looks inside a network
        would cut a compiled one into pieces.
        """
        return self.device.type == "cpu" and self.process_group.size == 1 and not self.recipe.limits.compile

    def restore(self, saved: Resumable) -> None:
        """Go on where the checkpoint was saved. Raises InputError if it does not fit."""
        saved.state.restore_network(self.network)
        restore_optimizer(self.plan.optimizer, saved.state.optimizer)
        progress = saved.state.progress
        self.state.restore(progress, str(self.folder))
        self.stepper.restore(progress.halvings, progress.scaler)
        self.threads_before = int(progress.more.get("threads", 0))
        if self.state.point is None and self.state.latest is not None:
            self.state.point = self.choose_point(self.state.latest)  # saved before there were operating points
        self.saver.saved_any = True
        self.saver.trained_on = saved.checkpoint.description.trained_on

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
            environment=describe_environment(self.device, self.recipe),
            resumed_at=self.state.step,
            world_size=self.process_group.size,
        )

    def notices(self) -> Sequence[str]:
        """What the user should know before the first step."""
        told = [*self.data.notices, *resumed_thread_notices(self.device, self.threads_before)]
        if self.val_images:
            return told
        wanted = self.recipe.evaluation.early_stop or self.recipe.schedule.decay == "plateau"
        return [
            *told,
            "no validation images: mAP cannot be measured, and the last checkpoint counts as the best"
            + ("; early stopping and decay on plateaus do nothing without them" if wanted else ""),
        ]

    def _measure_images(self) -> TrainingRange | None:
        return measure_training_images(self.train_images, self.cache, self.prepared.input, self.snapshot.bits)

    # -- time and rate ----------------------------------------------------------------------------------------

    def rate(self, step: int) -> float:
        """The head's learning rate at `step` (from 0) of the run."""
        pictures = self.recipe.schedule.batch_size * self.recipe.optimizer.accumulate * self.process_group.size
        factor = rate_factor(self.recipe.schedule, step, self.steps, self.progress(step), self.state.plateau.factor)
        return peak_rate(self.recipe.optimizer, pictures) * factor

    def progress(self, steps_done: int) -> float:
        """Share of the run that is over, by steps or by the time limit, whichever is further."""
        by_steps = steps_done / self.steps
        limit = self.recipe.limits.time_minutes * 60
        return max(by_steps, self.process_group.broadcast(self.seconds()) / limit) if limit else by_steps

    def seconds(self) -> float:
        return self.state.seconds + time.monotonic() - self.began

    def epoch_seconds(self) -> float:
        return self.state.sums.seconds + time.monotonic() - self.epoch_began

    def seconds_left(self) -> float | None:
        """Until the run ends, judging included; None before the first step."""
        return self.pace.left(self.state.epoch, self.state.epoch_step, self.seconds())

    @property
    def box_weight(self) -> float:
        return self.recipe.loss.box_weight

    # -- what is told and kept ---------------------------------------------------------------------------------

    def choose_point(self, judged: ValidationResult) -> OperatingPoint:
        """From which scores on detections count, by the validation images."""
        images = format_count(len(self.val_images), "validation image")
        found = {name: judged.thresholds.get(name) for name in self.task.label_names}
        absent = [name for name in found if judged.labels.get(name) is None]
        return OperatingPoint.of_validation(found, f"{images} in epoch {self.state.epoch}", absent)

    def step_done(self, labels: float, boxes: float, rate: float) -> StepDone:
        state, seconds = self.state, self.epoch_seconds()
        self.pace.learn(
            seconds, state.sums.steps, state.sums.pictures * self.prepared.input.width * self.prepared.input.height
        )
        return StepDone(
            state.epoch,
            state.epoch_step,
            self.epoch_steps,
            labels + boxes,
            labels,
            boxes,
            rate,
            state.sums.pictures * self.process_group.size / max(seconds, 1e-9),
            epoch_loss=sum(state.sums.mean()),
            seconds_left=self.seconds_left(),
        )

    def epoch_done(self, losses: tuple[float, float], learning_seconds: float) -> EpochDone:
        label_loss, box_loss = losses
        state, judged = self.state, self.state.latest
        val_box_loss = self.box_weight * judged.box_loss if judged else None
        return EpochDone(
            epoch=state.epoch,
            epochs=self.recipe.schedule.epochs,
            train_loss=label_loss + box_loss,
            train_label_loss=label_loss,
            train_box_loss=box_loss,
            val_loss=judged.label_loss + self.box_weight * judged.box_loss if judged else None,
            val_label_loss=judged.label_loss if judged else None,
            val_box_loss=val_box_loss,
            map50=judged.map50 if judged else None,
            map=judged.map if judged else None,
            labels=judged.labels if judged else {},
            lr=self.rate(state.step - 1),
            images_per_second=state.sums.pictures * self.process_group.size / max(learning_seconds, 1e-9),
            seconds=self.epoch_seconds(),
            seconds_left=self._left_after_epoch(),
            metrics=judged.metrics if judged else {},
            memory_mb=peak_memory_mb(self.device),
        )

    def _left_after_epoch(self) -> float:
        """Seconds until the run ends, once this epoch was judged."""
        progress = self.progress(self.state.step)
        left = self.pace.left(self.state.epoch + 1, 0, self.seconds())
        return 0.0 if progress >= 1 else left if left is not None else self.seconds() * (1 - progress) / progress

    def validate(self, runner: Runner) -> Generator[int, None, ValidationResult]:
        """Judge what `runner` holds on the validation images; yields how many this process has looked at."""
        keep = self.samples.keep_found
        return validate(self.task, runner, self.val_images, self.cache, self.process_group, keep)

    def write_samples(self) -> Iterator[Event]:
        """Show what the judgement found on a few images. A disk that refuses does not end the training."""
        if not self.process_group.is_main or self.state.point is None or not self._samples_work:
            return
        spec = self.prepared.input
        size = (spec.width, spec.height) if spec.mode == "whole" else None  # as the judgement has read them
        try:
            if self.samples.needs_pictures:
                self.samples.write_pictures(self.cache.whole(image, size) for image in self.samples.images)
            self.samples.write_epoch(self.state.epoch, self.state.point.thresholds)
        except OSError as error:
            self._samples_work = False
            yield Notice(
                f"the sample images cannot be written ({error.strerror}); the training goes on without", "warning"
            )

    def predicting(self) -> Network:
        """The network that is judged, and saved to predict."""
        return self.average.network if self.average else self.network

    def check(self) -> None:
        """Wait for the device, and raise Diverged if what was learnt so far is of no use."""
        self.stepper.check()
        if not is_finite(self.network):
            raise Diverged("the weights became infinite or no number")

    def save_last(self) -> Iterator[Event]:
        """Save what was learnt so far. Without validation images it is also the best there is.

        Raises Diverged if that is of no use: what was saved before stays.
        """
        self.check()
        if not self.process_group.is_main:
            return
        yield ActivityBegun("saving", seconds_left=self.seconds_left())
        network, state = self.predicting(), self.state
        if not self.val_images:
            event = self.saver.best(network, state.epoch, None, None)
            if isinstance(event, CheckpointSaved):
                state.best = BestSoFar(event.id)
            yield event
        progress = state.progress(
            self.seconds(), self.epoch_seconds(), self.stepper.halvings, self.stepper.scaler_state()
        )
        progress.more["start"] = self.prepared.start()
        progress.more["threads"] = torch.get_num_threads()
        learning = self.network.state_dict() if self.average else {}
        kept = TrainingState(progress, optimizer_tensors(self.plan.optimizer), learning)
        yield self.saver.last(network, state.epoch, state.latest, state.point, kept)

    def paused(self) -> RunPaused:
        return RunPaused(self.state.epoch, self.state.step, self.seconds())

    def finished(self, stopped: bool) -> RunFinished:
        best = self.state.best
        return RunFinished(
            epoch=self.state.epoch,
            seconds=self.seconds(),
            stopped=stopped,
            best_map50=best.map50,
            best_map=best.map,
            best_checkpoint=best.id,
            peak_memory_mb=peak_memory_mb(self.device),
        )

    def failed(self, error: InputError | MemoryError | TooLittleMemory | Diverged) -> Iterator[Event]:
        """The end of a run that cannot go on; what was learnt is saved if it is sound."""
        if isinstance(error, Diverged):
            yield self._diverged(error)
            return
        kept = self._still_good()
        if not (isinstance(error, TooLittleMemory) and error.spoilt):
            try:
                yield from self.save_last()
                kept = "What was learnt is in the last checkpoint."
            except Diverged as worse:
                yield self._diverged(worse)
                return
        if isinstance(error, TooLittleMemory):
            memory = "the machine" if self.device.type == "cpu" else "the GPU"
            yield RunFailed(
                f"{memory} has too little memory {error}",
                f"{kept} Set a smaller {field_title('sampling.input_size')}, freeze more of the backbone, or choose a smaller model.",
            )
        elif isinstance(error, MemoryError):
            yield RunFailed(
                "the machine has too little memory for the images",
                f"{kept} Set {field_title('limits.ram_cache_mb')} below {self.cache.limit_bytes // 2**20:,} MB, and fewer "
                f"{field_title('limits.workers')}.",
            )
        else:
            yield RunFailed(str(error), f"{kept} Resume the run when that is mended.")

    def _diverged(self, error: Diverged) -> RunFailed:
        cause = likely_cause(
            self.plan,
            self.task,
            self.under_way,
            self.prepared.input,
            self.recipe,
            self.train_images,
            self.rate(self.state.step),
        )
        where = f"in epoch {self.state.epoch}, step {self.state.epoch_step + 1}"
        return RunFailed(f"{error} {where}; {cause.reason}", f"{cause.advice} {self._still_good()}")

    def _still_good(self) -> str:
        if self.saver.saved_any:
            return "The last checkpoint that was saved is still good."
        return "Nothing was saved yet."
